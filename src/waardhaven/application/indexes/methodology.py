"""The methodology document of an index."""

from dataclasses import dataclass

from waardhaven.application.indexes.rule_documents import RuleDocuments
from waardhaven.application.indexes.rule_queries import ListVersions
from waardhaven.application.indexes.visible import readable
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.rules.methodology import Edition, Section, as_markdown, methodology

EDITIONS = 200
"""Versions that the log of changes shows at most, the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodologyView:
    """How an index is made, in words: by section, and the whole as Markdown."""

    index: str
    name: str
    version: int
    sections: tuple[Section, ...]
    markdown: str


@dataclass(frozen=True, slots=True)
class ReadMethodology:
    """Write the methodology of an index from its rules in force and their versions."""

    indexes: IndexStore
    documents: RuleDocuments
    versions: ListVersions

    async def __call__(self, by: Principal, *, slug: str) -> MethodologyView:
        """Raise UnknownIndex."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, slug)
        document = await self.documents.write(index.definition)
        page = await self.versions(by, slug=slug, limit=EDITIONS)
        editions = [
            Edition(
                version=one.version,
                day=one.defined_at.date(),
                reason=one.reason,
                changes=[(each.field, each.old, each.new) for each in one.changes],
            )
            for one in page.items
        ]
        sections = methodology(index.definition, document, editions)
        return MethodologyView(
            index=slug,
            name=index.definition.name,
            version=index.version,
            sections=sections,
            markdown=as_markdown(index.definition.name, sections),
        )
