"""Bring an index up to the newest prices."""

from dataclasses import dataclass
from datetime import date

from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.indexes.publish_build import PublishBuild
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import NothingToBuild, Publication, StaleBuild

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
                build = await self.build(by, slug=slug, restate_from=restate_from)
                return await self.publish(by, build.id, reason=reason or _reason(restate_from))
            except NothingToBuild:
                return None
            except StaleBuild:
                if attempt == TRIES:
                    raise
        return None


def _reason(restate_from: date | None) -> str:
    return "new sessions" if restate_from is None else f"recalculated from {restate_from} on"
