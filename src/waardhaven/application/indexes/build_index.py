"""Compute an index from stored facts."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid5

import numpy as np

from waardhaven.application.indexes.force_review import forced_days
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.visible import editable
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore, VintagePoint
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build import NO_DAYS, IndexResult, build_index
from waardhaven.domain.index.build_record import (
    BuildRecord,
    IndexRecord,
    InputsUnavailable,
    NothingToBuild,
    Publication,
)
from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.official import official_state
from waardhaven.domain.index.reproducibility import input_digest
from waardhaven.domain.provenance import CodeVersion, Provenance
from waardhaven.domain.types import AssetId, BuildId, Days, Ids, as_date

_BUILDS = UUID("6d0f6f0e-6a39-5a5c-9d0e-7a1f9c3a7f10")

WORTH_A_THREAD = 1 << 17
"""Prices whose digest takes longer than beginning a thread."""
Computed = tuple[IndexResult, str]
"""What a build computed, and the digest of its inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """What a build of an index starts from; ``opening`` None: at the base date.

    ``newest``: the newest publication in force, None where there is none.
    """

    index: IndexRecord
    vintage: VintagePoint
    newest: Publication | None
    opening: IndexState | None
    restates: bool

    @property
    def anchor(self) -> date:
        """Opening day or base date."""
        return self.index.definition.base_date if self.opening is None else as_date(self.opening.day)

    @property
    def held(self) -> tuple[AssetId, ...]:
        """Names held at the opening."""
        return () if self.opening is None else tuple(AssetId(one) for one in self.opening.assets.tolist())


@dataclass(frozen=True, slots=True)
class BuildIndex:
    """Compute an index from stored facts and keep the result as an immutable build.

    The first build starts at the base date. Later ones continue the published units, divisor and
    level, so that corrections of past data never make the official history jump. ``restate_from``
    asks for the days from then on to be computed again, from the published state before them. The
    same facts, rules and code give the same build: running it twice stores it once. ``forced`` days come
    on top of the reviews that people asked for.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    inputs: ReadInputs
    code: CodeVersion
    clock: Clock
    pool: ComputePool

    async def __call__(
        self,
        by: Principal,
        *,
        slug: str,
        restate_from: date | None = None,
        forced: Days = NO_DAYS,
        through: date | None = None,
    ) -> BuildRecord:
        """Read, compute off the event loop, store; nothing is published."""
        build, _ = await self.computed(
            by, slug=slug, restate_from=restate_from, forced=forced, through=through
        )
        await self.builds.save(build, by=by)
        return build

    async def computed(
        self,
        by: Principal,
        *,
        slug: str,
        restate_from: date | None = None,
        forced: Days = NO_DAYS,
        through: date | None = None,
    ) -> tuple[BuildRecord, Publication | None]:
        """Return the build, which is not stored, and the newest publication when it was begun."""
        by.require(Permission.BUILD_INDICES)
        index = await editable(self.indexes, by, slug)
        plan = await self.plan(index, await self.newest(), restate_from)
        inputs = await self.inputs(
            plan.index.definition,
            vintage=plan.vintage.id,
            anchor=plan.anchor,
            held=plan.held,
            through=through,
        )
        forced = await self.due(plan, inputs.panel.days, forced)
        made = await self.pool.run(compute, plan.index.definition, inputs, plan.opening, forced)
        return self.record(plan, forced, inputs.panel.assets, made), plan.newest

    async def newest(self) -> VintagePoint:
        """Return the newest vintage; raise InputsUnavailable before there is one."""
        vintage = await self.reference.latest_vintage()
        if vintage is None:
            raise InputsUnavailable("There is no market data yet. Load some first.")
        return vintage

    async def plan(
        self, index: IndexRecord, vintage: VintagePoint, restate_from: date | None = None
    ) -> BuildPlan:
        """Return what a build of an index starts from."""
        newest, opening = await self._opening(index, restate_from)
        return BuildPlan(
            index=index,
            vintage=vintage,
            newest=newest,
            opening=opening,
            restates=restate_from is not None,
        )

    async def due(self, plan: BuildPlan, days: Days, forced: Days = NO_DAYS) -> Days:
        """Return the days of forced reviews among ``days`` (n,); raise NothingToBuild where none is new."""
        opening, definition = plan.opening, plan.index.definition
        if opening is not None and days[-1] <= opening.day:
            raise NothingToBuild(
                f"Index {definition.slug!r} is up to date: no session follows {opening.day}."
            )
        asked = await self.indexes.forced_reviews(plan.index.id)
        return forced_days(asked, days, since=np.datetime64(plan.anchor), also=forced)

    async def keep(
        self, by: Principal, plan: BuildPlan, forced: Days, universe: Ids, made: Computed
    ) -> BuildRecord:
        """Store what was computed as a build."""
        build = self.record(plan, forced, universe, made)
        await self.builds.save(build, by=by)
        return build

    def record(self, plan: BuildPlan, forced: Days, universe: Ids, made: Computed) -> BuildRecord:
        """Return what was computed as a build, which is not stored yet."""
        result, digest = made
        made_from = Provenance(
            definition_version=plan.index.version,
            vintage=plan.vintage.id,
            vintage_at=plan.vintage.at,
            code=self.code,
            input_hash=digest,
        )
        return BuildRecord(
            id=_identity(plan.index, made_from, restates=plan.restates),
            index=plan.index.id,
            provenance=made_from,
            opening=plan.opening,
            restates=plan.restates,
            forced=forced,
            universe=universe,
            result=result,
            created_at=self.clock.now(),
        )

    async def _opening(
        self, index: IndexRecord, restate_from: date | None
    ) -> tuple[Publication | None, IndexState | None]:
        """Return the newest publication and the official state to continue, None: start at the base date.

        The newest publication reaches furthest, so what its build closed with is official.
        """
        if restate_from is None:
            head = await self.builds.head(index.id)
            if head is None:
                return None, None
            if head.closing is not None:
                return head.publication, head.closing
        published = await self.builds.published(index.id, compositions=True)
        before = None if restate_from is None else np.datetime64(restate_from)
        newest = published[-1].publication if published else None
        return newest, official_state([one.segment for one in published], before=before)


def compute(
    definition: IndexDefinition, inputs: IndexInputs, opening: IndexState | None, forced: Days
) -> Computed:
    """Return the result and the digest of everything it was computed from, by two cores where it pays."""
    if inputs.panel.close.size < WORTH_A_THREAD:
        result = build_index(definition, inputs, opening=opening, forced=forced)
        return result, input_digest(definition, inputs, opening, forced)
    with ThreadPoolExecutor(max_workers=1) as beside:
        digest = beside.submit(input_digest, definition, inputs, opening, forced)
        result = build_index(definition, inputs, opening=opening, forced=forced)
        return result, digest.result()


def _identity(index: IndexRecord, made_from: Provenance, *, restates: bool) -> BuildId:
    name = (
        f"{index.id}:{made_from.definition_version}:{made_from.code.digest}:{made_from.input_hash}:{restates}"
    )
    return BuildId(uuid5(_BUILDS, name))
