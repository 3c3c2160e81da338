"""Compute many indices from facts that are read once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from waardhaven.application.indexes.build_index import BuildIndex, BuildPlan, Computed, compute
from waardhaven.application.indexes.read_inputs import ReadInputs, Wanted
from waardhaven.application.indexes.visible import editable
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.domain.errors import WaardhavenError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import BuildRecord, NothingToBuild
from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.types import Days

Found = BuildRecord | WaardhavenError | None
"""What became of one index: its build, why there is none, or None where there is nothing to build."""
AT_ONCE = 8
"""Indices that one computation handles: enough that sending the facts to it costs little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One index of many: its rows of the shared inputs begin at ``row``."""

    definition: IndexDefinition
    opening: IndexState | None
    forced: Days
    row: int


@dataclass(frozen=True, slots=True)
class BuildIndices:
    """Compute several indices and keep each result as a build; those that share facts are read once.

    Each build is bit for bit the one that ``BuildIndex`` makes alone, digest of inputs included. What stops
    one index does not stop the others.
    """

    alone: BuildIndex
    inputs: ReadInputs
    pool: ComputePool

    async def __call__(self, by: Principal, *, slugs: Sequence[str]) -> dict[str, Found]:
        """Return by short name what became of each index.

        Raises InputsUnavailable, UnknownIndex or NotYours before anything is computed.
        """
        by.require(Permission.BUILD_INDICES)
        indexes = {slug: await editable(self.alone.indexes, by, slug) for slug in dict.fromkeys(slugs)}
        vintage = await self.alone.newest()
        plans = {slug: await self.alone.plan(index, vintage) for slug, index in indexes.items()}
        groups: dict[tuple[object, ...], list[str]] = {}
        for slug, plan in plans.items():
            groups.setdefault(_wanted(plan).shared, []).append(slug)
        found: dict[str, Found] = {}
        for group in groups.values():
            found |= await self._group(by, {slug: plans[slug] for slug in group})
        return {slug: found[slug] for slug in plans}

    async def _group(self, by: Principal, plans: dict[str, BuildPlan]) -> dict[str, Found]:
        if len(plans) == 1:
            return {slug: await self._alone(by, slug) for slug in plans}
        vintage = next(iter(plans.values())).vintage.id
        try:
            inputs, rows = await self.inputs.together(
                [_wanted(one) for one in plans.values()], vintage=vintage
            )
        except WaardhavenError:  # of one of them, perhaps: alone, each tells its own
            return {slug: await self._alone(by, slug) for slug in plans}
        found: dict[str, Found] = {}
        tasks: dict[str, Task] = {}
        for (slug, plan), row in zip(plans.items(), rows, strict=True):
            task = None if row is None else await self._task(plan, inputs, row)
            if task is None:
                found[slug] = await self._alone(by, slug)
            else:
                tasks[slug] = task
        for some in _batches(list(tasks)):
            computed = await self.pool.run(compute_each, inputs, [tasks[slug] for slug in some])
            for slug, made in zip(some, computed, strict=True):
                found[slug] = (
                    made
                    if isinstance(made, WaardhavenError)
                    else await self.alone.keep(by, plans[slug], tasks[slug].forced, inputs.panel.assets, made)
                )
        return found

    async def _task(self, plan: BuildPlan, inputs: IndexInputs, row: int) -> Task | None:
        """Return what to compute, None where nothing is new."""
        try:
            forced = await self.alone.due(plan, inputs.panel.days[row:])
        except NothingToBuild:
            return None
        return Task(definition=plan.index.definition, opening=plan.opening, forced=forced, row=row)

    async def _alone(self, by: Principal, slug: str) -> Found:
        try:
            return await self.alone(by, slug=slug)
        except NothingToBuild:
            return None
        except WaardhavenError as error:
            return error


def compute_each(inputs: IndexInputs, tasks: Sequence[Task]) -> list[Computed | WaardhavenError]:
    """Compute each task from its own rows of ``inputs``; the error of one that can not be."""
    found: list[Computed | WaardhavenError] = []
    for one in tasks:
        try:
            found.append(compute(one.definition, inputs.since(one.row), one.opening, one.forced))
        except WaardhavenError as error:
            found.append(error)
    return found


def _wanted(plan: BuildPlan) -> Wanted:
    return Wanted(definition=plan.index.definition, anchor=plan.anchor, held=plan.held)


def _batches(slugs: Sequence[str]) -> Iterable[Sequence[str]]:
    return (slugs[start : start + AT_ONCE] for start in range(0, len(slugs), AT_ONCE))
