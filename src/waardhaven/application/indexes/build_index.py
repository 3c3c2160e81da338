"""Compute an index from stored facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid5

import numpy as np

from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.visible import editable
from waardhaven.application.ports.build_store import BuildStore, PublishedSegment
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
)
from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.official import official_state
from waardhaven.domain.index.reproducibility import input_digest
from waardhaven.domain.provenance import CodeVersion, Provenance
from waardhaven.domain.types import AssetId, BuildId, Days, as_date

_BUILDS = UUID("6d0f6f0e-6a39-5a5c-9d0e-7a1f9c3a7f10")


@dataclass(frozen=True, slots=True)
class BuildIndex:
    """Compute an index from stored facts and keep the result as an immutable build.

    The first build starts at the base date. Later ones continue the published units, divisor and
    level, so that corrections of past data never make the official history jump. ``restate_from``
    asks for the days from then on to be computed again, from the published state before them. The
    same facts, rules and code give the same build: running it twice stores it once.
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
        by.require(Permission.BUILD_INDICES)
        index = await editable(self.indexes, by, slug)
        vintage = await self.reference.latest_vintage()
        if vintage is None:
            raise InputsUnavailable("There is no market data yet. Load some first.")
        published = await self.builds.published(index.id, compositions=True)
        opening = _opening(published, restate_from)
        inputs = await self._read(index, vintage, opening, through)
        if opening is not None and inputs.panel.days[-1] <= opening.day:
            raise NothingToBuild(f"Index {slug!r} is up to date: no session follows {opening.day}.")
        result, digest = await self.pool.run(_compute, index, inputs, opening, forced)
        made_from = Provenance(
            definition_version=index.version,
            vintage=vintage.id,
            vintage_at=vintage.at,
            code=self.code,
            input_hash=digest,
        )
        build = BuildRecord(
            id=_identity(index, made_from, restates=restate_from is not None),
            index=index.id,
            provenance=made_from,
            opening=opening,
            restates=restate_from is not None,
            forced=forced,
            universe=inputs.panel.assets,
            result=result,
            created_at=self.clock.now(),
        )
        await self.builds.save(build, by=by)
        return build

    async def _read(
        self, index: IndexRecord, vintage: VintagePoint, opening: IndexState | None, through: date | None
    ) -> IndexInputs:
        anchor = index.definition.base_date if opening is None else as_date(opening.day)
        held = [] if opening is None else [AssetId(one) for one in opening.assets.tolist()]
        return await self.inputs(
            index.definition, vintage=vintage.id, anchor=anchor, held=held, through=through
        )


def _opening(published: Sequence[PublishedSegment], restate_from: date | None) -> IndexState | None:
    """Return the official state the build continues from, None to start at the base date."""
    before = None if restate_from is None else np.datetime64(restate_from)
    return official_state([one.segment for one in published], before=before)


def _compute(
    index: IndexRecord, inputs: IndexInputs, opening: IndexState | None, forced: Days
) -> tuple[IndexResult, str]:
    result = build_index(index.definition, inputs, opening=opening, forced=forced)
    return result, input_digest(index.definition, inputs, opening, forced)


def _identity(index: IndexRecord, made_from: Provenance, *, restates: bool) -> BuildId:
    name = (
        f"{index.id}:{made_from.definition_version}:{made_from.code.digest}:{made_from.input_hash}:{restates}"
    )
    return BuildId(uuid5(_BUILDS, name))
