"""Take an index out of sight."""

from dataclasses import dataclass

from waardhaven.application.indexes.queries import DEFAULT_SLUG
from waardhaven.application.indexes.visible import unknown_index
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.errors import Conflict
from waardhaven.domain.identity.roles import Permission, Principal


class DefaultIndexStays(Conflict):
    """The default index can not be archived: the addresses without a slug answer with it."""


@dataclass(frozen=True, slots=True)
class ArchiveIndex:
    """Archive an index of the caller's: it answers to nobody until its owner defines it again.

    Nothing is deleted: versions, builds and publications are kept, and its slug stays taken.
    """

    indexes: IndexStore

    async def __call__(self, by: Principal, *, slug: str) -> None:
        """Raise UnknownIndex, NotYours or DefaultIndexStays."""
        by.require(Permission.BUILD_INDICES)
        index = await self.indexes.get(slug)
        index.access.require_manage(by, unknown_index(slug))
        if slug == DEFAULT_SLUG:
            raise DefaultIndexStays("The default index can not be archived.", context={"slug": slug})
        await self.indexes.archive(slug, by=by)
