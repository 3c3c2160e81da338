"""Requests a minute counted in one process."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from waardhaven.application.ports.quota import Allowance, Quotas

WINDOW_SECONDS: Final = 60.0
LARGEST_TABLE: Final = 10_000
SWEEP_SECONDS: Final = 1.0


@dataclass(slots=True)
class Window:
    """How many were allowed in a minute that ends at ``ends``."""

    ends: float
    spent: int = 0


class LocalQuotas(Quotas):
    """Counts at most ``size`` keys; those beyond share one count a limit until places are free."""

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        *,
        window_seconds: float = WINDOW_SECONDS,
        size: int = LARGEST_TABLE,
    ) -> None:
        """Tell the time by ``now``, in seconds of any origin."""
        self._now = now
        self._seconds = window_seconds
        self._size = size
        self._windows: dict[str, Window] = {}
        self._swept_at = now()

    async def take(self, key: str, *, limit: int) -> Allowance:
        """See Quotas."""
        return self.taken(key, limit=limit)

    def taken(self, key: str, *, limit: int, spent: int = 0, ends: float = 0.0) -> Allowance:
        """Take one of a minute in which ``spent`` were allowed before, until ``ends``, by somebody else."""
        now = self._now()
        key = self._place(key, limit, now)
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            window = Window(ends if ends > now else now + self._seconds)
            self._windows[key] = window
        if ends > now:
            window.spent = max(window.spent, spent)
        allowed = window.spent < limit
        window.spent += allowed
        left = max(0, limit - window.spent)
        return Allowance(allowed=allowed, limit=limit, remaining=left, reset_seconds=window.ends - now)

    def _place(self, key: str, limit: int, now: float) -> str:
        if key in self._windows or len(self._windows) < self._size:
            return key
        if now >= self._swept_at + SWEEP_SECONDS:
            self._swept_at = now
            self._windows = {name: window for name, window in self._windows.items() if window.ends > now}
        return key if len(self._windows) < self._size else f"*{limit}"
