"""Reads of the audit trail."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from waardhaven.application.audit.views import AuditEntryView, AuditHeadView, AuditPage
from waardhaven.application.ports.audit_trail import AuditFilter, AuditTrail
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import UserId

LARGEST_ID = 2**63 - 1
_ID = re.compile("[0-9]{1,19}")


class InvalidAuditCursor(Invalid):
    """A cursor that no page of the trail gave out."""


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
        """Return the entries that fit every filter; ``action`` is a prefix. Raises InvalidAuditCursor."""
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
        found = await self.trail.page(wanted, limit=limit + 1, before=_before(cursor))
        items = tuple(AuditEntryView.of(one) for one in found[:limit])
        return AuditPage(items=items, next_cursor=str(items[-1].id) if len(found) > limit else None)


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not _ID.fullmatch(cursor) or int(cursor) > LARGEST_ID:
        raise InvalidAuditCursor(
            "The cursor is not one this list gave out.",
            errors=[FieldError(field="cursor", rule="must be a next_cursor of this list")],
        )
    return int(cursor)


@dataclass(frozen=True, slots=True)
class ReadAuditHead:
    """Show how far the sealed chain reaches; whoever keeps the digest can tell later if it was rewritten."""

    trail: AuditTrail

    async def __call__(self, by: Principal) -> AuditHeadView:
        """Return position and digest; position 0 while nothing is sealed."""
        by.require(Permission.READ_AUDIT)
        return AuditHeadView.of(await self.trail.head())
