from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from waardhaven.application.ports.provider_gate import (
    Allotment,
    Breaker,
    GateState,
    GateUnavailable,
    Grant,
    Period,
    ProviderGate,
)

UNBOUNDED = 10**9
LENGTH = {Period.MINUTE: 60.0, Period.DAY: 86_400.0}


@dataclass
class Provider:
    """When how many credits were taken, what the provider reported, and what went wrong."""

    taken: list[tuple[float, int]] = field(default_factory=list)
    reported: dict[tuple[Period, int], int] = field(default_factory=dict)
    spent: set[tuple[Period, int]] = field(default_factory=set)
    failures: int = 0
    open_until: float = 0.0
    probe_until: float = 0.0
    last_error: str | None = None


@dataclass
class FakeProviderGate(ProviderGate):
    """Remembers every grant at a clock that tests set; ``away``: as without a server."""

    now: Callable[[], float] = lambda: 1_717_416_030.0
    early_seconds: float = 1.0
    late_seconds: float = 5.0
    away: bool = False
    providers: dict[str, Provider] = field(default_factory=dict)

    async def take(self, provider: str, *, wanted: int, least: int, allotment: Allotment) -> Grant:
        known, now = self._of(provider), self.now()
        probe = known.failures >= 5
        if probe and max(known.open_until, known.probe_until) > now:
            wait = known.open_until - now if known.open_until > now else min(1.0, known.probe_until - now)
            return Grant(credits=0, retry_seconds=wait, breaker_open=True)
        granted, refusal = least if probe else max(wanted, least), None
        for period, limit in ((Period.MINUTE, allotment.per_minute), (Period.DAY, allotment.per_day)):
            left = min(self._left(known, period, at, limit) for at in self._touched(period, now))
            if left < least:
                wait = self._wait(known, period, limit, least)
                refusal = Grant(credits=0, retry_seconds=wait, period=period)
            granted = min(granted, left)
        if refusal is not None:
            return refusal
        known.taken.append((now, granted))
        if probe:
            known.probe_until = now + 30
        return Grant(credits=granted, probe=probe)

    async def observe(self, provider: str, *, used: int | None, left: int | None, limit: int | None) -> None:
        known = self._of(provider)
        if used is None and left is not None and limit is not None:
            used = limit - left
        at = int(self.now() // 60)
        more = (used or 0) - self._used(known, Period.MINUTE, at)
        if more > 0:
            where = (Period.MINUTE, at)
            known.reported[where] = known.reported.get(where, 0) + more

    async def exhausted(self, provider: str, period: Period) -> None:
        self._of(provider).spent.add((period, int(self.now() // LENGTH[period])))

    async def failed(self, provider: str, error: str) -> None:
        known = self._of(provider)
        known.failures += 1
        known.last_error = error
        if known.failures >= 5:
            known.open_until = self.now() + 60

    async def succeeded(self, provider: str) -> None:
        known = self._of(provider)
        known.failures, known.open_until, known.probe_until, known.last_error = 0, 0.0, 0.0, None

    async def state(self, provider: str) -> GateState:
        known, now = self._of(provider), self.now()
        is_open = known.failures >= 5
        return GateState(
            minute_used=self._used(known, Period.MINUTE, int(now // 60)),
            day_used=self._used(known, Period.DAY, int(now // 86_400)),
            breaker=(Breaker.OPEN if known.open_until > now else Breaker.HALF_OPEN)
            if is_open
            else Breaker.CLOSED,
            failures=known.failures,
            open_until=datetime.fromtimestamp(known.open_until, UTC) if is_open else None,
            last_error=known.last_error,
        )

    def _of(self, provider: str) -> Provider:
        if self.away:
            raise GateUnavailable("The shared budget of credits is out of reach.")
        return self.providers.setdefault(provider, Provider())

    def _touched(self, period: Period, now: float) -> set[int]:
        length = LENGTH[period]
        instants = (now - self.early_seconds * (1 - 1e-9), now, now + self.late_seconds)
        return {int(one // length) for one in instants}

    def _used(self, known: Provider, period: Period, at: int) -> int:
        counted = [number for instant, number in known.taken if at in self._touched(period, instant)]
        return sum(counted) + known.reported.get((period, at), 0)

    def _left(self, known: Provider, period: Period, at: int, limit: int | None) -> int:
        if (period, at) in known.spent:
            return 0
        return UNBOUNDED if limit is None else max(0, limit - self._used(known, period, at))

    def _wait(self, known: Provider, period: Period, limit: int | None, least: int) -> float:
        """Return the seconds until a grant may succeed: the minute before may be in the way."""
        length, now = LENGTH[period], self.now()
        begun = now % length
        if begun < self.early_seconds and self._left(known, period, int(now // length), limit) >= least:
            return self.early_seconds - begun
        return length - begun + self.early_seconds
