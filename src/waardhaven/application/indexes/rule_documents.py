"""Rules as people write them: assets by their symbols, the universe by its name or its members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.rules.document import Document, to_document
from waardhaven.domain.index.rules.reading import is_within, read_document
from waardhaven.domain.index.rules.walking import Walk
from waardhaven.domain.index.universe import own_universe
from waardhaven.domain.index.validation import InvalidDefinition
from waardhaven.domain.market.asset import Asset, InvalidSymbol, SymbolRef
from waardhaven.domain.types import AssetId

MOST_MEMBERS = 3_000
MOST_NAMES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A definition, and the members of the universe that is its own; None: they were not given."""

    definition: IndexDefinition
    members: tuple[AssetId, ...] | None


@dataclass(slots=True)
class _Named:
    """Every place of a document that names an asset, and what is wrong with the names."""

    places: list[tuple[str, str]] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)

    def note(self, path: str, name: object) -> object:
        """Keep what is written at a place."""
        if isinstance(name, str) or (isinstance(name, int) and not isinstance(name, bool)):
            self.places.append((path, str(name)))
        return name


@dataclass(frozen=True, slots=True)
class RuleDocuments:
    """Reads and writes documents in which assets are SYM, SYM:MIC or an asset id."""

    reference: ReferenceStore

    async def read(self, document: Mapping[str, Any]) -> Rules:
        """Return the rules of a whole document; raise InvalidDefinition with everything that is wrong.

        ``members`` in place of ``universe`` names the assets one by one (1 to 3000); they are the own
        universe of the index. An unknown or ambiguous name is an error of the field that has it.
        """
        rest, named = dict(document), _Named()
        members = _members(rest, named)
        Walk(asset=named.note).over(rest)
        ids = await self._resolved(named)
        read = Walk(asset=lambda path, name: ids.get((path, str(name)), name)).over(rest)
        named.errors += _twice(named.places, ids)
        definition = _read(read, named.errors)
        chosen = None if members is None else tuple(ids[place] for place in members if place in ids)
        return Rules(definition=definition, members=chosen)

    async def write(self, definition: IndexDefinition) -> Document:
        """Return the document of a definition with symbols; an own universe is written as its members."""
        (found,) = await self.write_all([definition])
        if definition.universe != own_universe(definition.slug):
            return found
        members = await self.reference.universe(definition.universe)
        present = [asset for asset, _, until in members if until is None]
        names = [f"{one.symbol}:{one.mic}" for one in await self.reference.assets(present)]
        renamed = {"universe": "members"}
        return {renamed.get(name, name): names if name == "universe" else one for name, one in found.items()}

    async def write_all(self, definitions: Sequence[IndexDefinition]) -> list[Document]:
        """Return the documents of definitions, with symbols and with universes by name."""
        named = _Named()
        documents = [to_document(one) for one in definitions]
        for one in documents:
            Walk(asset=named.note).over(one)
        ids = sorted({int(name) for _, name in named.places})
        known = {str(one.id): f"{one.symbol}:{one.mic}" for one in await self._assets(ids)}
        walk = Walk(asset=lambda _, name: known.get(str(name), str(name)))
        return [walk.over(one) for one in documents]

    async def _assets(self, ids: Sequence[int]) -> list[Asset]:
        return await self.reference.assets([AssetId(one) for one in ids]) if ids else []

    async def _resolved(self, named: _Named) -> dict[tuple[str, str], AssetId]:
        """Return the asset of every place; what can not be found becomes an error."""
        refs: dict[tuple[str, str], SymbolRef] = {}
        for path, name in named.places[:MOST_NAMES]:
            try:
                refs[path, name] = SymbolRef.parse(name)
            except InvalidSymbol as error:
                named.errors.append(FieldError(field=path, rule=error.message))
        distinct = list(dict.fromkeys(refs.values()))
        answers = await self.reference.resolve_all(distinct) if distinct else []
        found = dict(zip(distinct, answers, strict=True))
        ids = {}
        for place, ref in refs.items():
            answer = found[ref]
            if isinstance(answer, Asset):
                ids[place] = answer.id
            else:
                named.errors.append(FieldError(field=place[0], rule=answer.message))
        return ids


def _members(rest: Document, named: _Named) -> list[tuple[str, str]] | None:
    """Take the members out of a document, whose universe is then its own, and note their places."""
    if rest.get("members") is None:
        rest.pop("members", None)
        return None
    given = rest.pop("members")
    if rest.get("universe") is not None:
        named.errors.append(FieldError(field="members", rule="can not be given beside universe"))
    rest["universe"] = own_universe(str(rest.get("slug", "")))
    texts = isinstance(given, list | tuple) and all(isinstance(one, str) for one in given)
    if not texts or not 1 <= len(given) <= MOST_MEMBERS:
        rule = f"must be a list of 1 to {MOST_MEMBERS} symbols"
        named.errors.append(FieldError(field="members", rule=rule))
        return []
    places = [(f"members.{i}", one) for i, one in enumerate(given)]
    named.places += places
    return places


def _twice(places: Sequence[tuple[str, str]], ids: Mapping[tuple[str, str], AssetId]) -> list[FieldError]:
    """Return an error for every name of an asset that its list or object names already."""
    seen: set[tuple[str, AssetId]] = set()
    errors = []
    for path, name in places:
        holder = path.removesuffix(f".{name}") if path.endswith(f".{name}") else path.rpartition(".")[0]
        asset = ids.get((path, name))
        if asset is not None and not path.endswith(".asset"):
            if (holder, asset) in seen:
                errors.append(FieldError(field=path, rule=f"{name} is named already"))
            seen.add((holder, asset))
    return errors


def _read(document: Mapping[str, Any], errors: list[FieldError]) -> IndexDefinition:
    told = [one.field for one in errors]
    try:
        definition = read_document(document)
    except InvalidDefinition as invalid:
        rest = [one for one in invalid.errors if not is_within(one.field, told)]
        raise InvalidDefinition(invalid.message, errors=[*errors, *_plainly(rest, document)]) from None
    if errors:
        raise InvalidDefinition("The index definition is not valid.", errors=errors)
    return definition


def _plainly(errors: Sequence[FieldError], document: Mapping[str, Any]) -> list[FieldError]:
    """Tell of a slug that is too long for a list of members as such."""
    own = document.get("universe") == own_universe(str(document.get("slug", "")))
    rule = "must have at most 57 characters where members are given"
    slug_told = any(one.field == "slug" for one in errors)
    found = []
    for one in errors:
        if one.field == "universe" and own:
            found += [] if slug_told else [FieldError(field="slug", rule=rule)]
        else:
            found.append(one)
    return found
