"""The system's clock."""

from datetime import UTC, datetime

from waardhaven.application.ports.clock import Clock


class SystemClock(Clock):
    """The present of the operating system."""

    def now(self) -> datetime:
        """See Clock."""
        return datetime.now(UTC)
