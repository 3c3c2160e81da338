"""Compute published builds again and compare."""

from dataclasses import dataclass

from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.visible import readable
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build import IndexHistory, compute
from waardhaven.domain.index.build_record import BuildRecord, NothingPublished
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.reproducibility import input_digest
from waardhaven.domain.index.verification import ROUNDING, Difference, first_difference
from waardhaven.domain.provenance import CodeVersion
from waardhaven.domain.types import AssetId, BuildId, as_date


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What recomputing one published build found.

    ``exact`` tells that the same code on the same numeric kernels was used, so every bit must agree;
    elsewhere figures may differ by 1e-12 relative. ``same_inputs`` compares the input hashes.
    """

    build: BuildId
    sessions: int
    exact: bool
    same_inputs: bool
    difference: Difference | None
    symbol: str | None

    @property
    def passed(self) -> bool:
        """Whether the build was reproduced."""
        return self.same_inputs and self.difference is None


@dataclass(frozen=True, slots=True)
class VerifyIndex:
    """Compute every build in force again from its recorded vintage and compare it with what is published."""

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    inputs: ReadInputs
    code: CodeVersion
    pool: ComputePool

    async def __call__(self, by: Principal, *, slug: str) -> list[Verdict]:
        """Return a verdict for each publication in force, oldest first; raise NothingPublished."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, slug)
        published = await self.builds.published(index.id)
        if not published:
            raise NothingPublished(f"Index {slug!r} has nothing published yet.")
        return [await self._verify(slug, one.publication.build) for one in published]

    async def _verify(self, slug: str, build: BuildId) -> Verdict:
        record = await self.builds.load(build)
        made = record.provenance
        index = await self.indexes.get(slug, version=made.definition_version)
        opening = record.opening
        held = [] if opening is None else [AssetId(one) for one in opening.assets.tolist()]
        inputs = await self.inputs(
            index.definition,
            vintage=made.vintage,
            anchor=index.definition.base_date if opening is None else as_date(opening.day),
            held=held,
            through=record.through,
        )
        exact = (made.code.digest, made.code.fingerprint) == (self.code.digest, self.code.fingerprint)
        result, digest = await self.pool.run(_compute, index.definition, inputs, record)
        difference = first_difference(record.result, result, rtol=0.0 if exact else ROUNDING)
        return Verdict(
            build=build,
            sessions=len(record.result.levels),
            exact=exact,
            same_inputs=digest == made.input_hash,
            difference=difference,
            symbol=await self._symbol(difference),
        )

    async def _symbol(self, difference: Difference | None) -> str | None:
        if difference is None or difference.asset is None:
            return None
        found = await self.reference.assets([AssetId(difference.asset)])
        return found[0].symbol if found else None


def _compute(
    definition: IndexDefinition, inputs: IndexInputs, record: BuildRecord
) -> tuple[IndexHistory, str]:
    history = compute(definition, inputs, opening=record.opening, forced=record.forced).history
    return history, input_digest(definition, inputs, record.opening, record.forced)
