"""PostgresAccessRules: owner and visibility beside the thing, grants as rows of resource_grant."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.tables.indexes import market_index
from waardhaven.adapters.outbound.postgres.tables.people import resource_grant
from waardhaven.application.ports.access_rules import AccessRules, Governed, Kind
from waardhaven.domain.identity.access import Access, Right, Visibility
from waardhaven.domain.types import UserId

THINGS: Mapping[Kind, tuple[Table, str]] = {Kind.INDEX: (market_index, "slug")}
"""Where each kind of thing lives (with ``owner_id``, ``visibility`` and ``deleted_at``), and its name."""


def access_columns(kind: str, thing: str) -> str:
    """Return the SQL of the columns that ``access_of`` reads."""
    grants = f"SELECT jsonb_object_agg(g.user_id, g.right) FROM resource_grant g {_belongs(kind, thing)}"
    return f"{thing}.owner_id, {thing}.visibility, ({grants})::text AS grants"


def access_of(row: Mapping[str, Any]) -> Access:
    """Return the access rules in a row with the columns of ``access_columns``."""
    grants = json.loads(row["grants"] or "{}")
    return Access(
        owner=None if row["owner_id"] is None else UserId(row["owner_id"]),
        visibility=Visibility(row["visibility"]),
        shared_with={UserId(UUID(user)): Right(right) for user, right in grants.items()},
    )


def readable_by(kind: str, thing: str, governs: str, user: str) -> str:
    """Return the SQL of ``Access.may_read`` for lists; ``governs`` and ``user`` are placeholders."""
    shared = f"EXISTS (SELECT FROM resource_grant g {_belongs(kind, thing)} AND g.user_id = {user}::uuid)"
    return (
        f"({governs}::bool OR {thing}.visibility = 'public' OR {thing}.owner_id = {user}::uuid"
        f" OR ({thing}.visibility = 'shared' AND {shared}))"
    )


def _belongs(kind: str, thing: str) -> str:
    return f"WHERE g.kind = '{kind}' AND g.resource_id = {thing}.id::text"


class PostgresAccessRules(AccessRules):
    """What was granted and taken back is in the audit trail."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, kind: Kind, name: str) -> Governed | None:
        """See AccessRules."""
        table, named = THINGS[kind]
        query = select(table.c.id, table.c.owner_id, table.c.visibility).where(
            table.c[named] == name, table.c.deleted_at.is_(None)
        )
        row = (await self._connection.execute(query.with_for_update())).one_or_none()
        if row is None:
            return None
        access = Access(
            owner=row.owner_id,
            visibility=Visibility(row.visibility),
            shared_with=await self._grants(kind, str(row.id)),
        )
        return Governed(id=str(row.id), access=access)

    async def change(self, kind: Kind, thing: str, access: Access, *, by: UserId | None) -> None:
        """See AccessRules."""
        table, _ = THINGS[kind]
        key = table.c.id.type.python_type(thing)
        await self._connection.execute(
            update(table).where(table.c.id == key).values(visibility=str(access.visibility))
        )
        mine = (resource_grant.c.kind == str(kind), resource_grant.c.resource_id == thing)
        await self._connection.execute(delete(resource_grant).where(*mine))
        if access.shared_with:
            same = {"kind": str(kind), "resource_id": thing, "granted_by": by}
            rows = [same | {"user_id": user, "right": str(one)} for user, one in access.shared_with.items()]
            await self._connection.execute(insert(resource_grant), rows)

    async def _grants(self, kind: Kind, thing: str) -> dict[UserId, Right]:
        table = resource_grant
        query = select(table.c.user_id, table.c.right).where(
            table.c.kind == str(kind), table.c.resource_id == thing
        )
        rows = (await self._connection.execute(query)).all()
        return {UserId(row.user_id): Right(row.right) for row in rows}
