"""The official history of an index, read from its publications."""

from dataclasses import dataclass
from datetime import datetime

from waardhaven.application.indexes.views import ProvenanceView
from waardhaven.application.indexes.visible import readable
from waardhaven.application.ports.build_store import BuildStore, PublishedSegment
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build_record import IndexRecord, NothingPublished
from waardhaven.domain.index.definition import Adjustment, IndexDefinition
from waardhaven.domain.index.publishing import Segment

ADJUSTED_NOTE = (
    "Levels are computed from fully adjusted closes: distributions are reinvested in them, so this is "
    "not a price return."
)
PROXY_NOTE = (
    "Market capitalisation is a proxy in the sample market: approximate constant shares times the "
    "adjusted close."
)
SURVIVORS_NOTE = "The sample universe was chosen in 2022 from survivors; its history flatters."


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialHistory:
    """An index with the publications in force, oldest first; at least one."""

    index: IndexRecord
    published: tuple[PublishedSegment, ...]

    @property
    def segments(self) -> list[Segment]:
        """What the splicing functions need."""
        return [one.segment for one in self.published]

    @property
    def newest(self) -> PublishedSegment:
        """The publication made last."""
        return self.published[-1]

    @property
    def provenance(self) -> ProvenanceView:
        """Where the newest figures come from."""
        newest = self.newest
        return ProvenanceView(
            index=self.index.definition.slug,
            build=str(newest.publication.build),
            publication=newest.publication.id,
            published_at=newest.publication.announced_at,
            made_from=newest.made_from,
            notes=notes(self.index.definition),
        )


async def read_official(
    indexes: IndexStore,
    builds: BuildStore,
    by: Principal,
    slug: str,
    *,
    as_of: datetime | None = None,
    compositions: bool = False,
) -> OfficialHistory:
    """Return what was official at ``as_of`` (None: now); raise UnknownIndex or NothingPublished."""
    index = await readable(indexes, by, slug)
    published = await builds.published(index.id, as_of=as_of, compositions=compositions)
    if not published:
        when = f" at {as_of.isoformat()}" if as_of else " yet"
        raise NothingPublished(f"Index {slug!r} had nothing published{when}.", context={"slug": slug})
    return OfficialHistory(index=index, published=tuple(published))


def notes(definition: IndexDefinition) -> tuple[str, ...]:
    """Return what a reader must know before trusting the figures."""
    found = []
    if definition.series.adjustment is Adjustment.ALL:
        found.append(ADJUSTED_NOTE)
    if definition.series.source == "sample":
        found += [PROXY_NOTE, SURVIVORS_NOTE]
    return tuple(found)
