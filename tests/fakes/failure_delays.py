from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.clock import FakeClock

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.failure_delays import FailureDelays


@dataclass
class FakeFailureDelays(FailureDelays):
    """Keeps the instants of all failures, at a clock that tests move."""

    clock: Clock = field(default_factory=FakeClock)
    free: int = 5
    longest_seconds: float = 900.0
    memory_seconds: float = 3600.0
    failures: dict[str, list[datetime]] = field(default_factory=dict)

    async def wait_for(self, key: str) -> float:
        known = self._known(key)
        if len(known) <= self.free:
            return 0.0
        delay = min(self.longest_seconds, 2.0 ** (len(known) - self.free - 1))
        return max(0.0, delay - (self.clock.now() - known[-1]).total_seconds())

    async def failed(self, key: str) -> None:
        self._known(key).append(self.clock.now())

    async def succeeded(self, key: str) -> None:
        self.failures.pop(key, None)

    def _known(self, key: str) -> list[datetime]:
        known = self.failures.setdefault(key, [])
        if known and self.clock.now() - known[-1] >= timedelta(seconds=self.memory_seconds):
            known.clear()
        return known
