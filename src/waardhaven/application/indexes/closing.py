"""An index at its newest official close: what it holds, at which prices and rates."""

from dataclasses import dataclass

import numpy as np

from waardhaven.application.indexes.conversion import rates
from waardhaven.application.indexes.official import OfficialHistory
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.index.build_record import InputsUnavailable
from waardhaven.domain.index.composition import Composition
from waardhaven.domain.index.holdings import drifted_weights, last_closes
from waardhaven.domain.index.publishing import composition_in_force, official_levels
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.market.panel import to_panel
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import AssetId, Floats, as_date


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialClose:
    """The names held (k,) after the close of ``day``, in the order of their ids.

    ``panel``: their closes since the December before. ``quote_units``: what they are quoted in. ``fx``
    (k,): units of the currency of the index for one of each quote unit on ``day``; NaN unknown.
    """

    history: OfficialHistory
    day: np.datetime64
    level: float
    held: Composition
    assets: tuple[Asset, ...]
    panel: PricePanel
    quote_units: tuple[str, ...]
    fx: Floats

    @property
    def prices(self) -> Floats:
        """The last closes (k,) in quote units; NaN where there is none."""
        return last_closes(self.panel, self.day)

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
    units = tuple(series[AssetId(one)].quote_unit for one in panel.assets.tolist())
    fx = await rates(reference, definition, units, definition.currency, panel.days[-1:], vintage)
    return OfficialClose(
        history=history,
        day=day,
        level=float(levels.level[-1]),
        held=held,
        assets=tuple(assets),
        panel=panel,
        quote_units=units,
        fx=fx[0],
    )
