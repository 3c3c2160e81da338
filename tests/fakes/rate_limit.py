from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.clock import FakeClock

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.rate_limit import RateLimiter


@dataclass
class FakeRateLimiter(RateLimiter):
    """Keeps every allowed hit for ever, at the instants of a clock that tests move."""

    clock: Clock = field(default_factory=FakeClock)
    allowed: dict[str, list[datetime]] = field(default_factory=dict)

    async def hit(self, key: str, *, limit: int, window_seconds: float) -> float | None:
        now, window = self.clock.now(), timedelta(seconds=window_seconds)
        hits = self.allowed.setdefault(key, [])
        recent = [at for at in hits if now - at < window]
        if len(recent) >= limit:
            return (recent[-limit] + window - now).total_seconds()
        hits.append(now)
        return None
