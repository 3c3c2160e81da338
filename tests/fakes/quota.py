from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.clock import FakeClock

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.quota import Allowance, Quotas

MINUTE = timedelta(minutes=1)


@dataclass
class FakeQuotas(Quotas):
    """Remembers every request by the minute it fell in, which begins with the first of a key."""

    clock: Clock = field(default_factory=FakeClock)
    windows: dict[str, list[datetime]] = field(default_factory=dict)

    async def take(self, key: str, *, limit: int) -> Allowance:
        now = self.clock.now()
        window = self.windows.setdefault(key, [])
        if window and now - window[0] >= MINUTE:
            window.clear()
        allowed = len(window) < limit
        if allowed:
            window.append(now)
        return Allowance(
            allowed=allowed,
            limit=limit,
            remaining=limit - len(window),
            reset_seconds=(window[0] + MINUTE - now).total_seconds(),
        )
