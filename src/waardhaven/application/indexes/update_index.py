"""Bring an index up to the newest prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.indexes.build_many import BuildIndices, Found
from waardhaven.application.indexes.publish_build import PublishBuild
from waardhaven.domain.errors import WaardhavenError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import BuildRecord, NothingToBuild, Publication, StaleBuild

TRIES = 3


@dataclass(frozen=True, slots=True)
class UpdateIndex:
    """Build the sessions that are not published yet and publish them; None when there are none.

    Idempotent: when another process publishes first, the build is made again on top of that, at most
    three times.
    """

    build: BuildIndex
    publish: PublishBuild

    async def __call__(
        self, by: Principal, *, slug: str, reason: str | None = None, restate_from: date | None = None
    ) -> Publication | None:
        """Return the publication made; ``restate_from`` computes published days from then on again."""
        by.require(Permission.BUILD_INDICES)
        for attempt in range(1, TRIES + 1):
            try:
                build, newest = await self.build.computed(by, slug=slug, restate_from=restate_from)
                return await self.publish.store_and_publish(
                    by, build, newest=newest, reason=reason or _reason(restate_from)
                )
            except NothingToBuild:
                return None
            except StaleBuild:
                if attempt == TRIES:
                    raise
        return None


@dataclass(frozen=True, slots=True)
class UpdateIndices:
    """Build and publish the sessions of several indices that are not published yet, their facts read once.

    An index for which another process publishes first is brought up to date alone.
    """

    build: BuildIndices
    alone: UpdateIndex

    async def __call__(
        self, by: Principal, *, slugs: Sequence[str]
    ) -> dict[str, Publication | WaardhavenError | None]:
        """Return by short name the publication made, what stopped it, or None where nothing is new."""
        by.require(Permission.BUILD_INDICES)
        built = await self.build(by, slugs=slugs)
        return {slug: await self._publish(by, slug, one) for slug, one in built.items()}

    async def _publish(self, by: Principal, slug: str, built: Found) -> Publication | WaardhavenError | None:
        if not isinstance(built, BuildRecord):
            return built
        try:
            return await self.alone.publish(by, built, reason=_reason(None))
        except StaleBuild:
            return await self.alone(by, slug=slug)


def _reason(restate_from: date | None) -> str:
    return "new sessions" if restate_from is None else f"recalculated from {restate_from} on"
