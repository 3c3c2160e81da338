"""Open an account."""

from dataclasses import dataclass
from uuid import uuid4

from waardhaven.application.identity.views import UserView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import PasswordHasher
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.application.ports.users import UsernameTaken
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.names import (
    broken_email_rules,
    broken_username_rules,
    normalised,
    username_from,
)
from waardhaven.domain.identity.password import broken_password_rules
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId

DERIVED_NAMES = 4
"""How many usernames are tried when the caller chose none."""


class InvalidRegistration(Invalid):
    """The e-mail address, username or password breaks a rule."""


@dataclass(frozen=True, slots=True)
class RegisterUser:
    """Open an account that may read.

    The e-mail address is kept in lower case and must be new, ignoring case. Without a username one is
    derived from the address. The password has 10 to 128 characters and is not one that everybody
    tries first. The hash is computed before the address is looked at, so the time tells nothing.
    """

    uow: UnitOfWork
    hasher: PasswordHasher
    clock: Clock

    async def __call__(self, *, email: str, password: str, username: str | None = None) -> UserView:
        """Return the new account; raise InvalidRegistration, EmailTaken or UsernameTaken."""
        email = normalised(email)
        chosen = normalised(username) if username else None
        errors = [
            *broken_email_rules(email),
            *(broken_username_rules(chosen) if chosen is not None else ()),
            *broken_password_rules(password, email=email),
        ]
        if errors:
            raise InvalidRegistration("The registration breaks a rule.", errors=errors)
        password_hash = await self.hasher.hash(password)
        for name in [chosen] if chosen else _derived(email):
            try:
                return await self._add(email, name, password_hash)
            except UsernameTaken:
                if chosen:
                    raise
        raise UsernameTaken("No free username could be derived from the address: choose one.")

    async def _add(self, email: str, username: str, password_hash: str) -> UserView:
        now = self.clock.now()
        user = User(
            id=UserId(uuid4()),
            email=email,
            username=username,
            password_hash=password_hash,
            role=Role.VIEWER,
            is_active=True,
            is_verified=False,
            created_at=now,
            updated_at=now,
        )
        async with self.uow() as tx:
            await tx.users.add(user)
            await tx.audit.record("user.registered", actor=user.id, target=f"user:{user.id}")
            await tx.commit()
        return UserView.of(user)


def _derived(email: str) -> list[str]:
    base = username_from(email)
    return [base, *(f"{base}-{uuid4().hex[:6]}" for _ in range(DERIVED_NAMES - 1))]
