"""The present, as a collaborator."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the instant; fakes hold it still."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
