from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from waardhaven.application.ports.clock import Clock


@dataclass
class FakeClock(Clock):
    """Stands still until told to move."""

    instant: datetime = datetime(2024, 6, 3, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def advance(self, by: timedelta) -> None:
        self.instant += by
