"""Progress on its way from the worker to whoever watches: kept for a while, allowed to be lost."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waardhaven.domain.errors import Unavailable
from waardhaven.domain.jobs.job import Progress
from waardhaven.domain.types import JobId, UserId


class ProgressUnavailable(Unavailable):
    """Progress can not be told or heard at this moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressUpdate:
    """How far a job was at an instant. ``cursor``: its place in the stream, "" before it is in it."""

    job: JobId
    type: str
    owner: UserId | None
    progress: Progress
    at: datetime
    cursor: str = ""


class ProgressStream(Protocol):
    """One stream for all jobs; about the newest ten thousand updates are kept."""

    @abstractmethod
    async def publish(self, update: ProgressUpdate) -> None:
        """Add an update; raise ProgressUnavailable."""

    @abstractmethod
    async def newest(self) -> str:
        """Return the cursor of the newest update, "0-0" in an empty stream; raise ProgressUnavailable."""

    @abstractmethod
    async def since(self, cursor: str, *, limit: int, wait_seconds: float = 0.0) -> Sequence[ProgressUpdate]:
        """Return updates after ``cursor`` in order, waiting up to ``wait_seconds`` for the first one.

        A cursor that the stream has forgotten gives what is left. Raise ProgressUnavailable.
        """
