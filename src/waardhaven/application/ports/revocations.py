"""Which tokens were ended before their time, known without asking."""

from abc import abstractmethod
from typing import Protocol

from waardhaven.application.ports.security import Claims


class Revocations(Protocol):
    """What was ended in the database is known here within 5 seconds, or ``is_current`` says no."""

    @abstractmethod
    def is_current(self) -> bool:
        """Tell whether revocations are known up to a few seconds ago. No I/O."""

    @abstractmethod
    async def settled(self) -> None:
        """Wait, when they were never known yet, until they are; a few seconds at most."""

    @abstractmethod
    def refuses(self, claims: Claims) -> bool:
        """Tell whether the session of a token ended, or its owner's role or state changed. No I/O."""
