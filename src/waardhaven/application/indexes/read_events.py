"""The corporate actions of names, as the engine places them on its axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from waardhaven.application.ports.reference_store import KnownAction, ReferenceStore, SeriesRef
from waardhaven.domain.index.definition import Adjustment, IndexDefinition
from waardhaven.domain.index.events import EventColumns, EventKind
from waardhaven.domain.market.actions import ActionKind, CorporateAction
from waardhaven.domain.market.stated_actions import cash_in_unit, foreign, prevailing
from waardhaven.domain.types import AssetId, Vintage

NOTICED = {
    Adjustment.RAW: frozenset(ActionKind) - {ActionKind.SYMBOL_CHANGE},
    Adjustment.SPLITS: frozenset({ActionKind.MERGER, ActionKind.DELISTING}),
    Adjustment.ALL: frozenset({ActionKind.MERGER, ActionKind.DELISTING}),
}
"""What an index notices by the adjustment of its series: adjusted prices hold the rest already."""


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """Reads confirmed actions of the names of an index at a vintage."""

    reference: ReferenceStore

    async def __call__(
        self, definition: IndexDefinition, series: Mapping[AssetId, SeriesRef], *, vintage: Vintage
    ) -> EventColumns:
        """Return them in order, amounts in the quote unit of each name's series."""
        known = await self.reference.actions(list(series), vintage=vintage)
        return await self.placed(definition, series, known, vintage=vintage)

    async def placed(
        self,
        definition: IndexDefinition,
        series: Mapping[AssetId, SeriesRef],
        known: Sequence[KnownAction],
        *,
        vintage: Vintage,
    ) -> EventColumns:
        """Return what a call returns, from the actions of ``series`` that were read already."""
        stated: dict[AssetId, list[tuple[str, CorporateAction]]] = {}
        for one in known:
            stated.setdefault(one.action.asset, []).append((one.source, one.action))
        kinds = NOTICED[definition.series.adjustment]
        chosen = [
            (action, series[asset].quote_unit)
            for asset, told in stated.items()
            for action in prevailing(told, definition.series.source)
            if action.kind in kinds
        ]
        needed = foreign(chosen)
        rates = None
        if needed:
            rates = await self.reference.fx(needed, fixing=definition.fixing, vintage=vintage)
        return _columns([(action, cash_in_unit(action, unit, rates)) for action, unit in chosen])


def _columns(chosen: Sequence[tuple[CorporateAction, float]]) -> EventColumns:
    actions = [action for action, _ in chosen]
    others = [-1 if one.other_asset is None else one.other_asset for one in actions]
    ratios = [nan if one.ratio is None else float(one.ratio) for one in actions]
    return EventColumns(
        asset=np.array([one.asset for one in actions], dtype=np.int64),
        ex_date=np.array([one.ex_date for one in actions], dtype="datetime64[D]"),
        kind=np.array([EventKind.of(one.kind) for one in actions], dtype=np.int8),
        ratio=np.array(ratios, dtype=np.float64),
        cash=np.array([cash for _, cash in chosen], dtype=np.float64),
        other=np.array(others, dtype=np.int64),
    ).ordered()
