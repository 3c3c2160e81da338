"""Whether an index can be computed from what is stored: told before its rules are kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from waardhaven.application.indexes.own_universe import Memberships
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build import warm_up_sessions
from waardhaven.domain.index.build_record import UnknownIndex
from waardhaven.domain.index.constraints.feasibility import InfeasibleConstraints, check
from waardhaven.domain.index.constraints.traits import Traits, limits_of
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.strategies import prepare
from waardhaven.domain.index.universe import OWN, own_universe
from waardhaven.domain.index.validation import InvalidDefinition
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef, UnknownAsset
from waardhaven.domain.types import AssetId, Days, as_date

OF_INDEX = "index:"


class NotBuildable(InvalidDefinition):
    """Valid rules from which nothing could be computed; ``errors`` names the nearest legal values."""


@dataclass(frozen=True, slots=True)
class CheckBuildable:
    """Refuses rules that the stored market can not carry out: no members, no prices, no session."""

    indexes: IndexStore
    reference: ReferenceStore

    async def __call__(
        self,
        by: Principal,
        definition: IndexDefinition,
        *,
        members: Memberships | None,
        stored: IndexDefinition | None,
    ) -> None:
        """Raise NotBuildable with everything that is wrong.

        ``members``: of an own universe, as they will be. A benchmark that is stored already is not asked
        about again.
        """
        errors: list[FieldError] = []
        if stored is None or definition.benchmark != stored.benchmark:
            errors += await self._benchmark_errors(by, definition)
        rows = await self._members(by, definition, members)
        sessions = await self.reference.sessions(definition.calendar)
        wrong = list(_session_errors(definition, sessions))
        names = _on(_selection(definition, sessions), rows)
        wrong += _member_errors(definition, rows, names)
        if not wrong:
            wrong += await self._price_errors(definition, names, sessions)
            wrong += await self._constraint_errors(definition, names)
        if errors or wrong:
            raise NotBuildable("The index could not be computed.", errors=[*errors, *wrong])

    async def _members(
        self, by: Principal, definition: IndexDefinition, members: Memberships | None
    ) -> list[tuple[AssetId, date, date | None]]:
        if members is not None:
            return [(asset, since, until) for asset, (since, until) in members.items()]
        if not await self._may_use(by, definition):
            return []
        return await self.reference.universe(definition.universe)

    async def _may_use(self, by: Principal, definition: IndexDefinition) -> bool:
        """Tell whether the universe is nobody's, or that of an index the caller may read."""
        universe = definition.universe
        if not universe.startswith(OWN) or universe == own_universe(definition.slug):
            return True
        try:
            found = await self.indexes.get(universe.removeprefix(OWN))
        except UnknownIndex:
            return False
        return found.access.may_read(by)

    async def _benchmark_errors(self, by: Principal, definition: IndexDefinition) -> list[FieldError]:
        name = definition.benchmark
        if name is None:
            return []
        try:
            if name.startswith(OF_INDEX):
                found = await self.indexes.get(name.removeprefix(OF_INDEX))
                found.access.require_read(by, UnknownIndex(f"There is no index {name!r}."))
            else:
                await self.reference.resolve(SymbolRef.parse(name))
        except (UnknownIndex, UnknownAsset, AmbiguousSymbol) as error:
            return [FieldError(field="benchmark", rule=error.message)]
        return []

    async def _price_errors(
        self, definition: IndexDefinition, names: Sequence[AssetId], sessions: Days
    ) -> list[FieldError]:
        policy = definition.series
        series = {one.id for one in (await self.reference.series_of(names, policy)).values()}
        known = await self.reference.coverage(names)
        first = min((one.first for one in known if one.id in series and one.first), default=None)
        if first is not None:
            return list(_too_early(definition, sessions, first))
        others = sorted({f"{one.source} ({one.adjustment})" for one in known if one.bars})
        rule = f"has no prices of {policy.source} ({policy.adjustment}) for any name"
        nearest = f"; there are prices of {', '.join(others)}" if others else ""
        return [FieldError(field="series", rule=rule + nearest)]

    async def _constraint_errors(
        self, definition: IndexDefinition, names: Sequence[AssetId]
    ) -> list[FieldError]:
        """Return what the limits make impossible with the names of the base date.

        With a largest number of names, or cash, the names of the base date decide nothing.
        """
        chosen = definition.constraints.max_names is not None
        if chosen or prepare(definition.strategy).strategy.holds_cash:
            return []
        assets = {one.id: one for one in await self.reference.assets(names)}
        ids = sorted(names)
        limits = limits_of(definition.constraints, np.array(ids, dtype=np.int64), _traits(ids, assets))
        try:
            check(limits, np.ones(len(ids), dtype=np.bool_))
        except InfeasibleConstraints as error:
            return list(error.errors)
        return []


