"""Answers that take the same time whatever there was to do."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def at_least(seconds: float) -> AsyncIterator[None]:
    """Let the block end no sooner than ``seconds`` after it began, also when it raises."""
    ends = time.monotonic() + seconds
    try:
        yield
    finally:
        await asyncio.sleep(max(0.0, ends - time.monotonic()))
