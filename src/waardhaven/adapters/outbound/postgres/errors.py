"""From driver failures to our errors: constraint names to rules, lost servers to Unavailable."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from waardhaven.application.ports.users import EmailTaken, UsernameTaken
from waardhaven.domain.errors import Conflict, FieldError, Invalid, Unavailable, WaardhavenError
from waardhaven.domain.index.build_record import StaleBuild


class DatabaseUnavailable(Unavailable):
    """The database is out of reach, starting, or refused the connection."""


class ConstraintBroken(Invalid):
    """A rule of the schema refused the rows."""


class ConcurrentChange(Conflict):
    """Another transaction changed the same rows first."""


class UnknownSeries(Invalid):
    """Prices were offered for a series that does not exist."""


CONSTRAINTS: dict[str, WaardhavenError] = {
    "uq_app_user_email": EmailTaken("An account with that e-mail address exists already."),
    "uq_app_user_username": UsernameTaken("An account with that username exists already."),
    "uq_publication_chain": StaleBuild("Another publication of this index came first. Build again."),
    "fk_price_series_id_series": UnknownSeries("Prices name a series that does not exist."),
    "fk_price_series_id": UnknownSeries("Prices name a series that does not exist."),
}

_UNREACHABLE = (
    OSError,
    PoolTimeout,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
)


def translate(error: BaseException) -> WaardhavenError | None:
    """Return our error for a driver failure, None when it is not one."""
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(cause, asyncpg.IntegrityConstraintViolationError):
        return _broken(cause)
    if isinstance(cause, asyncpg.SerializationError | asyncpg.DeadlockDetectedError):
        return ConcurrentChange("Another change came first. Try again.")
    if isinstance(cause, TimeoutError):
        return DatabaseUnavailable("The database did not answer in time.")
    if isinstance(cause, _UNREACHABLE):
        return DatabaseUnavailable(f"The database is out of reach ({type(cause).__name__}).")
    return None


def _broken(cause: asyncpg.IntegrityConstraintViolationError) -> WaardhavenError:
    name = str(getattr(cause, "constraint_name", "") or "")
    known = CONSTRAINTS.get(name)
    if known is not None:
        return type(known)(known.message)
    field = str(getattr(cause, "column_name", "") or getattr(cause, "table_name", "") or "row")
    return ConstraintBroken(
        f"The database refused the change: rule {name or 'unknown'}.",
        errors=[FieldError(field=field, rule=name or "integrity")],
    )


@contextmanager
def translated() -> Iterator[None]:
    """Raise our error in place of a driver's, keeping the cause for the log."""
    try:
        yield
    except WaardhavenError:
        raise
    except Exception as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error
