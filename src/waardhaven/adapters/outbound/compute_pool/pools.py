"""ComputePool over processes, and over threads where starting a process costs more than the work."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from waardhaven.adapters.outbound.compute_pool.child import bounded
from waardhaven.application.ports.compute_pool import (
    ComputeBusy,
    ComputeLost,
    ComputeOutOfMemory,
    ComputePool,
    ComputeTimedOut,
    ModelPool,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSettings:
    """How many processes, and what one computation may take: bytes above those in use, seconds.

    ``waiting``: how many computations may wait for a process; None: all that come.
    """

    processes: int = 2
    memory: int = 1 << 30
    seconds: float = 240.0
    waiting: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings(ComputeSettings):
    """The same for models that callers wait for."""


class ProcessComputePool(ComputePool):
    """Keeps its processes; one that is given up is killed and replaced."""

    def __init__(self, settings: ComputeSettings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.processes)
        self._waiting = 0
        self._limiter = CapacityLimiter(settings.processes)

    async def run(self, function: Callable[..., T], *args: object) -> T:
        """See ComputePool. Waiting for a free process does not count."""
        one = self._settings
        # Threads of a library may use every core: the processor's time may exceed the clock's.
        processor = one.seconds * (os.cpu_count() or 1) + 1
        async with self._slot():
            try:
                async with asyncio.timeout(one.seconds) as limit:
                    return await to_process.run_sync(
                        bounded,
                        os.getpid(),
                        one.memory,
                        processor,
                        function,
                        args,
                        cancellable=True,
                        limiter=self._limiter,
                    )
            except TimeoutError as error:
                if not limit.expired():
                    raise
                raise ComputeTimedOut(f"The computation took longer than {one.seconds:g} s.") from error
            except MemoryError as error:
                raise ComputeOutOfMemory("The computation needs more memory than it may have.") from error
            except BrokenWorkerProcess as error:
                raise ComputeLost("The process that computed ended. Try again.") from error

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Hold one of the processes; raise ComputeBusy where too many wait for one."""
        most = self._settings.waiting
        if most is not None and self._slots.locked() and self._waiting >= most:
            raise ComputeBusy("Too many computations wait already. Try again in a while.")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


class ProcessModelPool(ProcessComputePool, ModelPool):
    """Keeps processes of its own for models."""


class ThreadComputePool(ComputePool):
    """Computes in threads of this process, without bounds; a computation that nobody waits for goes on."""

    async def run(self, function: Callable[..., T], *args: object) -> T:
        """See ComputePool."""
        try:
            return await asyncio.to_thread(function, *args)
        except MemoryError as error:
            raise ComputeOutOfMemory("The computation needs more memory than there is.") from error
