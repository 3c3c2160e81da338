"""After a failure, leave the server alone for a moment and say so once."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Circuit:
    """Open after a failure for ``pause_seconds``; a change of state is logged once."""

    name: str
    pause_seconds: float = 1.0
    now: Callable[[], float] = time.monotonic
    _retry_at: float = field(default=0.0, init=False)
    _failing: bool = field(default=False, init=False)

    def is_open(self) -> bool:
        """Tell whether to skip the server for now."""
        return self._failing and self.now() < self._retry_at

    def failed(self, error: BaseException) -> None:
        """Note a failure."""
        self._retry_at = self.now() + self.pause_seconds
        if not self._failing:
            self._failing = True
            log.warning("cache_unreachable", server=self.name, error=type(error).__name__)

    def succeeded(self) -> None:
        """Note an answer."""
        if self._failing:
            self._failing = False
            log.info("cache_reachable", server=self.name)
