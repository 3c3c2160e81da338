"""Log out here, or elsewhere."""

from dataclasses import dataclass

from waardhaven.application.identity.secrets import digest_of
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import NotFound
from waardhaven.domain.identity.roles import ANONYMOUS, Principal
from waardhaven.domain.identity.session import EndReason
from waardhaven.domain.types import SessionId


class UnknownSession(NotFound):
    """You have no open session with that id."""


@dataclass(frozen=True, slots=True)
class LogoutUser:
    """End the session of a refresh token, or of the caller; its access tokens end with it.

    Logging out twice, or with a token nobody knows, changes nothing and is no error.
    """

    uow: UnitOfWork
    clock: Clock

    async def __call__(self, *, by: Principal | None = None, refresh_token: str | None = None) -> None:
        """End what the caller proved to hold."""
        async with self.uow() as tx:
            ends = {(by.user, by.session)} if by and by.user and by.session else set()
            if refresh_token is not None:
                found = await tx.sessions.by_token(digest_of(refresh_token))
                ends |= {(found.session.user, found.session.id)} if found else set()
            for user, session in ends:
                if await tx.sessions.end(user, EndReason.LOGOUT, at=self.clock.now(), only=session):
                    await tx.audit.record(
                        "session.ended",
                        by=by or ANONYMOUS,
                        target=f"user:{user}",
                        detail={"session": str(session), "reason": "logout"},
                    )
            await tx.commit()


@dataclass(frozen=True, slots=True)
class EndSessions:
    """End one of the caller's sessions, or all but the one that asks."""

    uow: UnitOfWork
    clock: Clock

    async def __call__(self, by: Principal, *, session: SessionId | None = None) -> int:
        """Return how many ended; raise UnknownSession when ``session`` is not one of the caller's."""
        user = by.person()
        async with self.uow() as tx:
            ended = await tx.sessions.end(
                user,
                EndReason.REVOKED,
                at=self.clock.now(),
                only=session,
                but=None if session else by.session,
            )
            if session is not None and not ended:
                raise UnknownSession("You have no open session with that id.")
            await tx.audit.record(
                "session.revoked",
                by=by,
                target=f"user:{user}",
                detail={"session": str(session) if session else "all others", "ended": ended},
            )
            await tx.commit()
        return ended
