"""Open an account."""

from dataclasses import dataclass
from uuid import uuid4

from waardhaven.application.identity.mails import Mails
from waardhaven.application.identity.passwords import broken_rules
from waardhaven.application.identity.verification import VerificationRule
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import PasswordHasher, PasswordStrength
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.application.ports.users import EmailTaken, UsernameTaken
from waardhaven.domain.errors import Forbidden, Invalid
from waardhaven.domain.identity.names import (
    broken_email_rules,
    broken_username_rules,
    normalised,
    username_from,
)
from waardhaven.domain.identity.roles import Credential, Principal, Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId

ATTEMPTS = 4
"""How often a free username is looked for."""


class InvalidRegistration(Invalid):
    """The e-mail address, username or password breaks a rule."""


class RegistrationClosed(Forbidden):
    """New accounts are made by administrators alone here."""


@dataclass(frozen=True, slots=True)
class RegisterUser:
    """Open an account that may read, and send a mail that proves its address.

    Nobody learns from the answer whether the address has an account already: then its owner is told by
    mail and nothing changes. The username is a wish: one that is taken gets a suffix. The password has
    10 to 128 characters and withstands a hundred million guesses.
    """

    uow: UnitOfWork
    hasher: PasswordHasher
    strength: PasswordStrength
    mails: Mails
    clock: Clock
    rule: VerificationRule

    async def __call__(self, *, email: str, password: str, username: str | None = None) -> None:
        """Raise InvalidRegistration or RegistrationClosed."""
        if not self.rule.registration_open:
            raise RegistrationClosed("Ask an administrator for an account.")
        email = normalised(email)
        wish = normalised(username) if username else None
        await self._check(email, password, wish)
        user = self._user(email, wish or username_from(email), await self.hasher.hash(password))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._add(user)
            except UsernameTaken:
                if attempt == ATTEMPTS:
                    raise
                user = self._user(email, f"{user.username[:24]}-{uuid4().hex[:6]}", user.password_hash)
            except EmailTaken:
                return await self._repeat(email)
        return None

    async def _check(self, email: str, password: str, username: str | None) -> None:
        errors = [
            *broken_email_rules(email),
            *(broken_username_rules(username) if username is not None else ()),
            *await broken_rules(self.strength, password, email=email, also=[username or ""]),
        ]
        if errors:
            raise InvalidRegistration("The registration breaks a rule.", errors=errors)

    async def _add(self, user: User) -> None:
        by = Principal(user=user.id, role=user.role, credential=Credential.ANONYMOUS)
        async with self.uow() as tx:
            await tx.users.add(user)
            await (self.mails.decoy(tx) if user.is_verified else self.mails.verification(tx, user))
            await tx.audit.record("user.registered", by=by, target=f"user:{user.id}", after=user.audited())
            await tx.commit()

    async def _repeat(self, email: str) -> None:
        async with self.uow() as tx:
            known = await tx.users.by_login(email)
            if known is not None:
                await self._remind(tx, known)
            await tx.commit()

    async def _remind(self, tx: Transaction, known: User) -> None:
        if known.is_verified:
            await self.mails.already_registered(tx, known)
        else:
            await self.mails.verification(tx, known)

    def _user(self, email: str, username: str, password_hash: str | None) -> User:
        now = self.clock.now()
        return User(
            id=UserId(uuid4()),
            email=email,
            username=username,
            password_hash=password_hash,
            role=Role.VIEWER,
            is_active=True,
            is_verified=not self.rule.required,
            created_at=now,
            updated_at=now,
        )
