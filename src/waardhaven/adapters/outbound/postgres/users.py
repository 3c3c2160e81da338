"""PostgresUsers: accounts as rows of app_user."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.errors import translated
from waardhaven.adapters.outbound.postgres.tables.people import app_user
from waardhaven.application.ports.users import Users
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId

_OPEN = app_user.c.deleted_at.is_(None)


class PostgresUsers(Users):
    """Accounts; the deleted ones stay in the table."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, user: User) -> None:
        """See Users."""
        with translated():
            async with self._connection.begin_nested():
                await self._connection.execute(insert(app_user).values(**_values(user)))

    async def by_id(self, user: UserId, *, lock: bool = False) -> User | None:
        """See Users."""
        return await self._one(and_(app_user.c.id == user, _OPEN), lock=lock)

    async def any_by_id(self, user: UserId, *, lock: bool = False) -> User | None:
        """See Users."""
        return await self._one(app_user.c.id == user, lock=lock)

    async def by_login(self, login: str) -> User | None:
        """See Users."""
        wanted = login.strip().lower()
        return await self._one(and_(or_(app_user.c.email == wanted, app_user.c.username == wanted), _OPEN))

    async def save(self, user: User) -> User:
        """See Users. A trigger counts the token version up."""
        values = {name: value for name, value in _values(user).items() if name not in {"id", "token_version"}}
        changed = update(app_user).where(app_user.c.id == user.id).values(**values).returning(app_user)
        with translated():
            async with self._connection.begin_nested():
                return _user((await self._connection.execute(changed)).one())

    async def lock_administrators(self) -> int:
        """See Users."""
        administers = and_(_OPEN, app_user.c.is_active, app_user.c.role == str(Role.ADMIN))
        query = select(app_user.c.id).where(administers).order_by(app_user.c.id).with_for_update()
        return len((await self._connection.execute(query)).all())

    async def by_usernames(self, names: Collection[str]) -> Mapping[str, UserId]:
        """See Users."""
        query = select(app_user.c.username, app_user.c.id).where(app_user.c.username.in_(names), _OPEN)
        with translated():
            return {name: UserId(user) for name, user in (await self._connection.execute(query)).all()}

    async def usernames(self, users: Collection[UserId]) -> Mapping[UserId, str]:
        """See Users."""
        query = select(app_user.c.id, app_user.c.username).where(app_user.c.id.in_(users), _OPEN)
        return {UserId(user): name for user, name in (await self._connection.execute(query)).all()}

    async def page(
        self,
        *,
        limit: int,
        after: UserId | None = None,
        role: Role | None = None,
        active: bool | None = None,
        deleted: bool = False,
        search: str | None = None,
    ) -> list[User]:
        """See Users."""
        conditions: list[ColumnElement[bool]] = [app_user.c.deleted_at.is_not(None) if deleted else _OPEN]
        if after is not None:
            conditions.append(app_user.c.id > after)
        if role is not None:
            conditions.append(app_user.c.role == str(role))
        if active is not None:
            conditions.append(app_user.c.is_active == active)
        if search:
            wanted = search.lower()
            conditions.append(
                or_(
                    app_user.c.email.contains(wanted, autoescape=True),
                    app_user.c.username.contains(wanted, autoescape=True),
                )
            )
        query = select(app_user).where(and_(*conditions)).order_by(app_user.c.id).limit(limit)
        with translated():
            return [_user(row) for row in (await self._connection.execute(query)).all()]

    async def _one(self, condition: ColumnElement[bool], *, lock: bool = False) -> User | None:
        query = select(app_user).where(condition)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        return None if row is None else _user(row)


def _values(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "password_hash": user.password_hash,
        "role": str(user.role),
        "is_active": user.is_active,
        "is_verified": user.is_verified,
        "token_version": user.token_version,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "deleted_at": user.deleted_at,
    }


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
        token_version=row.token_version,
    )
