"""A login, and the chain of refresh tokens that keeps it alive."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from waardhaven.domain.types import SessionId, UserId

DEVICE_MAX = 200
ADDRESS_MAX = 64


class EndReason(StrEnum):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    REUSE = "refresh_token_reused"
    PASSWORD = "password_changed"  # noqa: S105 (a reason)
    CLOSED = "account_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSession:
    """A login of a person. ``expires_at`` is fixed when it opens: refreshing does not move it.

    ``device`` and ``address`` are what the client claimed and came from; they help the owner to
    recognise a session and decide nothing.
    """

    id: SessionId
    user: UserId
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    device: str | None = None
    address: str | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    def is_open(self, now: datetime) -> bool:
        """Tell whether the session can still be used."""
        return self.ended_at is None and now < self.expires_at
