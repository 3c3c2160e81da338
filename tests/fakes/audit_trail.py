from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from waardhaven.application.ports.audit_trail import AuditFilter, AuditTrail, RecordedEntry, SealedHead
from waardhaven.domain.identity.audit import GENESIS, AuditEntry, ChainHead, ChainLink, links
from waardhaven.domain.identity.roles import Principal


@dataclass
class FakeAuditTrail(AuditTrail):
    """Entries by id and the chain over them; ``locked`` says that another sealer is at work."""

    entries: dict[int, AuditEntry] = field(default_factory=dict)
    chain: list[ChainLink] = field(default_factory=list)
    locked: bool = False

    def put(
        self,
        action: str,
        *,
        by: Principal,
        target: str,
        before: bytes | None = None,
        after: bytes | None = None,
        occurrences: int = 1,
        detail: Mapping[str, object] | None = None,
        correlation_id: str | None = None,
        number: int | None = None,
        at: datetime | None = None,
    ) -> AuditEntry:
        """Record an entry; ``number`` is its id when it is not the next one."""
        number = number or max(self.entries, default=0) + 1
        entry = AuditEntry(
            id=number,
            at=at or datetime.now(UTC),
            actor=by.user,
            credential=str(by.credential),
            action=action,
            target=target,
            before=before,
            after=after,
            occurrences=occurrences,
            detail=dict(detail or {}),
            correlation_id=correlation_id,
        )
        self.entries[number] = entry
        return entry

    async def page(
        self, wanted: AuditFilter, *, limit: int, before: int | None = None
    ) -> list[RecordedEntry]:
        sealed = {one.entry_id: one.position for one in self.chain}
        found = [
            RecordedEntry(entry=one, position=sealed.get(number))
            for number, one in sorted(self.entries.items(), reverse=True)
            if (before is None or number < before) and _fits(one, wanted)
        ]
        return found[:limit]

    async def head(self) -> ChainHead:
        return self.chain[-1].head if self.chain else GENESIS

    async def seal(self, *, limit: int) -> SealedHead | None:
        if self.locked:
            return None
        sealed = {one.entry_id for one in self.chain}
        waiting = [one for number, one in sorted(self.entries.items()) if number not in sealed][:limit]
        heads = links(await self.head(), waiting)
        self.chain += [
            ChainLink(position=head.position, entry_id=one.id, digest=head.digest, entry=one)
            for head, one in zip(heads, waiting, strict=True)
        ]
        return SealedHead(head=await self.head(), sealed=len(waiting))

    async def walk(self, *, batch: int = 1_000) -> AsyncIterator[list[ChainLink]]:
        for start in range(0, len(self.chain), batch):
            yield self.chain[start : start + batch]

    async def unsealed(self, *, until: datetime) -> int:
        sealed = {one.entry_id for one in self.chain}
        return sum(one.at < until for number, one in self.entries.items() if number not in sealed)


def _fits(entry: AuditEntry, wanted: AuditFilter) -> bool:
    return (
        wanted.actor in {None, entry.actor}
        and entry.action.startswith(wanted.action or "")
        and wanted.target in {None, entry.target}
        and (wanted.since is None or entry.at >= wanted.since)
        and (wanted.until is None or entry.at < wanted.until)
        and wanted.correlation_id in {None, entry.correlation_id}
        and wanted.credential in {None, entry.credential}
    )
