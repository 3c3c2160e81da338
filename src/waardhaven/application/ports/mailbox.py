"""Mails that are to be sent, inside a unit of work: kept sealed, and only until they are sent."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from waardhaven.domain.types import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingMail:
    """A sealed mail. ``user`` None: a decoy, written so that the absence of an account costs the same."""

    id: int
    user: UserId | None
    sealed: bytes = field(repr=False)
    attempts: int


class Mailbox(Protocol):
    """What was put in a transaction is sent after it committed, by whoever takes it first."""

    @abstractmethod
    async def put(self, user: UserId | None, sealed: bytes, *, due_at: datetime) -> None:
        """Add a mail."""

    @abstractmethod
    async def take_due(self, *, now: datetime, again_at: datetime, limit: int) -> Sequence[WaitingMail]:
        """Return due mails, oldest first, and put each off to ``again_at`` with one attempt more."""

    @abstractmethod
    async def done(self, mail_id: int, *, at: datetime) -> None:
        """Forget the content: the mail was sent, or is given up."""

    @abstractmethod
    async def forget(self, user: UserId, *, at: datetime) -> None:
        """Forget all mails to a person."""
