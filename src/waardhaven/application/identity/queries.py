"""Reads of identity."""

from dataclasses import dataclass
from uuid import UUID

from waardhaven.application.identity.owner import Owner
from waardhaven.application.identity.views import ApiKeyView, MeView, SessionView, UserPage, UserView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import FieldError, Invalid, NotFound
from waardhaven.domain.identity.roles import PERMISSIONS, Permission, Principal, Role
from waardhaven.domain.types import UserId


class UnknownUser(NotFound):
    """There is no account with that id."""


class InvalidCursor(Invalid):
    """The cursor is not one a page was answered with."""


@dataclass(frozen=True, slots=True)
class ViewMe:
    """Show callers their own account; everybody may see themselves."""

    owner: Owner
    uow: UnitOfWork

    async def __call__(self, by: Principal) -> MeView:
        """Return the caller's account; raise AccountClosed."""
        user = await self.owner.account(by)
        async with self.uow() as tx:
            providers = await tx.links.of_user(user.id)
        return MeView(
            id=user.id,
            email=user.email,
            username=user.username,
            role=str(user.role),
            permissions=tuple(sorted(PERMISSIONS[user.role])),
            is_verified=user.is_verified,
            has_password=user.password_hash is not None,
            providers=tuple(providers),
            created_at=user.created_at,
            updated_at=user.updated_at,
        )


@dataclass(frozen=True, slots=True)
class ListSessions:
    """The caller's open sessions, the last used first."""

    uow: UnitOfWork
    clock: Clock

    async def __call__(self, by: Principal) -> tuple[SessionView, ...]:
        """Return them all."""
        async with self.uow() as tx:
            found = await tx.sessions.of_user(by.person(), now=self.clock.now())
        return tuple(SessionView.of(one, by.session) for one in found)


@dataclass(frozen=True, slots=True)
class ListApiKeys:
    """The caller's API keys, the newest first, revoked ones included."""

    uow: UnitOfWork

    async def __call__(self, by: Principal) -> tuple[ApiKeyView, ...]:
        """Return them all."""
        async with self.uow() as tx:
            found = await tx.api_keys.of_user(by.person())
        return tuple(ApiKeyView.of(one) for one in found)


@dataclass(frozen=True, slots=True)
class ListUsers:
    """All accounts, for administrators."""

    uow: UnitOfWork

    async def __call__(
        self,
        by: Principal,
        *,
        limit: int = 50,
        cursor: str | None = None,
        role: Role | None = None,
        active: bool | None = None,
        deleted: bool = False,
        search: str | None = None,
    ) -> UserPage:
        """Return a page by id; ``search`` is a part of the address or username."""
        by.require(Permission.MANAGE_USERS)
        async with self.uow() as tx:
            found = await tx.users.page(
                limit=limit + 1,
                after=_cursor(cursor),
                role=role,
                active=active,
                deleted=deleted,
                search=search,
            )
        more = len(found) > limit
        items = tuple(UserView.of(one) for one in found[:limit])
        return UserPage(items=items, next_cursor=str(items[-1].id) if more else None)


@dataclass(frozen=True, slots=True)
class ViewUser:
    """One account, for administrators; closed ones too."""

    uow: UnitOfWork

    async def __call__(self, by: Principal, user: UserId) -> UserView:
        """Raise UnknownUser."""
        by.require(Permission.MANAGE_USERS)
        async with self.uow() as tx:
            found = await tx.users.any_by_id(user)
        if found is None:
            raise UnknownUser("There is no account with that id.")
        return UserView.of(found)


def _cursor(cursor: str | None) -> UserId | None:
    try:
        return None if cursor is None else UserId(UUID(cursor))
    except ValueError as error:
        rule = FieldError(field="cursor", rule="must be the next_cursor of the page before")
        raise InvalidCursor("The cursor is not valid.", errors=[rule]) from error
