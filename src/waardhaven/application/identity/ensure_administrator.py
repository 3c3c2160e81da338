"""Make sure that somebody can administer the system."""

import secrets
from dataclasses import dataclass
from uuid import uuid4

from waardhaven.application.identity.register_user import InvalidRegistration
from waardhaven.application.identity.views import NewAdministrator
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import PasswordHasher
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.identity.names import broken_email_rules, normalised
from waardhaven.domain.identity.roles import Permission, Principal, Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId

PASSWORD_BYTES = 18
"""144 random bits, 24 characters."""


@dataclass(frozen=True, slots=True)
class EnsureAdministrator:
    """Create the first administrator with a generated password, unless an active one exists.

    The password is returned once and only its hash is kept. Asking again changes nothing.
    """

    uow: UnitOfWork
    hasher: PasswordHasher
    clock: Clock

    async def __call__(
        self, by: Principal, *, email: str = "admin@localhost", username: str = "admin"
    ) -> NewAdministrator | None:
        """Return the new account with its password, None when there is an administrator already."""
        by.require(Permission.MANAGE_USERS)
        email = normalised(email)
        if errors := broken_email_rules(email):
            raise InvalidRegistration("The administrator needs an e-mail address.", errors=errors)
        async with self.uow() as tx:
            if await tx.users.lock_administrators():
                return None
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        user = await self._user(email, username, password)
        async with self.uow() as tx:
            if await tx.users.lock_administrators():
                return None
            await tx.users.add(user)
            await tx.audit.record(
                "user.administrator_created", by=by, target=f"user:{user.id}", after=user.audited()
            )
            await tx.commit()
        return NewAdministrator(email=email, username=username, password=password)

    async def _user(self, email: str, username: str, password: str) -> User:
        now = self.clock.now()
        return User(
            id=UserId(uuid4()),
            email=email,
            username=username,
            password_hash=await self.hasher.hash(password),
            role=Role.ADMIN,
            is_active=True,
            is_verified=True,
            created_at=now,
            updated_at=now,
        )
