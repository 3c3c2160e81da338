"""Waiting for a database that is not there yet: bounded, with growing pauses."""

import asyncio
from collections.abc import Callable

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.errors import DatabaseUnavailable

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0


async def reach_database(
    database: Database, *, tries: int, tell: Callable[[str], None] | None = None
) -> None:
    """Return once the database answers; raise DatabaseUnavailable after ``tries`` failures."""
    pause = FIRST_PAUSE
    for attempt in range(1, tries + 1):
        try:
            async with database.acquire() as connection:
                await connection.fetchval("SELECT 1")
        except DatabaseUnavailable as error:
            if attempt == tries:
                raise DatabaseUnavailable(
                    f"The database could not be reached in {tries} tries: {error.message} "
                    "Check DATABASE_URL and that the server runs."
                ) from error
            if tell:
                tell(f"waiting for the database (try {attempt} of {tries})")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        else:
            return
