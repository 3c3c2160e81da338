"""Opening a session and issuing its tokens: the end of every way to sign in."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from waardhaven.application.identity.secrets import digest_of, new_secret
from waardhaven.application.identity.views import SignedInView, UserView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import AccessTokens
from waardhaven.application.ports.unit_of_work import Transaction
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.identity.session import ADDRESS_MAX, DEVICE_MAX, LoginSession
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What a client says it is and where it came from; shown to the owner, decides nothing."""

    device: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """``lifetime``: how long a login lasts, however often it is refreshed."""

    lifetime: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SigningIn:
    """Makes sessions and tokens."""

    tokens: AccessTokens
    clock: Clock
    rules: SessionRules

    async def open(self, tx: Transaction, user: User, client: Client, *, how: str) -> SignedInView:
        """Open a new session in the transaction: nothing a client sends ever becomes its id."""
        now, secret = self.clock.now(), new_secret()
        session = LoginSession(
            id=SessionId(uuid4()),
            user=user.id,
            created_at=now,
            last_used_at=now,
            expires_at=now + self.rules.lifetime,
            device=_clean(client.device, DEVICE_MAX),
            address=_clean(client.address, ADDRESS_MAX),
        )
        await tx.sessions.open(session, digest_of(secret))
        await tx.audit.record(
            "session.opened",
            by=Principal(user=user.id, role=user.role, session=session.id),
            target=f"user:{user.id}",
            detail={"session": str(session.id), "how": how},
        )
        return self._view(user, session, secret, now)

    async def rotate(self, tx: Transaction, user: User, session: LoginSession, used: bytes) -> SignedInView:
        """Give a session its next refresh token."""
        now, secret = self.clock.now(), new_secret()
        await tx.sessions.rotate(session.id, used=used, issued=digest_of(secret), at=now)
        return self._view(user, replace(session, last_used_at=now), secret, now)

    def _view(self, user: User, session: LoginSession, secret: str, now: datetime) -> SignedInView:
        token = self.tokens.issue(user.id, user.role, session=session.id, version=user.token_version)
        return SignedInView(
            access_token=token.value,
            token_type="bearer",  # noqa: S106 - the scheme's name
            expires_in=_seconds(token.expires_at, now),
            expires_at=token.expires_at,
            refresh_token=secret,
            refresh_expires_in=_seconds(session.expires_at, now),
            session=session.id,
            user=UserView.of(user),
        )


def _seconds(until: datetime, now: datetime) -> int:
    return max(0, round((until - now).total_seconds()))


def _clean(text: str | None, longest: int) -> str | None:
    if text is None:
        return None
    return "".join(each for each in text if each.isprintable())[:longest] or None
