from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.fakes.clock import FakeClock

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.schedules import Schedule, Schedules
from waardhaven.domain.types import JobId, UserId


@dataclass
class FakeSchedules(Schedules):
    """Recurring jobs by name; ``sessions`` holds the closes of each exchange."""

    clock: Clock = field(default_factory=FakeClock)
    rows: dict[str, Schedule] = field(default_factory=dict)
    sessions: dict[str, list[datetime]] = field(default_factory=dict)
    changed_by: dict[str, UserId | None] = field(default_factory=dict)

    async def now(self) -> datetime:
        return self.clock.now()

    async def ensure(self, rules: Mapping[str, str]) -> None:
        for name, rule in rules.items():
            new = Schedule(name=name, rule=rule, enabled=True, next_at=None, last_at=None, last_job=None)
            self.rows.setdefault(name, new)

    async def all(self) -> Sequence[Schedule]:
        return [self.rows[name] for name in sorted(self.rows)]

    async def take_due(self) -> Sequence[Schedule]:
        now = self.clock.now()
        return [
            one for one in await self.all() if one.enabled and (one.next_at is None or one.next_at <= now)
        ]

    async def planned(self, name: str, *, next_at: datetime | None, job: JobId | None) -> None:
        self.rows[name] = replace(self.rows[name], next_at=next_at)
        if job is not None:
            self.rows[name] = replace(self.rows[name], last_at=self.clock.now(), last_job=job)

    async def change(self, name: str, *, rule: str, enabled: bool, by: UserId | None) -> Schedule | None:
        if name not in self.rows:
            return None
        self.rows[name] = replace(self.rows[name], rule=rule, enabled=enabled, next_at=None)
        self.changed_by[name] = by
        return self.rows[name]

    async def closes(self, mic: str, *, since: datetime, within: timedelta) -> Sequence[datetime]:
        return sorted(one for one in self.sessions.get(mic, []) if since <= one <= since + within)
