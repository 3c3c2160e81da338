"""PostgresAuditLog: rows of audit_entry, which a trigger refuses to change."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.contextvars import get_contextvars

from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.adapters.outbound.postgres.tables.audit import audit_entry
from waardhaven.application.ports.audit_log import AuditLog
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.domain.identity.roles import Principal


class PostgresAuditLog(AuditLog):
    """Entries over one connection, in its transaction."""

    def __init__(self, connection: AsyncConnection, pseudonyms: Pseudonyms) -> None:
        self._connection = connection
        self._pseudonyms = pseudonyms

    async def record(
        self,
        action: str,
        *,
        by: Principal,
        target: str,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        detail: Mapping[str, object] | None = None,
        occurrences: int = 1,
    ) -> None:
        """See AuditLog."""
        await self._connection.execute(
            insert(audit_entry).values(
                action=action,
                actor_id=by.user,
                credential=str(by.credential),
                target=target,
                before_digest=None if before is None else self._pseudonyms.of_state(before),
                after_digest=None if after is None else self._pseudonyms.of_state(after),
                occurrences=occurrences,
                detail=dict(detail or {}),
                correlation_id=get_contextvars().get("correlation_id"),
            )
        )


async def record_act(
    connection: Connection,
    action: str,
    *,
    by: Principal,
    target: str,
    before: bytes | None = None,
    after: bytes | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Append an entry in the transaction of a driver connection; ``before``, ``after``: keyed digests."""
    await connection.execute(
        "INSERT INTO audit_entry (actor_id, credential, action, target, before_digest, after_digest, detail,"
        " correlation_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        by.user,
        str(by.credential),
        action,
        target,
        before,
        after,
        msgspec.json.encode(detail or {}).decode(),
        get_contextvars().get("correlation_id"),
    )
