"""Compute an index and tell what was made."""

from dataclasses import dataclass
from datetime import date

from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.ports.build_store import BuildStore, BuildSummary
from waardhaven.domain.identity.roles import Permission, Principal


@dataclass(frozen=True, slots=True)
class RunBuild:
    """Compute an index and keep the result as a build that is not published."""

    build: BuildIndex
    builds: BuildStore

    async def __call__(
        self, by: Principal, *, slug: str, restate_from: date | None = None, through: date | None = None
    ) -> BuildSummary:
        """Return the build; the same facts, rules and code give the one there is."""
        by.require(Permission.BUILD_INDICES)
        made = await self.build(by, slug=slug, restate_from=restate_from, through=through)
        return await self.builds.summary(made.id)
