"""Secrets sent by mail that prove an address, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from waardhaven.domain.types import UserId


class Purpose(StrEnum):
    """What a token is good for."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 (a purpose)


LIFETIMES = {Purpose.VERIFY_EMAIL: timedelta(hours=24), Purpose.RESET_PASSWORD: timedelta(minutes=30)}


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeToken:
    """``digest`` is the SHA-256 of the secret, ``email`` the address it was sent to and proves."""

    digest: bytes
    purpose: Purpose
    user: UserId
    email: str | None
    issued_at: datetime
    expires_at: datetime
