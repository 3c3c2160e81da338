"""Prices from files that people bring: uploaded, checked, committed, and undone."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from waardhaven.application.market.import_report import reported
from waardhaven.application.market.match_listings import MatchListings
from waardhaven.application.market.write_bars import WriteBars
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.file_store import FileStore
from waardhaven.application.ports.market_facts import MarketFacts
from waardhaven.application.ports.price_files import ParsedFile, PriceFiles, UnreadableFile
from waardhaven.application.ports.price_imports import ImportNotReady, PriceImport, PriceImports
from waardhaven.application.ports.price_store import PriceStore, WriteReport
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identifiers import RANDOM_BYTES, ordered_id
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.imports import LARGEST_FILE, FileMapping, ImportState
from waardhaven.domain.types import AssetId, ImportId


class InvalidUpload(Invalid):
    """A file that can not be taken in at all; ``errors`` says why."""


@dataclass(frozen=True, slots=True)
class UploadPrices:
    """Take a file in, unread. Nothing of it is in the store until it is checked and committed."""

    imports: PriceImports
    files: FileStore
    clock: Clock

    async def __call__(
        self, by: Principal, *, name: str, content: bytes, mapping: FileMapping
    ) -> PriceImport:
        """Return the import; raise InvalidUpload."""
        by.require(Permission.OPERATE)
        rule = None
        if not content:
            rule = "must not be empty"
        elif len(content) > LARGEST_FILE:
            rule = f"must have at most {LARGEST_FILE >> 20} MiB"
        if rule is not None:
            raise InvalidUpload("The file can not be taken.", errors=[FieldError(field="file", rule=rule)])
        now = self.clock.now()
        record = PriceImport(
            id=ImportId(ordered_id(now, secrets.token_bytes(RANDOM_BYTES))),
            state=ImportState.UPLOADED,
            name=name[:200] or "unnamed",
            digest=hashlib.sha256(content).hexdigest(),
            size=len(content),
            mapping=mapping,
            owner=by.user,
            created_at=now,
        )
        await self.files.put(file_key(record.id), content)
        await self.imports.add(record, by=by)
        return record


@dataclass(frozen=True, slots=True)
class CheckImport:
    """Read a file and say what committing it would do: a dry run that changes no price.

    A file with a single bad line is refused as a whole; the report names each line and the reason.
    """

    imports: PriceImports
    files: FileStore
    reader: PriceFiles
    match: MatchListings
    prices: PriceStore

    async def __call__(self, by: Principal, *, id_: ImportId) -> PriceImport:
        """Return the import, checked or refused; raise UnknownImport or ImportNotReady."""
        by.require(Permission.OPERATE)
        record = await self.imports.get(id_)
        if record.state not in (ImportState.UPLOADED, ImportState.CHECKED, ImportState.REFUSED):
            raise ImportNotReady(f"The import is {record.state}.")
        try:
            parsed = await self._parsed(record)
        except UnreadableFile as error:
            rules = [{"field": one.field, "rule": one.rule} for one in error.errors]
            await self.imports.refused(id_, report={"detail": error.message, "errors": rules})
            return await self.imports.get(id_)
        matched = await self.match(parsed)
        report = await reported(parsed, matched, self.match, self.prices)
        if matched.problems or parsed.issue_count:
            await self.imports.refused(id_, report=report)
        else:
            await self.imports.checked(id_, mapping=parsed.mapping, report=report)
        return await self.imports.get(id_)

    async def _parsed(self, record: PriceImport) -> ParsedFile:
        return await self.reader.read(await whole_file(self.files, record.id), record.mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a commit wrote, and the assets it is about. ``report``: None when it was committed before."""

    report: WriteReport | None
    assets: tuple[AssetId, ...]


@dataclass(frozen=True, slots=True)
class CommitImport:
    """Write the bars of a checked file: all of them, in one transaction, or none.

    Assets it names that are not known are registered first. Run again after it was interrupted it does what
    is left to do; of a committed import it tells the assets alone.
    """

    imports: PriceImports
    files: FileStore
    reader: PriceFiles
    match: MatchListings
    facts: MarketFacts
    calendars: Calendars
    write: WriteBars

    async def __call__(self, by: Principal, *, id_: ImportId) -> Committed:
        """Return what was written; raise ImportNotReady."""
        by.require(Permission.OPERATE)
        record = await self.imports.get(id_)
        if record.state not in (ImportState.CHECKED, ImportState.COMMITTED):
            raise ImportNotReady(f"The import is {record.state}; only a checked one can be committed.")
        parsed = await self.reader.read(await whole_file(self.files, id_), record.mapping)
        matched = await self.match(parsed)
        if record.state is ImportState.COMMITTED:
            return Committed(report=None, assets=tuple(sorted(set(matched.known.values()))))
        if matched.problems or parsed.issue_count:
            raise ImportNotReady("The file does not pass its check any more: check it again.")
        listings = [one.listing for one in matched.bars]
        for sessions in await self.calendars.sessions(sorted({one.mic for one in listings})):
            await self.facts.write_sessions(sessions)
        ids = dict(matched.known)
        ids |= await self.facts.register_assets(matched.new)
        written = await self.write(matched.bars, ids, note=f"import {id_}", for_import=id_)
        return Committed(report=written.report, assets=tuple(sorted(set(ids.values()))))


@dataclass(frozen=True, slots=True)
class UndoImport:
    """Restore what was known before an import, bit for bit; what it wrote stays readable at its vintage."""

    imports: PriceImports
    prices: PriceStore

    async def __call__(self, by: Principal, *, id_: ImportId, reason: str) -> PriceImport:
        """Return the import; raise UnknownImport, ImportNotReady or ChangedSince."""
        by.require(Permission.OPERATE)
        await self.prices.undo(id_, reason=reason)
        return await self.imports.get(id_)


@dataclass(frozen=True, slots=True)
class ReadImport:
    """One import with its report."""

    imports: PriceImports

    async def __call__(self, by: Principal, *, id_: ImportId) -> PriceImport:
        """Raise UnknownImport."""
        by.require(Permission.OPERATE)
        return await self.imports.get(id_)


@dataclass(frozen=True, slots=True)
class ListImports:
    """Imports, newest first."""

    imports: PriceImports

    async def __call__(
        self, by: Principal, *, limit: int, before: ImportId | None = None
    ) -> Sequence[PriceImport]:
        """Return at most ``limit`` imports made before one."""
        by.require(Permission.OPERATE)
        return await self.imports.page(limit=limit, before=before)


def file_key(id_: ImportId) -> str:
    """Return where the file of an import is kept."""
    return f"imports/{id_}/prices"


async def whole_file(files: FileStore, id_: ImportId) -> bytes:
    """Return the file of an import."""
    return b"".join([part async for part in files.read(file_key(id_))])
