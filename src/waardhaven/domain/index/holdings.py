"""What an index holds today: drifted weights and the returns shown beside them."""

from dataclasses import replace

import numpy as np

from waardhaven.domain.index.events import EventColumns, EventRows
from waardhaven.domain.index.pricing import CarriedPrices
from waardhaven.domain.market.calendar import last_known, session_row
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import Floats


def drifted_weights(units: Floats, price: Floats, fx: Floats) -> Floats:
    """Return units x price x fx / total, (m,): the weights on the day of the prices.

    One unknown (NaN) price or rate makes the total unknown, so every weight is NaN; carry the last
    known price forward first (``last_closes``).
    """
    value = units * price * fx
    weights: Floats = value / np.add.accumulate(value)[-1]
    return weights


def net_of_actions(panel: PricePanel, events: EventColumns) -> tuple[Floats, PricePanel]:
    """Return the last closes (k,) as shares are on the last day, and the panel net of actions.

    A close that is older than an action on its name follows the action; NaN where there is no close. In
    the panel plain returns are holding-period returns: distributions reinvested, splits and rights undone.
    """
    placed = EventRows.placed(events, panel.days, panel.assets)
    carried = CarriedPrices.of(panel, np.ones_like(panel.close), placed)
    last = np.where(carried.price[-1] > 0.0, carried.price[-1], np.nan)
    factor = np.ones_like(panel.close)
    factor[carried.net.row - 1, carried.net.column] = carried.net.factor
    later = np.multiply.accumulate(factor[::-1], axis=0)[::-1]
    return last, replace(panel, close=panel.close / later)


def last_closes(panel: PricePanel, day: np.datetime64) -> Floats:
    """Return each asset's last close at or before the session ``day``, (k,); NaN before the first."""
    return _closes_before(panel, session_row(panel.days, day) + 1)


def daily_returns(panel: PricePanel, day: np.datetime64) -> Floats:
    """Return each asset's return into the session ``day`` from its last close before, (k,) fractions.

    NaN without a bar on the day or before it.
    """
    row = session_row(panel.days, day)
    change: Floats = panel.close[row] / _closes_before(panel, row) - 1.0
    return change


def ytd_returns(panel: PricePanel, day: np.datetime64) -> Floats:
    """Return each asset's return since its last close of the year before, (k,) fractions.

    NaN if the panel holds no close of an earlier year or none of the year of ``day`` up to it.
    """
    row = session_row(panel.days, day)
    first = int(np.searchsorted(panel.days, day.astype("datetime64[Y]").astype("datetime64[D]")))
    this_year = PricePanel(days=panel.days[first:], assets=panel.assets, close=panel.close[first:])
    return _closes_before(this_year, row + 1 - first) / _closes_before(panel, first) - 1.0


def _closes_before(panel: PricePanel, row: int) -> Floats:
    """Return the last closes above position ``row``, (k,); NaN where there is none."""
    if row == 0:
        return np.full(len(panel.assets), np.nan)
    last = last_known(~np.isnan(panel.close[:row]))[-1]
    return np.where(last >= 0, panel.close[last, np.arange(len(last))], np.nan)
