"""Waiting for a database that is not there yet: bounded, with growing pauses."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.errors import DatabaseUnavailable
from waardhaven.adapters.outbound.postgres.migrations import current, head
from waardhaven.bootstrap.settings import InvalidSettings
from waardhaven.domain.errors import Unavailable

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
FIRST_LOOK_SECONDS = 2.0
DYING_SECONDS = 1.0
"""How long after a statement failed a connection may still seem alive although its server died."""
REFUSALS = {
    "28P01": "the user or the password is wrong",
    "28000": "this user may not connect",
    "3D000": "there is no database of this name",
}
"""What trying again can not cure, by SQLSTATE."""


class WrongSchema(Unavailable):
    """The database is not at the revision this version needs."""


async def require_access(database: Database) -> None:
    """Raise InvalidSettings when the database refuses us; one that is out of reach may come later."""
    with suppress(DatabaseUnavailable, TimeoutError):
        async with asyncio.timeout(FIRST_LOOK_SECONDS):
            await reach_database(database, tries=1)


async def reach_database(
    database: Database, *, tries: int, tell: Callable[[str], None] | None = None
) -> None:
    """Return once the database answers.

    Raises DatabaseUnavailable after ``tries`` failures, InvalidSettings at once when it refuses us.
    """
    pause = FIRST_PAUSE
    for attempt in range(1, tries + 1):
        try:
            async with database.acquire() as connection:
                await connection.fetchval("SELECT 1")
        except DatabaseUnavailable as error:
            if reason := _refusal(error):
                raise InvalidSettings(f"The database refuses DATABASE_URL: {reason}.") from error
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


async def while_connected(database: Database, work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns; raise DatabaseUnavailable when the server goes away meanwhile.

    A connection of its own tells: a COPY may wait for long on one that died, and what other statements
    raise while a server dies takes many forms.
    """
    lost = asyncio.Event()
    task = asyncio.ensure_future(work)
    try:
        async with database.acquire() as connection:
            tell = _teller(lost)
            connection.add_termination_listener(tell)
            try:
                return await _unless_lost(task, lost)
            finally:
                connection.remove_termination_listener(tell)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _teller(event: asyncio.Event) -> Callable[[object], None]:
    def tell(_connection: object) -> None:
        event.set()

    return tell


async def _unless_lost(task: "asyncio.Future[T]", lost: asyncio.Event) -> T:
    waiting = asyncio.ensure_future(lost.wait())
    both: set[asyncio.Future[Any]] = {task, waiting}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if task.done() and task.exception() is not None:
            await asyncio.wait({waiting}, timeout=DYING_SECONDS)
        if lost.is_set():
            raise DatabaseUnavailable("The database went away.")
        return task.result()
    finally:
        waiting.cancel()


async def require_schema(database: Database) -> None:
    """Raise WrongSchema unless the database has the schema this version needs."""
    found, needed = await current(database), head()
    if found != needed:
        raise WrongSchema(
            f"The database has schema {found or 'none'}, this version needs {needed}: "
            "run `waardhaven migrate` or `waardhaven up`."
        )


def _refusal(error: BaseException) -> str | None:
    cause: BaseException | None = error
    while cause is not None:
        if reason := REFUSALS.get(str(getattr(cause, "sqlstate", None))):
            return reason
        cause = cause.__cause__
    return None
