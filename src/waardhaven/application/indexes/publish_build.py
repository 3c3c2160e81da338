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
        draft = _draft(record, chain[-1] if chain else None, reason)
        return await self.builds.publish(draft, by=by)

    async def store_and_publish(
        self, by: Principal, build: BuildRecord, *, newest: Publication | None, reason: str
    ) -> Publication:
        """Store a build that the caller just computed and publish it, in one transaction.

        ``newest``: the newest publication when it was begun. Raises StaleBuild when there is another by now;
        the build is stored then too.
        """
        by.require(Permission.BUILD_INDICES)
        return await self.builds.publish_new(build, _draft(build, newest, reason), by=by)

    async def _load(self, by: Principal, build: BuildId, slug: str | None) -> BuildRecord:
        record = await self.builds.load(build)
        index = await self.indexes.by_id(record.index)
        unknown = UnknownBuild(f"There is no build {build}.", context={"build": str(build)})
        if slug not in (None, index.definition.slug):
            raise unknown
        index.access.require_edit(by, unknown)
        return record


def _draft(build: BuildRecord, newest: Publication | None, reason: str) -> PublicationDraft:
    """Return a publication that follows the newest one; raise StaleBuild where the build does not."""
    _check(build, newest)
    return PublicationDraft(
        index=build.index,
        build=build.id,
        kind=PublicationKind.RESTATE if build.restates else PublicationKind.EXTEND,
        from_day=build.start,
        through_day=build.through,
        reason=reason,
        effective_at=None,
        follows=None if newest is None else newest.id,
    )


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
