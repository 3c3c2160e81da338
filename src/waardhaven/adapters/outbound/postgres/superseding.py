"""Small facts superseded in place of being overwritten.

Each kind of fact is staged from arrays, compared with what is current, and only differences are
written: the former row gets ``vintage_to``, the new one ``vintage_from``, both the same vintage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.adapters.outbound.postgres.vintages import emit, next_vintage
from waardhaven.application.ports.price_store import WriteReport
from waardhaven.domain.events import FactsCommitted


@dataclass(frozen=True, slots=True, kw_only=True)
class FactKind:
    """How one table of small facts is keyed, compared and told of. Types are PostgreSQL's.

    ``stands``: when a current row ``f`` is kept against one that says otherwise, ``s``.
    """

    table: str
    what: str
    key: Mapping[str, str]
    values: Mapping[str, str]
    stands: str = "false"

    @property
    def columns(self) -> dict[str, str]:
        """Key and value columns with their types."""
        return {**self.key, **self.values}


async def supersede(
    connection: Connection, kind: FactKind, rows: Mapping[str, Sequence[object]], *, note: str, ends: str = ""
) -> WriteReport:
    """Write the facts that are new or differ; ``ends`` is a condition on current rows left out.

    The caller holds the facts lock. Rows are parallel columns; a repeated key is an error of the
    database. Returns the counts and the vintage, None when nothing differed.
    """
    stage = ", ".join(f"{name} {kind_}" for name, kind_ in kind.columns.items())
    names = ", ".join(kind.columns)
    await connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS fact_{kind.table} ({stage}) ON COMMIT DROP")
    unnest = ", ".join(f"${n}::{kind_}[]" for n, kind_ in enumerate(kind.columns.values(), start=1))
    await connection.execute(
        f"INSERT INTO fact_{kind.table} ({names}) SELECT * FROM unnest({unnest})",
        *(list(rows[name]) for name in kind.columns),
    )
    # Nobody has told the planner of the table yet: of ten thousand rows it would compare each with each.
    await connection.execute(f"ANALYZE fact_{kind.table}")
    counts = await connection.fetchrow(_count(kind, ends))
    inserted, differing, total = counts["inserted"], counts["changed"], counts["total"]
    changed = differing + counts["ended"]
    vintage = None
    if inserted or changed:
        vintage = await next_vintage(connection, note)
        if differing:
            await connection.execute(_close_differing(kind), vintage)
        if counts["ended"]:
            await connection.execute(_close_absent(kind, ends), vintage)
        await connection.execute(_open(kind), vintage)
        event = FactsCommitted(what=kind.what, vintage=vintage, inserted=inserted, changed=changed)
        await emit(connection, event)
    await connection.execute(f"DROP TABLE fact_{kind.table}")
    return WriteReport(
        inserted=inserted, changed=changed, unchanged=total - inserted - differing, vintage=vintage
    )


def _matches(kind: FactKind) -> str:
    return " AND ".join(f"f.{name} = s.{name}" for name in kind.key)


def _differs(kind: FactKind) -> str:
    left, right = (", ".join(f"{side}.{name}" for name in kind.values) for side in "fs")
    return f"ROW({left}) IS DISTINCT FROM ROW({right}) AND NOT ({kind.stands})"


def _absent(kind: FactKind, ends: str) -> str:
    if not ends:
        return "false"
    return f"({ends}) AND NOT EXISTS (SELECT FROM fact_{kind.table} s WHERE {_matches(kind)})"


def _count(kind: FactKind, ends: str) -> str:
    first = next(iter(kind.key))
    return f"""
        SELECT count(*) FILTER (WHERE f.{first} IS NULL) AS inserted,
               count(*) FILTER (WHERE f.{first} IS NOT NULL AND {_differs(kind)}) AS changed,
               count(*) AS total,
               (SELECT count(*) FROM {kind.table} f
                WHERE f.vintage_to IS NULL AND {_absent(kind, ends)}) AS ended
        FROM fact_{kind.table} s
        LEFT JOIN {kind.table} f ON {_matches(kind)} AND f.vintage_to IS NULL
    """


def _close_differing(kind: FactKind) -> str:
    return f"""
        UPDATE {kind.table} f SET vintage_to = $1 FROM fact_{kind.table} s
        WHERE f.vintage_to IS NULL AND {_matches(kind)} AND {_differs(kind)}
    """


def _close_absent(kind: FactKind, ends: str) -> str:
    return f"""
        UPDATE {kind.table} f SET vintage_to = $1 WHERE f.vintage_to IS NULL AND {_absent(kind, ends)}
    """


def _open(kind: FactKind) -> str:
    names = ", ".join(kind.columns)
    taken = ", ".join(f"s.{name}" for name in kind.columns)
    return f"""
        INSERT INTO {kind.table} ({names}, vintage_from) SELECT {taken}, $1 FROM fact_{kind.table} s
        WHERE NOT EXISTS (SELECT FROM {kind.table} f WHERE {_matches(kind)} AND f.vintage_to IS NULL)
    """
