"""Statements of the driver inside a unit of work: texts that are shared with connections beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.errors import translated


async def fetch(connection: AsyncConnection, statement: str, *values: object) -> Sequence[Mapping[Any, Any]]:
    """Run a statement with ``$1`` … for its values and return its rows by name; failures are our errors."""
    with translated():
        found = await connection.exec_driver_sql(statement, values)
        return found.mappings().all() if found.returns_rows else ()
