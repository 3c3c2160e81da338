"""A document of a provider, kept as long as the provider says and no longer than is wise."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from waardhaven.adapters.outbound.http_session.session import Answer, RequestFailed
from waardhaven.adapters.outbound.identity_providers.distrust import Unusable
from waardhaven.application.ports.clock import Clock

log = structlog.get_logger(__name__)
T = TypeVar("T")

SHORTEST = timedelta(seconds=60)
LONGEST = timedelta(hours=24)
USUAL = timedelta(hours=1)
STALE = timedelta(hours=24)
"""How long a document outlives its time while no newer one is to be had."""
BETWEEN_NEWER = timedelta(seconds=30)
AFTER_FAILURE = timedelta(seconds=5)
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?=$|[\s,])")
_UNCACHED = re.compile(r"(?:^|[\s,])no-(?:store|cache)(?=$|[\s,])")


def lifetime(answer: Answer) -> timedelta:
    """Return how long an answer is fresh by its Cache-Control: a minute to a day, an hour when silent."""
    directives = answer.headers.get("cache-control", "").lower()
    if _UNCACHED.search(directives):
        return SHORTEST
    age = _MAX_AGE.search(directives)
    return USUAL if age is None else min(max(timedelta(seconds=int(age[1])), SHORTEST), LONGEST)


class Remembered(Generic[T]):
    """Asks once however many wait, and pauses after a failure; ``fetch`` raises Unusable or RequestFailed."""

    def __init__(self, fetch: Callable[[], Awaitable[tuple[T, timedelta]]], clock: Clock) -> None:
        """Remember what ``fetch`` returns for the time it returns."""
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._attempts = 0
        self._kept: tuple[T, datetime] | None = None
        self._failed_at: datetime | None = None
        self._newer_at: datetime | None = None

    async def get(self) -> T:
        """Return the document; raise Unusable when there is none that may still be used."""
        if self._kept is None or self._clock.now() >= self._kept[1]:
            await self._ask()
        return self._usable()

    async def newer(self) -> T:
        """Ask again, at most once in 30 seconds, and return what is known then; raise Unusable."""
        if self._has_passed(BETWEEN_NEWER, self._newer_at):
            await self._ask()
            self._newer_at = self._clock.now()
        return self._usable()

    async def _ask(self) -> None:
        seen = self._attempts
        async with self._lock:
            if self._attempts == seen and self._has_passed(AFTER_FAILURE, self._failed_at):
                await self._attempt()

    async def _attempt(self) -> None:
        try:
            value, fresh = await self._fetch()
        except (Unusable, RequestFailed) as error:
            log.warning("provider_document_not_read", reason=str(error))
            self._failed_at = self._clock.now()
        else:
            self._failed_at = None
            self._kept = (value, self._clock.now() + fresh)
        self._attempts += 1

    def _usable(self) -> T:
        if self._kept is None or self._clock.now() >= self._kept[1] + STALE:
            raise Unusable("no document of the provider may be used")
        return self._kept[0]

    def _has_passed(self, pause: timedelta, since: datetime | None) -> bool:
        return since is None or not timedelta(0) <= self._clock.now() - since < pause
