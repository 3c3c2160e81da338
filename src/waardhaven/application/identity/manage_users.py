"""What administrators do with accounts."""

from dataclasses import dataclass, replace
from uuid import uuid4

from waardhaven.application.identity.administrators import require_another_administrator
from waardhaven.application.identity.queries import UnknownUser
from waardhaven.application.identity.register_user import InvalidRegistration
from waardhaven.application.identity.secrets import new_secret
from waardhaven.application.identity.views import NewUser, UserView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import PasswordHasher
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.errors import Conflict
from waardhaven.domain.events import UserChanged
from waardhaven.domain.identity.names import (
    broken_email_rules,
    broken_username_rules,
    normalised,
    username_from,
)
from waardhaven.domain.identity.roles import Permission, Principal, Role
from waardhaven.domain.identity.session import EndReason
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId

PASSWORD_LENGTH = 24
"""Of 64 letters: 144 random bits."""


class StillOpen(Conflict):
    """Only a closed account can be erased."""


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Make an account for somebody, with a generated password that is told once."""

    uow: UnitOfWork
    hasher: PasswordHasher
    clock: Clock

    async def __call__(
        self, by: Principal, *, email: str, username: str | None = None, role: Role = Role.VIEWER
    ) -> NewUser:
        """Raise InvalidRegistration, EmailTaken or UsernameTaken."""
        by.require(Permission.MANAGE_USERS)
        email, name = normalised(email), normalised(username or username_from(normalised(email)))
        if errors := [*broken_email_rules(email), *broken_username_rules(name)]:
            raise InvalidRegistration("The account breaks a rule.", errors=errors)
        password, now = new_secret()[:PASSWORD_LENGTH], self.clock.now()
        user = User(
            id=UserId(uuid4()),
            email=email,
            username=name,
            password_hash=await self.hasher.hash(password),
            role=role,
            is_active=True,
            is_verified=True,
            created_at=now,
            updated_at=now,
        )
        async with self.uow() as tx:
            await tx.users.add(user)
            await tx.audit.record("user.created", by=by, target=f"user:{user.id}", after=user.audited())
            await tx.commit()
        return NewUser(id=user.id, email=email, username=name, role=str(role), password=password)


@dataclass(frozen=True, slots=True)
class ManageUser:
    """Change the role of an account, or close and open it to its owner.

    Both take effect at once for new logins and within 5 seconds for access tokens under way. The last
    active administrator stays one.
    """

    uow: UnitOfWork
    clock: Clock

    async def __call__(
        self, by: Principal, user: UserId, *, role: Role | None = None, active: bool | None = None
    ) -> UserView:
        """Return the account; None leaves as it is. Raise UnknownUser or LastAdministrator."""
        by.require(Permission.MANAGE_USERS)
        async with self.uow() as tx:
            present = await _present(tx, user)
            changed = replace(
                present,
                role=role or present.role,
                is_active=present.is_active if active is None else active,
                updated_at=self.clock.now(),
            )
            if changed.role is not Role.ADMIN or not changed.is_active:
                await require_another_administrator(tx, present)
            saved = await tx.users.save(changed)
            if not saved.is_active:
                await tx.sessions.end(user, EndReason.REVOKED, at=changed.updated_at)
            await tx.audit.record(
                "user.managed",
                by=by,
                target=f"user:{user}",
                before=present.audited(),
                after=saved.audited(),
                detail={"role": str(saved.role), "is_active": saved.is_active},
            )
            await tx.emit(UserChanged(user=user))
            await tx.commit()
        return UserView.of(saved)


@dataclass(frozen=True, slots=True)
class FindUser:
    """The account of an e-mail address or username, for administrators."""

    uow: UnitOfWork

    async def __call__(self, by: Principal, *, login: str) -> UserView:
        """Raise UnknownUser."""
        by.require(Permission.MANAGE_USERS)
        async with self.uow() as tx:
            found = await tx.users.by_login(normalised(login))
        if found is None:
            raise UnknownUser(f"There is no account {login!r}.")
        return UserView.of(found)


@dataclass(frozen=True, slots=True)
class EraseUser:
    """Erase what is personal in a closed account: address, name, password, links, devices, mails.

    Its id stays, so that the audit trail and what the account owned still name one and the same
    nobody; the trail itself never held more than ids and keyed digests.
    """

    uow: UnitOfWork
    clock: Clock

    async def __call__(self, by: Principal, user: UserId) -> None:
        """Erasing twice changes nothing. Raise UnknownUser or StillOpen."""
        by.require(Permission.MANAGE_USERS)
        now = self.clock.now()
        async with self.uow() as tx:
            present = await tx.users.any_by_id(user, lock=True)
            if present is None:
                raise UnknownUser("There is no account with that id.")
            if present.deleted_at is None:
                raise StillOpen("Close the account first: an open one can not be erased.")
            name = f"erased-{user.hex}"
            erased = replace(
                present,
                email=f"{name}@invalid",
                username=name,
                password_hash=None,
                is_active=False,
                updated_at=now,
            )
            await tx.users.save(erased)
            await tx.sessions.forget(user)
            await tx.one_time_tokens.void(user, at=now)
            await tx.mailbox.forget(user, at=now)
            await tx.links.forget(user)
            await tx.audit.record("user.erased", by=by, target=f"user:{user}", before=present.audited())
            await tx.commit()


async def _present(tx: Transaction, user: UserId) -> User:
    found = await tx.users.by_id(user, lock=True)
    if found is None:
        raise UnknownUser("There is no open account with that id.")
    return found
