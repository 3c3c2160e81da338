"""Vintages and events: every commit of facts takes the next number, in commit order."""

import msgspec
from structlog.contextvars import get_contextvars

from waardhaven.adapters.outbound.postgres.audit import record_act
from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.domain.events import Event
from waardhaven.domain.identity.roles import SYSTEM
from waardhaven.domain.types import Vintage


async def lock_facts(connection: Connection) -> None:
    """Let one writer of facts at a time through, until the transaction ends."""
    await connection.execute("SELECT lock_facts()")


async def next_vintage(connection: Connection, note: str) -> Vintage:
    """Return a new vintage, recorded in the audit trail; both become visible with the transaction."""
    vintage = Vintage(await connection.fetchval("SELECT next_vintage($1)", note))
    await record_act(connection, "market.committed", by=SYSTEM, target=f"vintage:{vintage}")
    return vintage


async def emit(connection: Connection, event: Event) -> None:
    """Put an event in the outbox; listeners hear of it when the transaction commits."""
    await connection.execute(
        "INSERT INTO outbox (kind, payload, correlation_id) VALUES ($1, $2, $3)",
        event.kind,
        msgspec.json.encode(event.payload()).decode(),
        get_contextvars().get("correlation_id"),
    )


def known(vintage: str) -> str:
    """Return the condition that a fact was known at the vintage parameter (null: now)."""
    return (
        f"CASE WHEN {vintage}::bigint IS NULL THEN vintage_to IS NULL "
        f"ELSE vintage_from <= {vintage} AND (vintage_to IS NULL OR vintage_to > {vintage}) END"
    )
