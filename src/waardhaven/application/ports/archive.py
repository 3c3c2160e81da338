"""What is old enough to leave the database, as files that last."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol


class Archived(StrEnum):
    """What may be archived: never prices, builds, publications, accounts or the audit trail."""

    JOBS = "jobs"
    EVENTS = "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveBatch:
    """Rows of one kind as a Parquet file. ``name``: the same rows always have the same name."""

    kind: Archived
    name: str
    keys: tuple[str, ...]
    content: bytes


class Archive(Protocol):
    """Old rows, batch by batch, oldest first."""

    @abstractmethod
    async def batch(self, kind: Archived, *, older_than: timedelta, limit: int) -> ArchiveBatch | None:
        """Return rows that ended (jobs) or were numbered (events) that long ago, None when there are none.

        Jobs come with their files listed; a job whose parent or child stays is a row like any other.
        """

    @abstractmethod
    async def remove(self, batch: ArchiveBatch) -> int:
        """Mark exactly the rows of the batch as archived and remove them; return how many there were."""
