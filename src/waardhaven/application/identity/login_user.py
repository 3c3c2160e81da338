"""Exchange a password for an access token."""

from dataclasses import dataclass

from waardhaven.application.identity.views import SignedInView, UserView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import AccessTokens, PasswordHasher
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import Unauthenticated
from waardhaven.domain.identity.names import normalised
from waardhaven.domain.identity.password import MAX_LENGTH
from waardhaven.domain.identity.user import User


class InvalidCredentials(Unauthenticated):
    """The login or the password is wrong, or the account is closed; which of them is not said."""


@dataclass(frozen=True, slots=True)
class LoginUser:
    """Exchange an e-mail address or username and its password for a short-lived access token.

    An unknown login, a wrong password and an inactive account get the same answer after the same work.
    A hash made with former parameters is replaced on success.
    """

    uow: UnitOfWork
    hasher: PasswordHasher
    tokens: AccessTokens
    clock: Clock

    async def __call__(self, *, login: str, password: str) -> SignedInView:
        """Return a token with its owner; raise InvalidCredentials."""
        async with self.uow() as tx:
            user = await tx.users.by_login(normalised(login))
        if not await self._accepts(user, password) or user is None:
            raise InvalidCredentials("The e-mail address or the password is wrong.")
        if self.hasher.is_outdated(user.password_hash):
            await self._rehash(user, password)
        token = self.tokens.issue(user.id, user.role)
        lifetime = token.expires_at - self.clock.now()
        return SignedInView(
            access_token=token.value,
            token_type="bearer",  # noqa: S106 - the scheme's name
            expires_in=max(0, round(lifetime.total_seconds())),
            expires_at=token.expires_at,
            user=UserView.of(user),
        )

    async def _accepts(self, user: User | None, password: str) -> bool:
        known = user.password_hash if user and user.is_active else None
        return await self.hasher.verify(password[: MAX_LENGTH + 1], known)

    async def _rehash(self, user: User, password: str) -> None:
        renewed = await self.hasher.hash(password)
        async with self.uow() as tx:
            await tx.users.update_password(user.id, renewed)
            await tx.audit.record("user.password_rehashed", actor=user.id, target=f"user:{user.id}")
            await tx.commit()
