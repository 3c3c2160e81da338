"""COPY BINARY from and to numpy: fixed-width records, no Python object for a row.

Layout of the format: https://www.postgresql.org/docs/current/sql-copy.html (Binary Format).
Every column is NOT NULL, so all records of a table have one width and a structured array is the
record itself, in network byte order.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from waardhaven.adapters.outbound.postgres.engine import Connection

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + b"\0\0\0\0" + b"\0\0\0\0"
_TRAILER = b"\xff\xff"
_ROWS_PER_BLOCK = 2_048
_ROWS_PER_STATEMENT = 100_000
_FEW_ROWS = 25_000
_MEMORY = "SET LOCAL work_mem = '16MB'"
"""What the triggers of a large table look at in one go, about 100 bytes a row, stays in memory."""
_PG_EPOCH = np.datetime64("2000-01-01", "D")
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a record: its name and its big-endian numpy type."""

    name: str
    kind: str
    is_day: bool = False


def day(name: str) -> Field:
    """Return a ``date`` column; numpy side ``datetime64[D]``."""
    return Field(name, ">i4", is_day=True)


def bigint(name: str) -> Field:
    """Return a ``bigint`` column."""
    return Field(name, ">i8")


def double(name: str) -> Field:
    """Return a ``double precision`` column; NaN travels as NaN."""
    return Field(name, ">f8")


def place(name: str) -> Field:
    """Return a ``tid`` column, where a row lies; numpy side six bytes that only go back as they came."""
    return Field(name, "V6")


def _record(fields: Sequence[Field]) -> np.dtype[np.void]:
    parts: list[tuple[str, str]] = [("_fields", ">i2")]
    for field in fields:
        parts += [(f"_{field.name}", ">i4"), (field.name, field.kind)]
    return np.dtype(parts)


async def _blocks(fields: Sequence[Field], columns: Mapping[str, Array]) -> AsyncIterator[bytes]:
    record = _record(fields)
    total = len(columns[fields[0].name])
    buffer = np.zeros(min(_ROWS_PER_BLOCK, max(total, 1)), dtype=record)
    buffer["_fields"] = len(fields)
    for field in fields:
        buffer[f"_{field.name}"] = np.dtype(field.kind).itemsize
    yield _SIGNATURE
    for first in range(0, total, _ROWS_PER_BLOCK):
        rows = buffer[: min(_ROWS_PER_BLOCK, total - first)]
        for field in fields:
            values = columns[field.name][first : first + len(rows)]
            rows[field.name] = (values - _PG_EPOCH).astype(np.int32) if field.is_day else values
        yield rows.tobytes()
    yield _TRAILER


async def copy_in(
    connection: Connection, table: str, fields: Sequence[Field], columns: Mapping[str, Array]
) -> None:
    """Append the columns to a table. The transaction is the caller's, the memory for it set to its end."""
    names = [field.name for field in fields]
    total = len(columns[names[0]])
    if total > _FEW_ROWS:
        await connection.execute(_MEMORY)
    for first in range(0, total, _ROWS_PER_STATEMENT):
        part = {name: columns[name][first : first + _ROWS_PER_STATEMENT] for name in names}
        await connection.copy_to_table(table, source=_blocks(fields, part), columns=names, format="binary")


async def copy_out(connection: Connection, query: str, fields: Sequence[Field]) -> dict[str, Array]:
    """Return the rows of ``query`` as native columns by name; the query must select ``fields`` in order.

    ``query`` is built by this package from numbers and dates only: COPY takes no parameters.
    """
    received = bytearray()

    async def keep(data: bytes) -> None:
        received.extend(data)

    await connection.copy_from_query(query, output=keep, format="binary")
    body = memoryview(received)[len(_SIGNATURE) : len(received) - len(_TRAILER)]
    rows = np.frombuffer(body, dtype=_record(fields))
    return {field.name: _native(rows[field.name], field) for field in fields}


def _native(values: Array, field: Field) -> Array:
    plain = values.astype(np.dtype(field.kind).newbyteorder("="))
    return _PG_EPOCH + plain.astype("timedelta64[D]") if field.is_day else plain