def _on(day: date, rows: Sequence[tuple[AssetId, date, date | None]]) -> list[AssetId]:
    return [asset for asset, since, until in rows if since <= day and (until is None or day < until)]


def _traits(ids: Sequence[AssetId], assets: Mapping[AssetId, Asset]) -> Traits:
    found = [assets[one] for one in ids]
    return Traits(
        sector=tuple(one.sector for one in found),
        country=tuple(one.country for one in found),
        currency=tuple(one.currency for one in found),
    )


def _selection(definition: IndexDefinition, sessions: Days) -> date:
    """Return the day whose members the review of the base date chooses from."""
    row = int(np.searchsorted(sessions, np.datetime64(definition.base_date))) - definition.schedule.lag
    return as_date(sessions[row]) if 0 <= row < len(sessions) else definition.base_date


def _member_errors(
    definition: IndexDefinition,
    rows: Sequence[tuple[AssetId, date, date | None]],
    names: Sequence[AssetId],
) -> Iterator[FieldError]:
    if not rows:
        yield FieldError(field="universe", rule=f"{definition.universe!r} is unknown or has no members")
    elif not names:
        first = min(since for _, since, _ in rows)
        rule = (
            f"{definition.universe!r} has no members when the base date is selected; the first are of {first}"
        )
        yield FieldError(field="universe", rule=rule)


def _session_errors(definition: IndexDefinition, sessions: Days) -> Iterator[FieldError]:
    """Yield what is wrong with the base date on the calendar, with the nearest sessions."""
    if not len(sessions):
        yield FieldError(field="calendar", rule=f"no sessions of {definition.calendar} are known")
        return
    row = int(np.searchsorted(sessions, np.datetime64(definition.base_date)))
    if row < len(sessions) and sessions[row] == np.datetime64(definition.base_date):
        return
    near = " and ".join(str(one) for one in sessions[max(row - 1, 0) : row + 1])
    rule = f"is not a session of {definition.calendar}; the nearest ones are {near}"
    yield FieldError(field="base_date", rule=rule)


def _too_early(definition: IndexDefinition, sessions: Days, first: date) -> Iterator[FieldError]:
    """Yield an error where the base date leaves the strategy too little to look back on.

    The first review needs the returns of its lookback up to the selection, and the calendar the warm-up.
    """
    row = int(np.searchsorted(sessions, np.datetime64(first)))
    needed = prepare(definition.strategy).lookback + definition.schedule.lag
    earliest = max(row + needed, warm_up_sessions(definition))
    if earliest >= len(sessions):
        rule = f"the first price is of {first}: there are too few sessions since"
        yield FieldError(field="base_date", rule=rule)
    elif np.datetime64(definition.base_date) < sessions[earliest]:
        rule = (
            f"the first price is of {first} and the first review needs {needed} sessions before it; "
            f"the nearest legal value is {as_date(sessions[earliest])}"
        )
        yield FieldError(field="base_date", rule=rule)
