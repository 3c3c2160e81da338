"""Make a build's days the official history."""

from dataclasses import dataclass

from waardhaven.application.ports.build_store import BuildStore, PublicationDraft
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import (
    BuildRecord,
    Publication,
    PublicationKind,
    StaleBuild,
    UnknownBuild,
)
from waardhaven.domain.types import BuildId, as_date


@dataclass(frozen=True, slots=True)
class PublishBuild:
    """Make a build's days the official history, by a publication that is only ever added.

    A build that does not restate must continue the newest publication; one that restates must reach
    at least as far. Publishing the same build twice gives the publication it already has.
    """

    indexes: IndexStore
    builds: BuildStore

    async def __call__(
        self, by: Principal, build: BuildId | BuildRecord, *, reason: str, slug: str | None = None
    ) -> Publication:
        """Check that the build still continues the official history, then append.

        With ``slug`` a build of another index is unknown. A record is one that the caller just made, which
        needed the right to change its index: neither is asked for again.
        """
        by.require(Permission.BUILD_INDICES)
        record = build if isinstance(build, BuildRecord) else await self._load(by, build, slug)
        chain = await self.builds.chain(record.index)
        already = next((one for one in chain if one.build == record.id), None)
        if already is not None:
            return already
        newest = chain[-1] if chain else None
        _check(record, newest)
        return await self.builds.publish(
            PublicationDraft(
                index=record.index,
                build=record.id,
                kind=PublicationKind.RESTATE if record.restates else PublicationKind.EXTEND,
                from_day=record.start,
                through_day=record.through,
                reason=reason,
                effective_at=None,
                follows=None if newest is None else newest.id,
            ),
            by=by,
        )

    async def _load(self, by: Principal, build: BuildId, slug: str | None) -> BuildRecord:
        record = await self.builds.load(build)
        index = await self.indexes.by_id(record.index)
        unknown = UnknownBuild(f"There is no build {build}.", context={"build": str(build)})
        if slug not in (None, index.definition.slug):
            raise unknown
        index.access.require_edit(by, unknown)
        return record


def _check(build: BuildRecord, newest: Publication | None) -> None:
    if newest is None:
        fits = build.opening is None
    elif build.restates:
        fits = build.through >= newest.through_day
    else:
        fits = build.opening is not None and as_date(build.opening.day) == newest.through_day
    if not fits:
        raise StaleBuild(
            "The build does not continue the published history. Build again, then publish.",
            context={"build": str(build.id)},
        )
