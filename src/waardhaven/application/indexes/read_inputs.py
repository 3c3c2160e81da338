"""What a build reads, from the stores to one session axis."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from waardhaven.application.indexes.conversion import rates
from waardhaven.application.indexes.read_events import ReadEvents
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.quality_flags import QualityFlags
from waardhaven.application.ports.reference_store import (
    MemberColumns,
    ReferenceStore,
    SeriesRef,
    UniverseFacts,
)
from waardhaven.domain.index.build import warm_up_sessions
from waardhaven.domain.index.build_record import InputsUnavailable, NothingToBuild
from waardhaven.domain.index.constraints.traits import Traits
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.universe import membership
from waardhaven.domain.market.calendar import session_row
from waardhaven.domain.market.close_matrix import CloseMatrix
from waardhaven.domain.market.panel import as_of_panel
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.market.quality import FindingKind
from waardhaven.domain.types import CASH, AssetId, Days, Flags, Floats, Ids, SeriesId, Vintage, as_date

SPARE_DAYS = 30
"""Days without a session that a warm-up may have beyond those of the weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one build reads: the warm-up before ``anchor`` (base date or opening day) and all after it."""

    definition: IndexDefinition
    anchor: date
    held: tuple[AssetId, ...] = ()

    @property
    def shared(self) -> tuple[object, ...]:
        """What definitions must have in common to be built from the same facts."""
        rules = self.definition
        facts = (rules.universe, rules.series, rules.calendar, rules.currency, rules.fixing)
        return (*facts, rules.guards.held_out, _needs_traits(rules))


@dataclass(frozen=True, slots=True)
class ReadInputs:
    """Everything a build of a definition reads at a vintage, on the sessions of its calendar."""

    reference: ReferenceStore
    prices: PriceStore
    flags: QualityFlags
    events: ReadEvents

    async def __call__(
        self,
        definition: IndexDefinition,
        *,
        vintage: Vintage,
        anchor: date,
        held: Sequence[AssetId] = (),
        through: date | None = None,
    ) -> IndexInputs:
        """Return inputs whose axis begins the warm-up before ``anchor`` (base date or opening day).

        ``held`` names are read though they may have left the universe, and the axis reaches back to
        the last bar of each. ``through`` None: the newest day with a price. Raises NotASession,
        NothingToBuild when no price lies on or after the anchor, InputsUnavailable.
        """
        warm_up = warm_up_sessions(definition)
        facts = await self._facts(definition, anchor, warm_up, held, through, vintage)
        start = _axis_start(warm_up, facts.sessions, anchor)
        bounds = _Bounds(start=start, anchor=anchor, through=through, vintage=vintage)
        closes = await self._closes(facts.series, held, bounds)
        closes = await self._without_held_out(closes, facts.series, definition, vintage)
        if not len(closes) or closes.day[-1] < np.datetime64(anchor):
            raise NothingToBuild(f"There are no prices from {anchor} on.")
        sessions = await self._sessions_from(closes.day[0], facts.sessions, definition, through, vintage)
        axis = sessions[(sessions >= min(start, closes.day[0])) & (sessions <= closes.day[-1])]
        ids = np.array(list(facts.series), dtype=np.int64)
        shares = facts.shares
        return IndexInputs(
            panel=PricePanel(days=axis, assets=ids, close=closes.on(axis)),
            fx=await self._rates(definition, facts.series, axis, vintage),
            shares=as_of_panel(
                asset=shares.asset, day=shares.day, value=shares.free, assets=ids, sessions=axis
            ),
            member=_members(facts.members, ids, axis),
            events=await self.events.placed(definition, facts.series, facts.actions, vintage=vintage),
            traits=await self._traits(definition, list(facts.series)),
        )

    async def together(
        self, wanted: Sequence[Wanted], *, vintage: Vintage
    ) -> tuple[IndexInputs, list[int | None]]:
        """Return inputs that reach back as far as any of ``wanted`` does, and the row at which each begins.

        All must agree in what is ``shared``. ``inputs.since(row)`` is bit for bit what a build alone reads;
        None: it must be read alone, as it holds a name that the universe does not have or that has no bar
        there, or nothing follows its anchor. Raises as a read alone does.
        """
        rules = wanted[0].definition
        sessions = await self.reference.sessions(rules.calendar, vintage=vintage)
        starts = [_axis_start(warm_up_sessions(one.definition), sessions, one.anchor) for one in wanted]
        widest = wanted[int(np.argmin(np.array(starts)))]
        inputs = await self(widest.definition, vintage=vintage, anchor=widest.anchor)
        return inputs, [_first_row(inputs, one, start) for one, start in zip(wanted, starts, strict=True)]

    async def _traits(self, definition: IndexDefinition, ids: Sequence[AssetId]) -> Traits | None:
        """Return what names are grouped by, None where no rule of the definition asks."""
        if not _needs_traits(definition):
            return None
        known = {one.id: one for one in await self.reference.assets(ids)}
        assets = [known[one] for one in ids]
        return Traits(
            sector=tuple(one.sector for one in assets),
            country=tuple(one.country for one in assets),
            currency=tuple(one.currency for one in assets),
        )

    async def _facts(
        self,
        definition: IndexDefinition,
        anchor: date,
        warm_up: int,
        held: Sequence[AssetId],
        through: date | None,
        vintage: Vintage,
    ) -> UniverseFacts:
        """Return what is known of the universe and the names held, with the sessions a build needs.

        Those are read from about the warm-up before ``anchor`` on, and all of them where that is too few.
        """
        facts = await self.reference.universe_facts(
            definition.universe,
            definition.series,
            calendar=definition.calendar,
            also=[one for one in held if one != CASH],
            start=anchor - timedelta(days=2 * warm_up + SPARE_DAYS),
            end=through,
            vintage=vintage,
        )
        if not facts.series:
            raise InputsUnavailable(
                f"No asset of universe {definition.universe!r} has a series of {definition.series.source!r}."
            )
        if np.searchsorted(facts.sessions, np.datetime64(anchor)) >= warm_up:
            return facts
        every = await self.reference.sessions(definition.calendar, end=through, vintage=vintage)
        return replace(facts, sessions=every)

    async def _sessions_from(
        self,
        first: np.datetime64,
        known: Days,
        definition: IndexDefinition,
        through: date | None,
        vintage: Vintage,
    ) -> Days:
        """Return sessions that reach back to ``first``: ``known`` where they do."""
        if known[0] <= first:
            return known
        return await self.reference.sessions(definition.calendar, end=through, vintage=vintage)

    async def _closes(
        self, series: dict[AssetId, SeriesRef], held: Sequence[AssetId], bounds: "_Bounds"
    ) -> CloseMatrix:
        """Return closes from the axis start, from further back where a held name has no bar since."""
        read, ids = self.prices.close_matrix, [one.id for one in series.values()]
        start, vintage = as_date(bounds.start), bounds.vintage
        closes = await read(ids, start=start, end=bounds.through, vintage=vintage)
        anchor = np.datetime64(bounds.anchor)
        unknown = dict(zip(series, np.isnat(closes.last_days(anchor)).tolist(), strict=True)) if held else {}
        lacking = [series[one].id for one in held if unknown.get(one)]
        if not lacking:
            return closes
        older = (await read(lacking, end=bounds.anchor, vintage=vintage)).last_days(anchor)
        if np.isnat(older).all():
            return closes
        since = as_date(np.fmin.reduce(older))
        return await read(ids, start=since, end=bounds.through, vintage=vintage)

    async def _without_held_out(
        self,
        closes: CloseMatrix,
        series: dict[AssetId, SeriesRef],
        definition: IndexDefinition,
        vintage: Vintage,
    ) -> CloseMatrix:
        """Leave out bars with flags that the definition holds out until somebody accepted them."""
        kinds = [FindingKind(one) for one in definition.guards.held_out]
        if not kinds or not len(closes):
            return closes
        column = {one.id: place for place, one in enumerate(series.values())}
        held = await self.flags.held(list(column), kinds=kinds, vintage=vintage)
        columns = np.array([column[SeriesId(one)] for one in held.series.tolist()], dtype=np.intp)
        return closes.without(day=held.day, column=columns)

    async def _rates(
        self, definition: IndexDefinition, series: dict[AssetId, SeriesRef], axis: Days, vintage: Vintage
    ) -> Floats:
        units = [one.quote_unit for one in series.values()]
        if set(units) == {definition.currency}:
            return np.broadcast_to(1.0, (len(axis), len(units)))
        return await rates(self.reference, definition, units, definition.currency, axis, vintage)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """What closes are read: from ``start`` on, known on the ``anchor``, up to ``through``."""

    start: np.datetime64
    anchor: date
    through: date | None
    vintage: Vintage


def _needs_traits(definition: IndexDefinition) -> bool:
    return bool(definition.constraints.group_caps or definition.withholding)


def _first_row(inputs: IndexInputs, wanted: Wanted, start: np.datetime64) -> int | None:
    """Return the row of ``start``, None where a read alone would find more than lies from there on."""
    panel, anchor = inputs.panel, np.datetime64(wanted.anchor)
    if panel.days[-1] < anchor:
        return None
    held = np.array([one for one in wanted.held if one != CASH], dtype=np.int64)
    if not np.isin(held, panel.assets).all():
        return None
    row, last = np.searchsorted(panel.days, np.array([start, anchor]))
    bars = panel.close[row : last + 1, np.searchsorted(panel.assets, held)]
    return None if np.isnan(bars).all(axis=0).any() else int(row)


def _axis_start(warm_up: int, sessions: Days, anchor: date) -> np.datetime64:
    row = session_row(sessions, np.datetime64(anchor), field="base_date") - warm_up
    start: np.datetime64 = sessions[max(row, 0)]
    return start


def _members(members: MemberColumns, ids: Ids, axis: Days) -> Flags:
    """Return who is a member on each session (n, k), worked out where somebody comes or goes."""
    ends = members.until[~np.isnat(members.until)]
    turns = np.searchsorted(axis, np.concatenate([axis[:1], members.since, ends]))
    rows = np.unique(turns[turns < len(axis)])
    some = membership(
        asset=members.asset, start=members.since, until=members.until, assets=ids, sessions=axis[rows]
    )
    return np.repeat(some, np.diff(rows, append=len(axis)), axis=0)
