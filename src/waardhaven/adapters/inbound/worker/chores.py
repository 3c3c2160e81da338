"""What a worker process does again and again, whatever else is away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import structlog
from dishka import AsyncContainer

from waardhaven.application.jobs.specs import ChoreSpec
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import SYSTEM, Principal

LEAST_PAUSE = 0.1
log = structlog.get_logger()


@dataclass(slots=True)
class Chore:
    """Work that is done every so many seconds; an error is told when it begins and when it is over."""

    name: str
    work: Callable[[], Awaitable[object]]
    every: float
    timeout: float
    _trouble: str | None = None

    async def run(self) -> None:
        """Do it until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            began = now()
            await self.once()
            await asyncio.sleep(max(LEAST_PAUSE, self.every - (now() - began)))

    async def once(self) -> None:
        """Do it once; no error leaves."""
        with structlog.contextvars.bound_contextvars(correlation_id=uuid4().hex, chore=self.name):
            try:
                async with asyncio.timeout(self.timeout):
                    result = await self.work()
            except Exception as error:  # noqa: BLE001 (a chore goes on, whatever happened to it)
                if self._is_news(type(error).__name__):
                    _complain(error)
                return
            if self._is_news(None):
                log.info("chore runs again")
            if result:
                log.info("chore done", result=str(result))

    def _is_news(self, trouble: str | None) -> bool:
        """Remember what is wrong; return whether it is something else than before."""
        former, self._trouble = self._trouble, trouble
        return trouble != former


def _complain(error: Exception) -> None:
    if isinstance(error, Unavailable):
        log.warning("chore could not run now", reason=error.message)
    elif isinstance(error, TimeoutError):
        log.warning("chore took too long")
    else:
        log.error("chore failed", exc_info=error)


def chores_of(container: AsyncContainer, specs: Sequence[ChoreSpec]) -> list[Chore]:
    """Return the chores of the registry, each over a scope of its own each time."""
    return [
        Chore(name=one.name, work=_work(container, one.use_case), every=one.every, timeout=one.timeout)
        for one in specs
    ]


def _work(container: AsyncContainer, kind: type[Any]) -> Callable[[], Awaitable[object]]:
    async def work() -> object:
        async with container() as scope:
            use_case: Callable[[Principal], Awaitable[object]] = await scope.get(kind)
            return await use_case(SYSTEM)

    return work
