"""An index as a caller may see it: what is hidden looks like what is not there."""

from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build_record import IndexRecord, UnknownIndex


async def readable(indexes: IndexStore, by: Principal, slug: str) -> IndexRecord:
    """Return the index; raise UnknownIndex unless the caller may read it."""
    index = await indexes.get(slug)
    index.access.require_read(by, unknown_index(slug))
    return index


async def editable(indexes: IndexStore, by: Principal, slug: str) -> IndexRecord:
    """Return the index; raise UnknownIndex or NotYours unless the caller may change it."""
    index = await indexes.get(slug)
    index.access.require_edit(by, unknown_index(slug))
    return index


def unknown_index(slug: str) -> UnknownIndex:
    """Return the error of an index that is not there, or not to be seen."""
    return UnknownIndex(f"There is no index {slug!r}.", context={"slug": slug})
