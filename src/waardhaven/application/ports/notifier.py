"""How people are told something outside of a response."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Protocol

from waardhaven.domain.errors import Unavailable


class NotDelivered(Unavailable):
    """The message could not be handed over; trying again may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A plain-text mail. ``text`` may hold a secret: it is shown to its recipient alone."""

    to: str
    subject: str
    text: str = field(repr=False)


class Notifier(Protocol):
    """Hands messages over; may deliver one twice, never loses one silently."""

    @abstractmethod
    async def send(self, message: Message) -> None:
        """Hand a message over; raise NotDelivered."""
