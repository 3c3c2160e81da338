"""Prices as the engine uses them: in index currency, last known values carried, their age kept."""

from dataclasses import dataclass
from math import isfinite
from typing import Self

import numpy as np
import numpy.typing as npt

from waardhaven.domain.index.events import DISTRIBUTIONS, IN_PRICES, EventKind, EventRows
from waardhaven.domain.index.treatments import ex_price, is_stated
from waardhaven.domain.market.calendar import last_known
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import Flags, Floats, Rows

NEVER = np.iinfo(np.int16).max
"""Age of a price that was never known (real ages stop one below)."""
CHUNK = 64
"""Columns filled at a time, to bound memory."""

Ages = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFactors:
    """What moves into ``row`` of ``column`` are multiplied by to be net of actions: parallel, by row.

    With them a move is the holding-period return of CRSP: what one old share became, distributions
    reinvested at the close of the ex-date.
    """

    row: Rows
    column: Rows
    factor: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedPrices:
    """Last known prices (n, k) in index currency, C order.

    ``price``: last close at or before the day x that day's rate; 0 where none is known yet, so that
    holding nothing adds exactly nothing. ``age`` (n, k) int16: sessions since that close, NEVER where
    none is known; None when every bar exists. A carried price follows actions on its name, so that it
    fits the units; after a delisting it is the terminal value, which is never fresh. ``events``: the
    actions on these axes. ``cash``: the amount of each event in index currency at its ex-date, NaN
    unknown. ``net``: what makes moves net of actions.
    """

    price: Floats
    age: Ages | None
    events: EventRows
    cash: Floats
    net: MoveFactors

    @classmethod
    def of(cls, panel: PricePanel, fx: Floats, events: EventRows) -> Self:
        """Carry closes and rates forward; ``fx`` (n, k) NaN where no rate is known."""
        price, age = _filled(panel, fx)
        cash = events.cash * _rates(fx, events)
        if len(events):
            price = _followed(price, panel.close, age, events, cash)
        return cls(price=price, age=age, events=events, cash=cash, net=_net(price, events, cash))

    def known(self, rows: Rows | slice, limit: int) -> Flags:
        """Tell where on ``rows`` a price is known and at most ``limit`` sessions old."""
        if self.age is None:
            return np.ones(self.price[rows].shape, dtype=np.bool_)
        return self.age[rows] <= limit

    def fresh(self, rows: Rows | slice, limit: int) -> Floats:
        """Return the prices on ``rows``, NaN where unknown or older than ``limit`` sessions."""
        if self.age is None:
            return self.price[rows]
        return np.where(self.age[rows] <= limit, self.price[rows], np.nan)

    def moves(self, rows: slice, limit: int) -> Floats:
        """Return moves (m - 1, k) between the m ``rows``, net of actions; NaN where a price is not fresh."""
        seen = returns(self.fresh(rows, limit))
        first, last = np.searchsorted(self.net.row, [rows.start + 1, rows.stop]).tolist()
        if first < last:
            at = (self.net.row[first:last] - rows.start - 1, self.net.column[first:last])
            seen[at] = (1.0 + seen[at]) * self.net.factor[first:last] - 1.0
        return seen

    def on_basis_of(self, row: int, later: int) -> Floats:
        """Return the prices of ``row`` (k,) per share as shares are on row ``later`` >= ``row``."""
        first, last = np.searchsorted(self.events.row, [row + 1, later + 1]).tolist()
        price: Floats = self.price[row].copy()
        for place in range(first, last):
            event, cash = self.events.at(place), float(self.cash[place])
            if event.kind in IN_PRICES and is_stated(event, cash, self.price[event.row]):
                price[event.column] = ex_price(event, float(price[event.column]), cash)
        return price


def returns(prices: Floats) -> Floats:
    """Return session returns (n - 1, k) of ``prices`` (n, k) as fractions; NaN if either is NaN."""
    return prices[1:] / prices[:-1] - 1.0


