"""Create and change indices by documents of their rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from waardhaven.application.indexes.authors import Authors
from waardhaven.application.indexes.buildable import CheckBuildable
from waardhaven.application.indexes.own_universe import OwnUniverse
from waardhaven.application.indexes.rule_documents import RuleDocuments
from waardhaven.application.indexes.rule_views import RulesView
from waardhaven.application.indexes.visible import editable
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import IndexRecord, SlugTaken, UnknownIndex
from waardhaven.domain.index.rules.document import Document, merged, to_document
from waardhaven.domain.index.rules.rule_file import read_rule_file
from waardhaven.domain.index.validation import InvalidDefinition


@dataclass(frozen=True, slots=True)
class KeepRules:
    """Check a whole document, then store it as the next version of its index; equal rules change nothing.

    The rules hold from the next build on: what is published is never rewritten by a change of rules.
    """

    indexes: IndexStore
    documents: RuleDocuments
    universes: OwnUniverse
    buildable: CheckBuildable
    authors: Authors

    async def __call__(
        self, by: Principal, document: Mapping[str, Any], *, stored: IndexRecord | None, reason: str | None
    ) -> RulesView:
        """Return the version kept; raise InvalidDefinition, NotBuildable, SlugTaken or NotYours."""
        by.require(Permission.BUILD_INDICES)
        rules = await self.documents.read(document)
        definition = rules.definition
        members = await self.universes.planned(definition, rules.members, stored)
        before = None if stored is None else stored.definition
        await self.buildable(by, definition, members=members, stored=before)
        made = await self.indexes.define(definition, by=by, reason=reason)
        await self.universes.write(definition, members)
        return RulesView(
            slug=definition.slug,
            version=made.version,
            defined_at=made.defined_at,
            author=await self.authors.name_for(by, made),
            reason=made.reason,
            rules=await self.documents.write(made.definition),
        )


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """Define a new index, which belongs to the caller and is private.

    One that its owner archived comes back, with everything that was published of it.
    """

    indexes: IndexStore
    keep: KeepRules

    async def __call__(
        self, by: Principal, *, document: Mapping[str, Any], reason: str | None = None
    ) -> RulesView:
        """Raise SlugTaken when there is an index of that slug, else as KeepRules does."""
        by.require(Permission.BUILD_INDICES)
        slug = document.get("slug")
        if isinstance(slug, str) and await self._is_taken(slug):
            raise SlugTaken(f"The name {slug!r} is taken.", context={"slug": slug})
        return await self.keep(by, document, stored=None, reason=reason)

    async def _is_taken(self, slug: str) -> bool:
        try:
            await self.indexes.get(slug)
        except UnknownIndex:
            return False
        return True


@dataclass(frozen=True, slots=True)
class ChangeIndex:
    """Change the rules of an index: what is given is merged into the stored rules, then all is checked."""

    indexes: IndexStore
    keep: KeepRules

    async def __call__(
        self, by: Principal, *, slug: str, changes: Mapping[str, Any], reason: str | None = None
    ) -> RulesView:
        """Raise UnknownIndex or NotYours, else as KeepRules does."""
        by.require(Permission.BUILD_INDICES)
        index = await editable(self.indexes, by, slug)
        document = merged(to_document(index.definition), changes)
        if changes.get("members") is not None and "universe" not in changes:
            document.pop("universe")
        return await self.keep(by, _of(slug, document), stored=index, reason=reason)


@dataclass(frozen=True, slots=True)
class ImportRules:
    """Replace the whole rules of an index by a rule file; without that index, create it."""

    indexes: IndexStore
    keep: KeepRules

    async def __call__(
        self, by: Principal, *, text: str, slug: str | None = None, reason: str | None = None
    ) -> RulesView:
        """``slug`` None: that of the file. Raise InvalidRuleFile, else as ChangeIndex or CreateIndex do."""
        by.require(Permission.BUILD_INDICES)
        document = read_rule_file(text)
        if slug is not None:
            index = await editable(self.indexes, by, slug)
            return await self.keep(by, _of(slug, {"slug": slug, **document}), stored=index, reason=reason)
        stored = await self._stored(by, document.get("slug"))
        return await self.keep(by, document, stored=stored, reason=reason)

    async def _stored(self, by: Principal, slug: object) -> IndexRecord | None:
        if not isinstance(slug, str):
            return None
        try:
            found = await self.indexes.get(slug)
        except UnknownIndex:
            return None
        found.access.require_edit(by, SlugTaken(f"The name {slug!r} is taken.", context={"slug": slug}))
        return found


def _of(slug: str, document: Document) -> Document:
    """Return the document; raise InvalidDefinition when it is of another index."""
    if document.get("slug") != slug:
        error = FieldError(field="slug", rule=f"can not be changed; the nearest legal value is {slug}")
        raise InvalidDefinition("The index definition is not valid.", errors=[error])
    return document
