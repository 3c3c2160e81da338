"""A build with its columns, its publication and what tells of both: two statements; COPY for a large one."""

from collections.abc import AsyncIterator, Sequence
from itertools import accumulate
from math import isnan

import asyncpg

from waardhaven.adapters.outbound.postgres import build_columns
from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.adapters.outbound.postgres.journal import Act, journal, values
from waardhaven.application.ports.build_store import PublicationDraft
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.domain.events import BuildFinished, IndexPublished
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build_record import BuildRecord
from waardhaven.domain.index.trials import session_ratio
from waardhaven.domain.types import as_date

_STORE = """
WITH stored AS (
    INSERT INTO build (id, index_id, definition_version, vintage, code_version, code_digest, fingerprint,
                       input_hash, restates, opened_from, start_day, through_day, sessions, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (id) DO NOTHING RETURNING id
), columns AS (
    INSERT INTO build_column (build_id, name, dtype, n, data)
    SELECT s.id, c.name, c.dtype, c.n::int, substring($19::bytea FROM c.first::int FOR c.size::int)
    FROM stored s, unnest($15::text[], $16::text[], $17::text[], $18::text[], $20::text[])
        c (name, dtype, n, first, size)
), tried AS (
    INSERT INTO trial (index_id, variant, ratio)
    SELECT d.index_id, rule_variant(d.rules), $22
    FROM stored CROSS JOIN index_definition d WHERE d.index_id = $2 AND d.version = $3
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM stored) AS stored,
       CASE WHEN $21 THEN nextval(pg_get_serial_sequence('publication', 'id')) ELSE 0 END AS number
"""
_TELL = f"WITH {journal(1)} SELECT"
_PUBLISH = f"""
WITH fresh AS (
    INSERT INTO publication (id, index_id, build_id, kind, follows, from_day, through_day, announced_at,
                             effective_at, reason)
    OVERRIDING SYSTEM VALUE
    SELECT $9, $1, $2, $3, $4, $5, $6, t.instant, greatest(t.instant, $8), $7
    FROM (
        SELECT greatest(clock_timestamp(), max(announced_at) + interval '1 microsecond') AS instant,
               max(id) AS newest
        FROM publication WHERE index_id = $1
    ) t
    WHERE t.newest IS NOT DISTINCT FROM $4
    ON CONFLICT DO NOTHING RETURNING *
), unmeasured AS (
    INSERT INTO publication_to_measure (publication_id, due_at) SELECT id, effective_at FROM fresh
), {journal(10, "EXISTS (SELECT FROM fresh)")}
SELECT * FROM fresh
"""
_NUMBER = "SELECT nextval(pg_get_serial_sequence('publication', 'id'))"
_SMALL = 65_536
"""Bytes of columns that go along with the build; more are copied."""
_PIECE = 65_536
"""Bytes in one message of COPY: what the driver keeps of one that the server does not take yet is moved."""
_HEAD, _TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_NAMES = ["build_id", "name", "dtype", "n", "data"]


async def store(connection: Connection, build: BuildRecord, *, numbered: bool) -> tuple[bool, int]:
    """Add a build with its columns in the transaction of the caller.

    Return whether it was not there, and with ``numbered`` the number for its publication, 0 without.
    """
    rows = build_columns.to_rows(build)
    small = sum(len(data) for _, _, _, data in rows) <= _SMALL
    found = await connection.fetchrow(
        _STORE, *_build_row(build), *_along(rows if small else ()), numbered, _ratio(build)
    )
    if found["stored"] and not small:
        await connection.copy_to_table(
            "build_column", source=_messages(build, rows), columns=_NAMES, format="binary"
        )
    return found["stored"], found["number"]


