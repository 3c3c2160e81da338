"""An index at its newest official close: what it holds, at which prices and rates."""

from dataclasses import dataclass

import numpy as np

from waardhaven.application.indexes.conversion import rates
from waardhaven.application.indexes.names import CASH_SYMBOL
from waardhaven.application.indexes.official import OfficialHistory
from waardhaven.application.indexes.read_events import ReadEvents
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.index.build_record import InputsUnavailable
from waardhaven.domain.index.composition import Composition
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.index.events import EventColumns
from waardhaven.domain.index.holdings import drifted_weights, net_of_actions
from waardhaven.domain.index.publishing import composition_in_force, official_levels
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.market.panel import to_panel
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import CASH, AssetId, Floats, as_date


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialClose:
    """The names held (k,) after the close of ``day``, in the order of their ids.

    ``prices`` (k,): their last closes in ``quote_units``, NaN where there is none. ``panel``: their closes
    since the December before, net of corporate actions. ``fx`` (k,): units of the currency of the index for
    one of each quote unit on ``day``; NaN unknown. Cash is a name with the price 1.
    """

    history: OfficialHistory
    day: np.datetime64
    level: float
    held: Composition
    assets: tuple[Asset, ...]
    prices: Floats
    panel: PricePanel
    quote_units: tuple[str, ...]
    fx: Floats

    @property
    def weights(self) -> Floats:
        """The weights (k,) as they have drifted to the close."""
        return drifted_weights(self.held.units, self.prices, self.fx)


async def read_close(
    reference: ReferenceStore, prices: PriceStore, history: OfficialHistory
) -> OfficialClose:
    """Return the newest official close of a history read with its compositions; raise InputsUnavailable."""
    definition, vintage = history.index.definition, history.newest.made_from.vintage
    levels = official_levels(history.segments)
    day = levels.day[-1]
    held = composition_in_force(history.segments, day)
    if held is None:
        raise InputsUnavailable(f"Index {definition.slug!r} has no composition in force on {day}.")
    ids = [AssetId(one) for one in held.asset.tolist()]
    assets = await reference.assets(ids)
    series = await reference.series_of(ids, definition.series)
    year = day.astype("datetime64[Y]").astype("datetime64[D]")
    closes = await prices.closes(
        [one.id for one in series.values()],
        start=as_date(year - np.timedelta64(31, "D")),
        end=as_date(day),
        vintage=vintage,
    )
    panel = to_panel(
        series=closes.series,
        day=closes.day,
        close=closes.close,
        series_ids=np.array([one.id for one in series.values()], dtype=np.int64),
        asset_ids=np.array(list(series), dtype=np.int64),
        sessions=np.unique(closes.day),
    )
    events = EventColumns.none()
    if definition.series.adjustment is Adjustment.RAW:
        events = await ReadEvents(reference)(definition, series, vintage=vintage)
    units = {one: series[AssetId(one)].quote_unit for one in panel.assets.tolist()}
    if held.asset[0] == CASH:
        panel, assets = _with_cash(panel), [_cash(definition.currency), *assets]
        units = {CASH: definition.currency, **units}
    last, net = net_of_actions(panel, events)
    quoted = tuple(units.values())
    fx = await rates(reference, definition, quoted, definition.currency, panel.days[-1:], vintage)
    return OfficialClose(
        history=history,
        day=day,
        level=float(levels.level[-1]),
        held=held,
        assets=tuple(assets),
        prices=last,
        panel=net,
        quote_units=quoted,
        fx=fx[0],
    )


def _with_cash(panel: PricePanel) -> PricePanel:
    return PricePanel(
        days=panel.days,
        assets=np.concatenate([np.array([CASH], dtype=np.int64), panel.assets]),
        close=np.hstack([np.ones((len(panel.days), 1)), panel.close]),
    )


def _cash(currency: str) -> Asset:
    return Asset(id=CASH, symbol=CASH_SYMBOL, mic="XXXX", currency=currency, asset_type="cash", name="Cash")
