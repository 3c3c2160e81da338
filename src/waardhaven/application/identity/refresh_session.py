"""Keep a session alive."""

from dataclasses import dataclass

from waardhaven.application.identity.secrets import digest_of
from waardhaven.application.identity.signing_in import SigningIn
from waardhaven.application.identity.views import SignedInView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.sessions import FoundSession
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.errors import Unauthenticated
from waardhaven.domain.identity.roles import ANONYMOUS
from waardhaven.domain.identity.session import EndReason


class InvalidRefreshToken(Unauthenticated):
    """The refresh token is unknown, was used before, or its session has ended."""


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """Exchange a refresh token for the next one and a new access token.

    Each refresh token works once. One that comes a second time was stolen, by whoever came first or
    second: the session ends at once, with all tokens that ever belonged to it.
    """

    uow: UnitOfWork
    signing_in: SigningIn
    clock: Clock

    async def __call__(self, *, refresh_token: str) -> SignedInView:
        """Return the next tokens; raise InvalidRefreshToken."""
        digest = digest_of(refresh_token)
        async with self.uow() as tx:
            found = await tx.sessions.by_token(digest)
            view = await self._next(tx, found, digest) if found else None
            await tx.commit()
        if view is None:
            raise InvalidRefreshToken("The session has ended. Log in again.")
        return view

    async def _next(self, tx: Transaction, found: FoundSession, digest: bytes) -> SignedInView | None:
        session = found.session
        if not session.is_open(self.clock.now()):
            return None
        if found.token_was_used:
            await self._end(tx, found)
            return None
        user = await tx.users.by_id(session.user)
        if user is None or not user.may_sign_in:
            return None
        return await self.signing_in.rotate(tx, user, session, digest)

    async def _end(self, tx: Transaction, found: FoundSession) -> None:
        session = found.session
        await tx.sessions.end(session.user, EndReason.REUSE, at=self.clock.now(), only=session.id)
        await tx.audit.record(
            "session.refresh_token_reused",
            by=ANONYMOUS,
            target=f"user:{session.user}",
            detail={"session": str(session.id)},
        )
