"""Reads of what an index held: its compositions, and what each review changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isnan

import numpy as np

from waardhaven.application.answers import Page, check_range, clip, foreign_cursor
from waardhaven.application.indexes.composition_views import (
    ChangesView,
    CompositionView,
    NamesView,
    RebalanceView,
)
from waardhaven.application.indexes.names import named, symbol_of
from waardhaven.application.indexes.official import OfficialHistory, read_official
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.composition import Composition, CompositionColumns, ReviewReason
from waardhaven.domain.index.explaining.rebalances import WeightChanges, weight_changes
from waardhaven.domain.index.publishing import official_compositions
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import CASH, AssetId, Rows, as_date

LARGEST_CHANGES = 10


@dataclass(frozen=True, slots=True)
class ListCompositions:
    """The official compositions of an index, newest first: reviews, and what companies did in between."""

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore

    async def __call__(
        self,
        by: Principal,
        *,
        slug: str,
        start: date | None = None,
        end: date | None = None,
        as_of: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[CompositionView]:
        """Return those effective from ``start`` to ``end``; ``cursor``: effective day of the last one shown.

        Raises UnknownIndex or NothingPublished.
        """
        by.require(Permission.READ_INDICES)
        check_range(start, end)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of, compositions=True)
        official = official_compositions(history.segments)
        rows, more = _page(official, np.arange(len(official)), start, end, limit, cursor)
        shown = [official.at(row) for row in rows.tolist()]
        assets = await named(self.reference, (one for each in shown for one in each.asset.tolist()))
        items = tuple(_composition(one, assets) for one in shown)
        return Page(items=items, next_cursor=str(items[-1].effective) if more else None)


@dataclass(frozen=True, slots=True)
class ListRebalances:
    """The reviews of an index, newest first, with what each changed.

    Weights before a review are those that the units held into it had at its effective close, after what
    companies did that day, with the facts and rules of the newest publication. Turnover and cost are those
    that the build computed.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    inputs: ReadInputs
    pool: ComputePool

    async def __call__(
        self,
        by: Principal,
        *,
        slug: str,
        start: date | None = None,
        end: date | None = None,
        as_of: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[RebalanceView]:
        """Return those effective from ``start`` to ``end``; ``cursor``: effective day of the last one shown.

        Raises UnknownIndex or NothingPublished.
        """
        by.require(Permission.READ_INDICES)
        check_range(start, end)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of, compositions=True)
        official = official_compositions(history.segments)
        reviews = np.flatnonzero(official.reason != ReviewReason.ACTION)
        rows, more = _page(official, reviews, start, end, limit, cursor)
        pairs = [(official.at(row - 1) if row else None, official.at(row)) for row in rows.tolist()]
        changes = await self._changes(history, pairs)
        assets = await named(self.reference, (one for each in changes for one in each.assets.tolist()))
        items = tuple(
            _rebalance(after, change, assets) for (_, after), change in zip(pairs, changes, strict=True)
        )
        return Page(items=items, next_cursor=str(items[-1].effective) if more else None)

    async def _changes(
        self, history: OfficialHistory, pairs: Sequence[tuple[Composition | None, Composition]]
    ) -> list[WeightChanges]:
        if not pairs:
            return []
        definition = history.index.definition
        held = {one for pair in pairs for each in pair if each is not None for one in each.asset.tolist()}
        inputs = await self.inputs(
            definition,
            vintage=history.newest.made_from.vintage,
            anchor=as_date(pairs[-1][1].effective),
            held=[AssetId(one) for one in sorted(held - {CASH})],
            through=as_date(pairs[0][1].effective),
        )
        return await self.pool.run(weight_changes, definition, inputs, pairs)


def _page(
    official: CompositionColumns,
    rows: Rows,
    start: date | None,
    end: date | None,
    limit: int,
    cursor: str | None,
) -> tuple[Rows, bool]:
    """Return the rows to show, newest first, and whether older ones follow."""
    effective = official.effective[rows]
    inside = rows[clip(effective, start, end)]
    if cursor is not None:
        inside = inside[official.effective[inside] < _cursor_day(cursor)]
    newest = inside[::-1]
    return newest[:limit], len(newest) > limit


def _cursor_day(cursor: str) -> np.datetime64:
    try:
        return np.datetime64(date.fromisoformat(cursor), "D")
    except ValueError:
        raise foreign_cursor() from None


def _composition(one: Composition, assets: Mapping[int, Asset]) -> CompositionView:
    return CompositionView(
        selection=as_date(one.selection),
        effective=as_date(one.effective),
        reason=one.reason.name.lower(),
        divisor=one.divisor,
        turnover=_known(one.turnover),
        cost=_known(one.cost),
        total_names=len(one.asset),
        names=NamesView(
            symbols=tuple(symbol_of(assets, each) for each in one.asset.tolist()),
            weights=tuple(one.weight.tolist()),
            units=tuple(one.units.tolist()),
        ),
    )


def _rebalance(one: Composition, change: WeightChanges, assets: Mapping[int, Asset]) -> RebalanceView:
    largest = change.largest(LARGEST_CHANGES)
    return RebalanceView(
        selection=as_date(one.selection),
        effective=as_date(one.effective),
        reason=one.reason.name.lower(),
        turnover=_known(one.turnover),
        cost=_known(one.cost),
        names_before=int(np.count_nonzero(change.before)),
        names_after=len(one.asset),
        entered=tuple(symbol_of(assets, each) for each in change.entered.tolist()),
        left=tuple(symbol_of(assets, each) for each in change.left.tolist()),
        changes=ChangesView(
            symbols=tuple(symbol_of(assets, each) for each in largest.assets.tolist()),
            before=tuple(largest.before.tolist()),
            after=tuple(largest.after.tolist()),
            change=tuple((largest.after - largest.before).tolist()),
        ),
    )


def _known(value: float) -> float | None:
    return None if isnan(value) else value
