"""When recurring jobs run next, inside a unit of work."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from waardhaven.domain.types import JobId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A recurring job. ``next_at`` None: not known yet, or ``enabled`` is False."""

    name: str
    rule: str
    enabled: bool
    next_at: datetime | None
    last_at: datetime | None
    last_job: JobId | None


class Schedules(Protocol):
    """One row a recurring job; instants are those of the database."""

    @abstractmethod
    async def now(self) -> datetime:
        """Return the present instant of the database."""

    @abstractmethod
    async def ensure(self, rules: Mapping[str, str]) -> None:
        """Add recurring jobs that are not known yet, with their first rules; known ones stay."""

    @abstractmethod
    async def all(self) -> Sequence[Schedule]:
        """Return every recurring job by name."""

    @abstractmethod
    async def take_due(self) -> Sequence[Schedule]:
        """Return enabled ones whose next run has come or is not known, locked; locked ones are skipped."""

    @abstractmethod
    async def planned(self, name: str, *, next_at: datetime | None, job: JobId | None) -> None:
        """Keep when it runs next, and the job that was submitted now (None: none was)."""

    @abstractmethod
    async def change(self, name: str, *, rule: str, enabled: bool, by: UserId | None) -> Schedule | None:
        """Give it another rule, or stop it; its next run is not known then. None: there is no such."""

    @abstractmethod
    async def closes(self, mic: str, *, since: datetime, within: timedelta) -> Sequence[datetime]:
        """Return the known closes of an exchange in the period, increasing."""