def _filled(panel: PricePanel, fx: Floats) -> tuple[Floats, Ages | None]:
    gaps = np.isnan(panel.close.min(axis=0)) | np.isnan(fx.min(axis=0))
    if not gaps.any():
        price = panel.close if (fx == 1.0).all() else panel.close * fx
        return np.ascontiguousarray(price), None
    price = panel.close * fx
    age = np.zeros(price.shape, dtype=np.int16)
    columns = np.flatnonzero(gaps)
    for some in np.array_split(columns, -(-len(columns) // CHUNK)):
        price[:, some], age[:, some] = _carried(panel.close[:, some], fx[:, some])
    return price, age


def _carried(close: Floats, fx: Floats) -> tuple[Floats, Ages]:
    row = last_known(~np.isnan(close))
    rate_row = last_known(~np.isnan(fx))
    known = (row >= 0) & (rate_row >= 0)
    price = np.take_along_axis(close, row, axis=0) * np.take_along_axis(fx, rate_row, axis=0)
    age = np.minimum(np.arange(len(close))[:, None] - row, NEVER - 1)
    return np.where(known, price, 0.0), np.where(known, age, NEVER).astype(np.int16)


def _rates(fx: Floats, events: EventRows) -> Floats:
    """Return the last known rate at or before each event's row, (e,); NaN where there is none."""
    found = fx[events.row, events.column]
    for place in np.flatnonzero(np.isnan(found)).tolist():
        before = fx[: events.row[place] + 1, events.column[place]]
        known = before[~np.isnan(before)]
        found[place] = known[-1] if len(known) else np.nan
    return found


def _followed(price: Floats, close: Floats, age: Ages | None, events: EventRows, cash: Floats) -> Floats:
    """Change prices that are carried over an ex-date by what the action does to a price."""
    if age is None:
        return price
    acting = (*IN_PRICES, EventKind.DELISTING)
    for place in np.flatnonzero(np.isin(events.kind, acting)).tolist():
        event = events.at(place)
        if age[event.row, event.column] == 0 or not price[event.row - 1, event.column] > 0.0:
            continue
        later = np.flatnonzero(~np.isnan(close[event.row :, event.column]))
        span = slice(event.row, event.row + int(later[0]) if len(later) else len(price))
        if event.kind is EventKind.DELISTING:
            if isfinite(cash[place]):
                price[span, event.column] = cash[place]
                age[span, event.column] = NEVER
        elif is_stated(event, float(cash[place]), price[event.row]):
            before = float(price[event.row - 1, event.column])
            price[span, event.column] *= ex_price(event, before, float(cash[place])) / before
    return price


def _net(price: Floats, events: EventRows, cash: Floats) -> MoveFactors:
    """Return the factors of moves, actions of one name on one row joined."""
    now, before = price[events.row, events.column], price[events.row - 1, events.column]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = _ratios(events, price, now, before, cash)
    paid = np.where(np.isin(events.kind, DISTRIBUTIONS) & np.isfinite(cash), cash, 0.0)
    used = np.flatnonzero((now > 0.0) & (before > 0.0) & ((ratio != 1.0) | (paid != 0.0)))
    columns = price.shape[1]
    cells, place = np.unique(events.row[used] * columns + events.column[used], return_inverse=True)
    joined, total = np.ones(len(cells)), np.zeros(len(cells))
    np.multiply.at(joined, place, ratio[used])
    np.add.at(total, place, paid[used])
    row, column = np.divmod(cells, columns)
    close = price[row, column]
    return MoveFactors(row=row, column=column, factor=joined * ((close + total) / close))


def _ratios(events: EventRows, price: Floats, now: Floats, before: Floats, cash: Floats) -> Floats:
    """Return what each action multiplies a move by besides cash paid out, (e,); 1.0 for none."""
    found = np.where((events.kind == EventKind.SPLIT) & np.isfinite(events.ratio), events.ratio, 1.0)
    rights = (events.kind == EventKind.RIGHTS) & np.isfinite(events.ratio) & (cash < before)
    theoretical = (before + events.ratio * cash) / (1.0 + events.ratio)
    found = np.where(rights, before / theoretical, found)
    spun = (events.kind == EventKind.SPIN_OFF) & np.isfinite(events.ratio) & (events.other >= 0)
    return np.where(spun, (now + events.ratio * price[events.row, events.other]) / now, found)
