"""How often something may be tried."""

from abc import abstractmethod
from typing import Protocol


class RateLimiter(Protocol):
    """Counts hits of a key over a sliding window, for all processes together.

    In no stretch of ``window_seconds`` are more than ``limit`` hits of a key allowed. A refused hit
    counts for nothing, so that a caller who keeps trying is let in as soon as one who waits.

    It never raises and never allows without counting: while the shared counter is out of reach each
    process counts by itself, so that the limit holds for each of them until the counter is back.
    """

    @abstractmethod
    async def hit(self, key: str, *, limit: int, window_seconds: float) -> float | None:
        """Count a hit and return None when it is allowed, else the seconds until the next one is.

        ``limit`` is at least 1. One key is always used with the same limit and window.
        """
