"""PostgresUsers: accounts as rows of app_user."""

from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.errors import translated
from waardhaven.adapters.outbound.postgres.tables.people import app_user
from waardhaven.application.ports.users import Users
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId


class PostgresUsers(Users):
    """Accounts; the deleted ones stay in the table and are never returned."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, user: User) -> None:
        """See Users."""
        with translated():
            await self._connection.execute(
                insert(app_user).values(
                    id=user.id,
                    email=user.email,
                    username=user.username,
                    password_hash=user.password_hash,
                    role=str(user.role),
                    is_active=user.is_active,
                    is_verified=user.is_verified,
                    created_at=user.created_at,
                    updated_at=user.updated_at,
                )
            )

    async def by_id(self, user: UserId) -> User | None:
        """See Users."""
        return await self._one(app_user.c.id == user)

    async def by_login(self, login: str) -> User | None:
        """See Users."""
        wanted = login.strip().lower()
        return await self._one(or_(app_user.c.email == wanted, app_user.c.username == wanted))

    async def update_password(self, user: UserId, password_hash: str) -> None:
        """See Users."""
        await self._connection.execute(
            update(app_user)
            .where(app_user.c.id == user)
            .values(password_hash=password_hash, updated_at=func.now())
        )

    async def administrators(self) -> int:
        """See Users."""
        active = app_user.c.is_active & app_user.c.deleted_at.is_(None)
        query = select(func.count()).where(active & (app_user.c.role == str(Role.ADMIN)))
        return int((await self._connection.execute(query)).scalar_one())

    async def _one(self, condition: ColumnElement[bool]) -> User | None:
        query = select(app_user).where(condition & app_user.c.deleted_at.is_(None))
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _user(row)


def _user(row: Row[Any]) -> User:
    return User(
        id=UserId(row.id),
        email=row.email,
        username=row.username,
        password_hash=row.password_hash,
        role=Role(row.role),
        is_active=row.is_active,
        is_verified=row.is_verified,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )
