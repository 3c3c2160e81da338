"""What the use cases of the audit trail answer with. Digests are in hexadecimal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from waardhaven.application.ports.audit_trail import RecordedEntry
from waardhaven.domain.identity.audit import ChainBreak, ChainFault, ChainHead

_REASONS = {
    ChainFault.ENTRY_CHANGED: "the entry is not the one that was sealed",
    ChainFault.LINK_CHANGED: "the stored digest was changed",
    ChainFault.ENTRY_OR_LINK_CHANGED: "the entry or its stored digest was changed",
    ChainFault.ENTRY_MISSING: "the entry was removed",
    ChainFault.LINK_MISSING: "there is no link at this position",
    ChainFault.OUT_OF_ORDER: "the link does not follow the one before it",
    ChainFault.TRUNCATED: "the chain ends before a head that was exported",
    ChainFault.REWRITTEN: "the digest is not the one that was exported",
    ChainFault.HEADS_DISAGREE: "the exported heads go back here: the chain was cut off and grew again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntryView:
    """Somebody did something, or was refused.

    ``before`` and ``after`` are keyed digests of the states of ``target``: equal states have equal
    digests. ``position`` is its place in the sealed chain, null for the second until it is sealed.
    """

    id: int
    at: datetime
    actor: UUID | None
    credential: str
    action: str
    target: str
    before: str | None
    after: str | None
    occurrences: int
    detail: Mapping[str, object]
    correlation_id: str | None
    position: int | None

    @classmethod
    def of(cls, recorded: RecordedEntry) -> Self:
        """Return the view of an entry."""
        entry = recorded.entry
        return cls(
            id=entry.id,
            at=entry.at,
            actor=entry.actor,
            credential=entry.credential,
            action=entry.action,
            target=entry.target,
            before=None if entry.before is None else entry.before.hex(),
            after=None if entry.after is None else entry.after.hex(),
            occurrences=entry.occurrences,
            detail=entry.detail,
            correlation_id=entry.correlation_id,
            position=recorded.position,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Entries, newest first; ``next_cursor`` is None on the last page."""

    items: tuple[AuditEntryView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHeadView:
    """How far the sealed chain reaches, and the digest that stands for all of it."""

    position: int
    digest: str

    @classmethod
    def of(cls, head: ChainHead) -> Self:
        """Return the view of a head."""
        return cls(position=head.position, digest=head.digest.hex())


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """What a verification found.

    ``head``: how far the chain is sound. ``heads``: how many exported heads it was compared with.
    ``unsealed``: entries that should have been sealed by now and are not in the chain.
    """

    head: AuditHeadView
    heads: int
    unsealed: int
    broken: ChainBreak | None

    @property
    def passed(self) -> bool:
        """Whether everything recorded is as it was sealed."""
        return self.broken is None and self.unsealed == 0

    @property
    def reason(self) -> str | None:
        """The first break as a sentence, None without one."""
        if self.broken is None:
            return None
        entry = "" if self.broken.entry_id is None else f" (entry {self.broken.entry_id})"
        return f"Position {self.broken.position}{entry}: {_REASONS[self.broken.fault]}."
