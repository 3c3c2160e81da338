"""Work that goes on whatever happens to what it needs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from waardhaven.domain.errors import Unavailable

PAUSE_SECONDS: Final = 0.5
log = structlog.get_logger(__name__)


async def persisting(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do ``work``, again after a pause whenever it fails or ends; tell of the first failure in a row."""
    told = ""
    while True:
        try:
            await work()
        except (Unavailable, OSError) as error:
            if type(error).__name__ != told:
                told = type(error).__name__
                log.warning("live_reader_waits", reader=name, error=told)
        except Exception:
            log.exception("live_reader_failed", reader=name)
        await asyncio.sleep(PAUSE_SECONDS)
