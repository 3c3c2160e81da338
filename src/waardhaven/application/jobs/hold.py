"""Holding the lease of a job while its work goes on, and ending the work when it may not go on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from enum import StrEnum

from waardhaven.application.ports.jobs import Delivery, JobLedger, Lease, LeaseLost
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.jobs.job import Job, Progress

LONGEST_PAUSE = 0.5
"""Seconds between beats that fail."""


class Ending(StrEnum):
    """Why work ends before its time."""

    CANCELLED = "cancelled"
    LOST = "lost"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"


class WorkEnded(Exception):
    """The work was ended; ``Hold.ending`` says why."""


class Hold:
    """The right to run one job, renewed by heart-beats.

    Instants are of the loop's clock, taken before the ledger is asked: the lease is never believed to
    last longer than the ledger says, so who can not renew it stops before somebody else begins.
    """

    def __init__(self, ledger: JobLedger, length: timedelta) -> None:
        self._ledger = ledger
        self._length = length
        self._seconds = length.total_seconds()
        self._now = asyncio.get_running_loop().time
        self._until = self._now() + self._seconds
        self._nudged = asyncio.Event()
        self._limit: asyncio.Timeout | None = None
        self._newest: Callable[[], Progress | None] = lambda: None
        self._told: Progress | None = None
        self._lease: Lease | None = None
        self.ending: Ending | None = None

    async def claim(self, delivery: Delivery, *, worker: str) -> Job | None:
        """Begin an attempt; None when the message is stale. Raise Unavailable."""
        try:
            async with asyncio.timeout_at(self._until):
                claimed = await self._ledger.claim(delivery, worker=worker, lease=self._length)
        except TimeoutError as error:
            raise Unavailable("The ledger of jobs does not answer.") from error
        if claimed is None:
            return None
        job, self._lease = claimed
        return job

    @property
    def lease(self) -> Lease:
        """The lease that was claimed."""
        if self._lease is None:
            raise AssertionError("Nothing was claimed.")
        return self._lease

    @property
    def given_up_at(self) -> float:
        """When the lease has surely gone to somebody else, if anybody wants it."""
        return self._until + self._seconds

    def nudge(self) -> None:
        """Ask the ledger now whether cancelling was asked for."""
        self._nudged.set()

    def end(self, why: Ending) -> None:
        """End the work, now or as soon as it begins; the first reason counts, but for a loss."""
        first = self.ending is None
        if first or why is Ending.LOST:
            self.ending = why
        if first:
            self._interrupt()

    def _interrupt(self) -> None:
        if self._limit is not None:
            with suppress(RuntimeError):  # its time has just run out
                self._limit.reschedule(self._now())

    @asynccontextmanager
    async def during(self, seconds: float, newest: Callable[[], Progress | None]) -> AsyncIterator[None]:
        """Beat while the block runs, at most so long; raise WorkEnded when it was ended."""
        self._newest = newest
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                self._limit = limit
                if self.ending is not None:
                    self._interrupt()
                beating = asyncio.create_task(self._beat())
                try:
                    yield
                finally:
                    beating.cancel()
                    self._limit = None
        except TimeoutError as error:
            if not limit.expired():
                raise
            self.ending = self.ending or Ending.TIMED_OUT
            raise WorkEnded from error

    async def save(self) -> None:
        """Keep progress that no beat has told yet, as well as can be."""
        if self._newest() is not self._told:
            await self._tell()

    async def _beat(self) -> None:
        pause = self._seconds / 3
        while self.ending is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._nudged.wait()
            self._nudged.clear()
            pause = self._seconds / 3 if await self._tell() else min(self._seconds / 10, LONGEST_PAUSE)

    async def _tell(self) -> bool:
        began, newest = self._now(), self._newest()
        try:
            async with asyncio.timeout_at(self._until):
                asked = await self._ledger.beat(
                    self.lease, length=self._length, progress=None if newest is self._told else newest
                )
        except LeaseLost:
            self.end(Ending.LOST)
        except Exception:  # noqa: BLE001 (whatever it was: the lease was not extended)
            if self._now() >= self._until:
                self.end(Ending.LOST)
            return False
        else:
            self._until, self._told = began + self._seconds, newest
            if asked:
                self.end(Ending.CANCELLED)
        return True