def _along(rows: Sequence[build_columns.Column]) -> list[object]:
    """Return columns as parameters: their bytes one after the other, and where each begins (from 1)."""
    sizes = [len(data) for _, _, _, data in rows]
    return [
        [name for name, _, _, _ in rows],
        [dtype for _, dtype, _, _ in rows],
        [str(n) for _, _, n, _ in rows],
        [str(end - size + 1) for end, size in zip(accumulate(sizes), sizes, strict=True)],
        b"".join(data for _, _, _, data in rows),
        [str(size) for size in sizes],
    ]


async def _messages(
    build: BuildRecord, rows: Sequence[build_columns.Column]
) -> AsyncIterator[bytes | memoryview]:
    """Yield the columns in the binary format of COPY, a large one in pieces."""
    yield _HEAD
    for name, dtype, n, data in rows:
        fields = (build.id.bytes, name.encode(), dtype.encode(), n.to_bytes(4))
        parts = [piece for field in fields for piece in (len(field).to_bytes(4), field)]
        yield b"".join([(5).to_bytes(2), *parts, len(data).to_bytes(4)])
        for first in range(0, len(data), _PIECE):
            yield memoryview(data)[first : first + _PIECE]
    yield _TAIL


async def tell(connection: Connection, acts: Sequence[Act]) -> None:
    """Record acts in the transaction of the caller."""
    await connection.execute(_TELL, *values(acts, certain=len(acts)))


async def draw_number(connection: Connection) -> int:
    """Return the number of the next publication."""
    return int(await connection.fetchval(_NUMBER))


async def publish(
    connection: Connection, draft: PublicationDraft, number: int, acts: Sequence[Act]
) -> asyncpg.Record | None:
    """Append a publication and record ``acts``, the last of them only if it was appended.

    None: the build is published already, or the newest publication is not the one it follows. Whoever
    publishes at the same time is waited for: (index, follows) is unique.
    """
    return await connection.fetchrow(
        _PUBLISH,
        draft.index,
        draft.build,
        str(draft.kind),
        draft.follows,
        draft.from_day,
        draft.through_day,
        draft.reason,
        draft.effective_at,
        number,
        *values(acts, certain=len(acts) - 1),
    )


def built(build: BuildRecord, by: Principal, pseudonyms: Pseudonyms) -> Act:
    """Return the act of storing a build."""
    return Act(
        action="index.built",
        by=by,
        target=f"build:{build.id}",
        event=BuildFinished(build=build.id, index=int(build.index)),
        after=pseudonyms.of_state(_state(build)),
        detail={"index": int(build.index), "vintage": int(build.provenance.vintage)},
    )


def published(draft: PublicationDraft, number: int, by: Principal, pseudonyms: Pseudonyms) -> Act:
    """Return the act of publishing: what is official is told by the number of the newest publication."""
    before = None if draft.follows is None else pseudonyms.of_state({"publication": draft.follows})
    return Act(
        action="index.published",
        by=by,
        target=f"index:{draft.index}",
        event=IndexPublished(publication=number, index=int(draft.index)),
        before=before,
        after=pseudonyms.of_state({"publication": number}),
        detail={"publication": number, "build": str(draft.build), "kind": str(draft.kind)},
    )


def _build_row(build: BuildRecord) -> tuple[object, ...]:
    made = build.provenance
    opened = None if build.opening is None else as_date(build.opening.day)
    return (
        build.id,
        build.index,
        made.definition_version,
        made.vintage,
        made.code.package,
        made.code.digest,
        made.code.fingerprint,
        made.input_hash,
        build.restates,
        opened,
        build.start,
        build.through,
        len(build.result.levels),
        build.created_at,
    )


def _ratio(build: BuildRecord) -> float | None:
    ratio = session_ratio(build.result.levels.level)
    return None if isnan(ratio) else ratio


def _state(build: BuildRecord) -> dict[str, object]:
    """Return what a build is determined by: the same rules, facts and code give the same figures."""
    made = build.provenance
    return {
        "index": int(build.index),
        "definition_version": made.definition_version,
        "input_hash": made.input_hash,
        "code": made.code.digest,
        "restates": build.restates,
        "through": str(build.through),
    }
