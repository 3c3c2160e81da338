"""Exchange a password for a session."""

from dataclasses import dataclass, replace

from waardhaven.application.identity.signing_in import Client, SigningIn
from waardhaven.application.identity.verification import VerificationRule
from waardhaven.application.identity.views import SignedInView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import PasswordHasher
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import Unauthenticated
from waardhaven.domain.identity.names import normalised
from waardhaven.domain.identity.password import MAX_LENGTH
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.identity.user import User


class InvalidCredentials(Unauthenticated):
    """Login or password are wrong, or the account is closed or unproved; which of them is not said."""


@dataclass(frozen=True, slots=True)
class LoginUser:
    """Exchange an e-mail address or username and its password for a new session.

    An unknown login, a wrong password, an inactive account and an unproved address get the same answer
    after the same work. A hash made with former parameters is replaced on success.
    """

    uow: UnitOfWork
    hasher: PasswordHasher
    signing_in: SigningIn
    clock: Clock
    rule: VerificationRule

    async def __call__(self, *, login: str, password: str, client: Client | None = None) -> SignedInView:
        """Return the tokens of a new session; raise InvalidCredentials."""
        async with self.uow() as tx:
            user = await tx.users.by_login(normalised(login))
        if not await self._accepts(user, password) or user is None:
            raise _refusal()
        renewed = await self._renewed_hash(user, password)
        return await self._open(user, renewed, client or Client())

    async def _accepts(self, user: User | None, password: str) -> bool:
        open_to = user is not None and user.may_sign_in and (user.is_verified or not self.rule.required)
        known = user.password_hash if user and open_to else None
        return await self.hasher.verify(password[: MAX_LENGTH + 1], known)

    async def _renewed_hash(self, user: User, password: str) -> str | None:
        if user.password_hash is None or not self.hasher.is_outdated(user.password_hash):
            return None
        return await self.hasher.hash(password)

    async def _open(self, checked: User, renewed: str | None, client: Client) -> SignedInView:
        """Look again under a lock: the account may have changed while the password was being checked."""
        async with self.uow() as tx:
            user = await tx.users.by_id(checked.id, lock=True)
            if user is None or not user.may_sign_in or user.password_hash != checked.password_hash:
                raise _refusal()
            if renewed is not None:
                user = await tx.users.save(replace(user, password_hash=renewed, updated_at=self.clock.now()))
                by = Principal(user=user.id, role=user.role)
                await tx.audit.record("user.password_rehashed", by=by, target=f"user:{user.id}")
            view = await self.signing_in.open(tx, user, client, how="password")
            await tx.commit()
        return view


def _refusal() -> InvalidCredentials:
    return InvalidCredentials(
        "The login or the password is wrong, or the e-mail address is not confirmed yet (look for our mail)."
    )
