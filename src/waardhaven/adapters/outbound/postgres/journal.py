"""What a change leaves behind, audit entries and events, in one statement with it or after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from structlog.contextvars import get_contextvars

from waardhaven.domain.events import Event
from waardhaven.domain.identity.roles import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An entry of the audit trail with the event that tells of it; ``before``, ``after``: keyed digests."""

    action: str
    by: Principal
    target: str
    event: Event
    before: bytes | None = None
    after: bytes | None = None
    detail: Mapping[str, object]


def journal(first: int, condition: str = "true") -> str:
    """Return the common table expressions that record acts; ``values`` are their parameters from ``first``.

    Everything is sent as texts: the driver asks the server about arrays of other types, once a connection.
    Events come last: their trigger holds the row of the generation until the transaction ends.
    """
    at = [f"${first + place}" for place in range(10)]
    columns = ", ".join(f"{one}::text[]" for one in at[:8])
    return f"""
act AS (
    SELECT * FROM unnest({columns})
        WITH ORDINALITY a (actor, credential, action, target, former, later, detail, event, place)
    WHERE a.place <= {at[8]} OR {condition}
), recorded AS (
    INSERT INTO audit_entry
        (actor_id, credential, action, target, before_digest, after_digest, detail, correlation_id)
    SELECT actor::uuid, credential, action, target, decode(former, 'hex'), decode(later, 'hex'),
           detail::jsonb, {at[9]}::text
    FROM act ORDER BY place
), told AS (
    INSERT INTO outbox (kind, payload, correlation_id)
    SELECT event::jsonb ->> 'kind', event::jsonb -> 'payload', {at[9]}::text FROM act ORDER BY place
)
"""


def values(acts: Sequence[Act], *, certain: int) -> list[object]:
    """Return the parameters of ``journal``; ``certain``: how many of the first need no condition."""
    return [
        [None if one.by.user is None else str(one.by.user) for one in acts],
        [str(one.by.credential) for one in acts],
        [one.action for one in acts],
        [one.target for one in acts],
        [None if one.before is None else one.before.hex() for one in acts],
        [None if one.after is None else one.after.hex() for one in acts],
        [_json(one.detail) for one in acts],
        [_json({"kind": one.event.kind, "payload": one.event.payload()}) for one in acts],
        certain,
        get_contextvars().get("correlation_id"),
    ]


def _json(value: Mapping[str, object]) -> str:
    return msgspec.json.encode(value).decode()
