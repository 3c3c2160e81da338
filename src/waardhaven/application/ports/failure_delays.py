"""Growing delays after failed attempts to prove who one is."""

from abc import abstractmethod
from typing import Protocol


class FailureDelays(Protocol):
    """Failures of a key and how long it has to wait, for all processes together.

    The first ``free`` failures cost nothing; from then on each failure doubles the delay, from one
    second up to ``longest_seconds``. Failures are forgotten after a success, or ``memory_seconds``
    after the last of them. It never raises: out of reach of the shared counter each process counts.
    """

    @abstractmethod
    async def wait_for(self, key: str) -> float:
        """Return the seconds until the next attempt is allowed, 0 when it is now."""

    @abstractmethod
    async def failed(self, key: str) -> None:
        """Count a failure."""

    @abstractmethod
    async def succeeded(self, key: str) -> None:
        """Forget the failures."""
