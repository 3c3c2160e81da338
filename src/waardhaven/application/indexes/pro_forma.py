"""The next review of an index, before it is due."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from waardhaven.application.indexes.force_review import forced_days
from waardhaven.application.indexes.level_views import known
from waardhaven.application.indexes.names import named, symbol_of
from waardhaven.application.indexes.official import OfficialHistory, read_official
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.views import ProvenanceView
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build import NO_DAYS
from waardhaven.domain.index.build_record import InputsUnavailable
from waardhaven.domain.index.explaining.pro_forma import pro_forma
from waardhaven.domain.index.explaining.weighing import Weighing
from waardhaven.domain.index.publishing import composition_in_force, official_levels
from waardhaven.domain.index.rebalancing import next_review
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import CASH, AssetId, as_date

BEFORE = 400
"""Calendar days before the newest close from which sessions are read: more than any lag goes back."""
PROVISIONAL = (
    "Provisional: selected from closes up to {selected}; the review itself selects from closes up to "
    "{selection}, so these weights will change."
)
FINAL = "Selected from closes up to {selection} as the review selects; only corrected data can change it."
UNKNOWN = "Provisional: the calendar ends before the next review, so its day is not known."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProFormaNamesView:
    """Names by column, largest pro-forma weight first: weight now, at the review, and the change."""

    symbols: tuple[str, ...]
    current: tuple[float, ...]
    pro_forma: tuple[float, ...]
    change: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """What one constraint does, in words, and how much weight it moves (sum of absolute changes)."""

    step: str
    text: str
    moved: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProFormaView:
    """The next review as the newest official close has it.

    ``effective`` and ``selection`` are None where the calendar ends before. ``selected``: the close that
    weights are selected from; ``provisional`` tells that it is not the selection day yet. ``turnover``: sum
    of absolute changes of weight, from the weights of the newest close.
    """

    index: str
    date: dt.date
    selected: dt.date
    selection: dt.date | None
    effective: dt.date | None
    provisional: bool
    note: str
    turnover: float | None
    entered: tuple[str, ...]
    left: tuple[str, ...]
    effects: tuple[StepView, ...]
    names: ProFormaNamesView
    definition_version: int
    vintage: int
    provenance: ProvenanceView


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """The days of the next review, None where the calendar ends before."""

    selection: np.datetime64 | None
    effective: np.datetime64 | None


@dataclass(frozen=True, slots=True)
class ReadProForma:
    """What the next review would do to an index if it selected from the newest official close.

    It follows the present rules and the facts known now. Reviews that people asked for count; those that a
    drop of the index or a drift of weights may force are not foreseen.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    inputs: ReadInputs
    pool: ComputePool

    async def __call__(self, by: Principal, *, slug: str) -> ProFormaView:
        """Raise UnknownIndex, NothingPublished, InputsUnavailable or Invalid."""
        by.require(Permission.READ_INDICES)
        history = await read_official(self.indexes, self.builds, by, slug, compositions=True)
        definition = history.index.definition
        day = official_levels(history.segments).day[-1]
        held = composition_in_force(history.segments, day)
        vintage = await self.reference.latest_vintage()
        if held is None or vintage is None:
            raise InputsUnavailable(f"Index {slug!r} has no composition in force on {day}.")
        due = await self._due(history, day)
        inputs = await self.inputs(
            definition,
            vintage=vintage.id,
            anchor=as_date(day),
            held=[AssetId(one) for one in held.asset.tolist() if one != CASH],
            through=as_date(day),
        )
        selected = day if due.selection is None else min(due.selection, day)
        found = await self.pool.run(pro_forma, definition, inputs, held, selected)
        assets = await named(self.reference, found.assets.tolist())
        return _view(history, day, due, found, assets, int(vintage.id))

    async def _due(self, history: OfficialHistory, day: np.datetime64) -> _Due:
        definition = history.index.definition
        since = as_date(day - np.timedelta64(BEFORE, "D"))
        sessions = await self.reference.sessions(definition.calendar, start=since)
        asked = await self.indexes.forced_reviews(history.index.id)
        forced = forced_days(asked, sessions, since=day, also=NO_DAYS)
        row = next_review(sessions, definition.schedule, day, forced=forced)
        if row is None:
            return _Due(selection=None, effective=None)
        return _Due(selection=sessions[max(row - definition.schedule.lag, 0)], effective=sessions[row])


def _view(
    history: OfficialHistory,
    day: np.datetime64,
    due: _Due,
    found: Weighing,
    assets: Mapping[int, Asset],
    vintage: int,
) -> ProFormaView:
    before, after = found.held, found.weights
    shown = np.flatnonzero((before > 0.0) | (after > 0.0))
    order = shown[np.lexsort((-before[shown], -after[shown]))]
    ids = found.assets
    provisional = due.selection is None or bool(due.selection > day)
    return ProFormaView(
        index=history.index.definition.slug,
        date=as_date(day),
        selected=as_date(found.selection),
        selection=None if due.selection is None else as_date(due.selection),
        effective=None if due.effective is None else as_date(due.effective),
        provisional=provisional,
        note=_note(due, found, provisional=provisional),
        turnover=known(found.turnover),
        entered=_symbols(ids[(before == 0.0) & (after > 0.0)].tolist(), assets),
        left=_symbols(ids[(before > 0.0) & (after == 0.0)].tolist(), assets),
        effects=tuple(
            StepView(step=one.step, text=one.text, moved=float(np.abs(one.after - one.before).sum()))
            for one in found.effects
        ),
        names=ProFormaNamesView(
            symbols=_symbols(ids[order].tolist(), assets),
            current=tuple(before[order].tolist()),
            pro_forma=tuple(after[order].tolist()),
            change=tuple((after - before)[order].tolist()),
        ),
        definition_version=history.index.version,
        vintage=vintage,
        provenance=history.provenance,
    )


def _symbols(ids: list[int], assets: Mapping[int, Asset]) -> tuple[str, ...]:
    return tuple(symbol_of(assets, one) for one in ids)


def _note(due: _Due, found: Weighing, *, provisional: bool) -> str:
    if due.selection is None:
        return UNKNOWN
    text = PROVISIONAL if provisional else FINAL
    return text.format(selected=found.selection, selection=due.selection)
