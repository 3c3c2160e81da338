"""Reads of the audit trail."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from waardhaven.application.answers import cursor_number
from waardhaven.application.audit.views import AuditEntryView, AuditHeadView, AuditPage
from waardhaven.application.ports.audit_trail import AuditFilter, AuditTrail
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import UserId


@dataclass(frozen=True, slots=True)
class ListAudit:
    """Page through what was done and refused, newest first.

    People appear by their id or by keyed digests alone: the trail says nothing of an account that was
    erased but that it was there.
    """

    trail: AuditTrail

    async def __call__(
        self,
        by: Principal,
        *,
        actor: UUID | None = None,
        action: str | None = None,
        target: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        correlation_id: str | None = None,
        credential: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> AuditPage:
        """Return the entries that fit every filter; ``action`` is a prefix. Raises InvalidCursor."""
        by.require(Permission.READ_AUDIT)
        wanted = AuditFilter(
            actor=None if actor is None else UserId(actor),
            action=action,
            target=target,
            since=since,
            until=until,
            correlation_id=correlation_id,
            credential=credential,
        )
        found = await self.trail.page(wanted, limit=limit + 1, before=cursor_number(cursor))
        items = tuple(AuditEntryView.of(one) for one in found[:limit])
        return AuditPage(items=items, next_cursor=str(items[-1].id) if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class ReadAuditHead:
    """Show how far the sealed chain reaches; whoever keeps the digest can tell later if it was rewritten."""

    trail: AuditTrail

    async def __call__(self, by: Principal) -> AuditHeadView:
        """Return position and digest; position 0 while nothing is sealed."""
        by.require(Permission.READ_AUDIT)
        return AuditHeadView.of(await self.trail.head())
