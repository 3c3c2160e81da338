"""PostgresPriceImports: rows of price_import, whose steps a trigger watches."""

from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from waardhaven.adapters.outbound.postgres.audit import record_act
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.application.ports.price_imports import (
    ImportNotReady,
    PriceImport,
    PriceImports,
    UnknownImport,
)
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.market.imports import FileMapping, ImportState
from waardhaven.domain.types import ImportId, UserId, Vintage

_SELECT = """
SELECT id, state, name, digest, size, mapping::text AS mapping, report::text AS report, owner_id, created_at,
       vintage, undone_vintage
FROM price_import
"""
_MAPPING = msgspec.json.Decoder(FileMapping)
_REPORT = msgspec.json.Decoder(dict[str, object])
_OPEN = (ImportState.UPLOADED, ImportState.CHECKED, ImportState.REFUSED)


class PostgresPriceImports(PriceImports):
    """The record of imports; PostgresPriceStore moves them on to committed and undone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, record: PriceImport, *, by: Principal) -> None:
        """See PriceImports."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO price_import (id, state, name, digest, size, mapping, owner_id, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                record.id,
                str(record.state),
                record.name,
                record.digest,
                record.size,
                msgspec.json.encode(record.mapping).decode(),
                record.owner,
                record.created_at,
            )
            detail = {"name": record.name, "digest": record.digest, "size": record.size}
            await record_act(
                connection, "import.uploaded", by=by, target=f"import:{record.id}", detail=detail
            )

    async def get(self, id_: ImportId) -> PriceImport:
        """See PriceImports."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(f"{_SELECT} WHERE id = $1", id_)
        if row is None:
            raise _unknown()
        return _import(row)

    async def page(self, *, limit: int, before: ImportId | None = None) -> Sequence[PriceImport]:
        """See PriceImports."""
        where = "WHERE $2::uuid IS NULL OR id < $2 ORDER BY id DESC LIMIT $1"
        async with self._database.acquire() as connection:
            rows = await connection.fetch(f"{_SELECT} {where}", limit, before)
        return [_import(row) for row in rows]

    async def checked(self, id_: ImportId, *, mapping: FileMapping, report: Mapping[str, object]) -> None:
        """See PriceImports."""
        await self._judge(id_, ImportState.CHECKED, report, msgspec.json.encode(mapping).decode())

    async def refused(self, id_: ImportId, *, report: Mapping[str, object]) -> None:
        """See PriceImports."""
        await self._judge(id_, ImportState.REFUSED, report, None)

    async def _judge(
        self, id_: ImportId, state: ImportState, report: Mapping[str, object], mapping: str | None
    ) -> None:
        async with self._database.transaction() as connection:
            await _require(connection, id_, *_OPEN)
            await connection.execute(
                "UPDATE price_import SET state = $2, report = $3, mapping = coalesce($4::jsonb, mapping)"
                " WHERE id = $1",
                id_,
                str(state),
                msgspec.json.encode(report).decode(),
                mapping,
            )


async def require_checked(connection: Connection, id_: ImportId) -> None:
    """Hold an import that may be committed until the transaction ends; raise as PriceStore.write does."""
    await _require(connection, id_, ImportState.CHECKED)


async def require_committed(connection: Connection, id_: ImportId) -> Vintage | None:
    """Hold an import that may be undone and return the vintage of its commit; raise as PriceStore.undo."""
    row = await _require(connection, id_, ImportState.COMMITTED)
    return None if row["vintage"] is None else Vintage(row["vintage"])


async def mark_committed(connection: Connection, id_: ImportId, vintage: Vintage | None) -> None:
    """Record that the bars of an import are in the store."""
    await connection.execute(
        "UPDATE price_import SET state = 'committed', vintage = $2 WHERE id = $1", id_, vintage
    )


async def mark_undone(connection: Connection, id_: ImportId, vintage: Vintage | None) -> None:
    """Record that the bars before an import are back."""
    await connection.execute(
        "UPDATE price_import SET state = 'undone', undone_vintage = $2 WHERE id = $1", id_, vintage
    )


async def _require(connection: Connection, id_: ImportId, *states: ImportState) -> asyncpg.Record:
    row = await connection.fetchrow("SELECT state, vintage FROM price_import WHERE id = $1 FOR UPDATE", id_)
    if row is None:
        raise _unknown()
    if row["state"] not in states:
        raise ImportNotReady(
            f"The import is {row['state']}; this needs one that is {' or '.join(states)}.",
            context={"state": row["state"]},
        )
    return row


def _unknown() -> UnknownImport:
    return UnknownImport("There is no such import.")


def _import(row: asyncpg.Record) -> PriceImport:
    return PriceImport(
        id=ImportId(row["id"]),
        state=ImportState(row["state"]),
        name=row["name"],
        digest=row["digest"],
        size=row["size"],
        mapping=_MAPPING.decode(row["mapping"]),
        owner=None if row["owner_id"] is None else UserId(row["owner_id"]),
        created_at=row["created_at"],
        report=None if row["report"] is None else _REPORT.decode(row["report"]),
        vintage=row["vintage"],
        undone_vintage=row["undone_vintage"],
    )
