"""Reads of rules: the versions of an index, and its rule file."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from waardhaven.application.answers import Page, cursor_number
from waardhaven.application.indexes.authors import Authors
from waardhaven.application.indexes.rule_documents import RuleDocuments
from waardhaven.application.indexes.rule_views import ChangeView, RulesView, VersionView
from waardhaven.application.indexes.visible import readable
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.index.rules.document import differences
from waardhaven.domain.index.rules.rule_file import write_rule_file


@dataclass(frozen=True, slots=True)
class ListVersions:
    """The versions of the rules of an index, newest first, each with what changed in it, by whom and why."""

    indexes: IndexStore
    documents: RuleDocuments
    authors: Authors

    async def __call__(
        self, by: Principal, *, slug: str, limit: int = 50, cursor: str | None = None
    ) -> Page[VersionView]:
        """Return a page; raise UnknownIndex."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, slug)
        found = await self.indexes.versions(index.id, limit=limit + 1, before=cursor_number(cursor))
        names = await self.authors.names(by, found[:limit])
        documents = await self.documents.write_all([one.definition for one in found])
        changes = [changed(old, new) for new, old in pairwise(documents)]
        items = [
            VersionView(
                version=one.version,
                defined_at=one.defined_at,
                author=None if one.author is None else names.get(one.author),
                reason=one.reason,
                changes=what,
            )
            for one, what in zip(found[:limit], [*changes, ()], strict=False)
        ]
        return Page(items=tuple(items), next_cursor=_next(found, limit))


@dataclass(frozen=True, slots=True)
class ReadRules:
    """The rules of an index in force: what its next build follows."""

    indexes: IndexStore
    documents: RuleDocuments
    authors: Authors

    async def __call__(self, by: Principal, *, slug: str, version: int | None = None) -> RulesView:
        """Return a version (None: the newest); raise UnknownIndex."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, slug)
        if version is not None:
            index = await self.indexes.get(slug, version=version)
        return RulesView(
            slug=slug,
            version=index.version,
            defined_at=index.defined_at,
            author=await self.authors.name_for(by, index),
            reason=index.reason,
            rules=await self.documents.write(index.definition),
        )


@dataclass(frozen=True, slots=True)
class ExportRules:
    """The rules of an index as a rule file, which ImportRules takes back."""

    read: ReadRules

    async def __call__(self, by: Principal, *, slug: str, version: int | None = None) -> str:
        """Return TOML; raise UnknownIndex."""
        found = await self.read(by, slug=slug, version=version)
        return write_rule_file(found.rules)


def changed(old: dict[str, Any], new: dict[str, Any]) -> tuple[ChangeView, ...]:
    """Return every field that differs."""
    return tuple(
        ChangeView(field=field, old=before, new=after) for field, before, after in differences(old, new)
    )


def _next(found: Sequence[IndexRecord], limit: int) -> str | None:
    return str(found[limit - 1].version) if len(found) > limit else None
