"""From driver failures to our errors: constraint names to rules, lost servers to Unavailable."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from waardhaven.application.ports.price_store import UnknownSeries
from waardhaven.application.ports.users import EmailTaken, UsernameTaken
from waardhaven.domain.errors import Conflict, FieldError, Invalid, Unavailable, WaardhavenError
from waardhaven.domain.index.build_record import StaleBuild
from waardhaven.domain.jobs.job import IllegalTransition, KeyReused
from waardhaven.domain.market.prices import MalformedPrices


class DatabaseUnavailable(Unavailable):
    """The database is out of reach, starting, or refused the connection."""


class ConstraintBroken(Invalid):
    """A rule of the schema refused the rows."""


class ConcurrentChange(Conflict):
    """Another transaction changed the same rows first."""


class UnstorableValue(Invalid):
    """A value no column can hold: a text with a zero byte, a number out of range, a key given twice."""


CONSTRAINTS: dict[str, WaardhavenError] = {
    "uq_app_user_email": EmailTaken("An account with that e-mail address exists already."),
    "uq_app_user_username": UsernameTaken("An account with that username exists already."),
    "uq_publication_chain": StaleBuild("Another publication of this index came first. Build again."),
    "uq_job_idempotency_key": KeyReused("The idempotency key belongs to another job."),
    "job_transition": IllegalTransition("The job is in a state from which this is not possible."),
    "price_references": UnknownSeries("Prices name a series that does not exist."),
    **{
        f"ck_price_{rule}": MalformedPrices(f"The prices break a rule of a daily bar: {rule}.")
        for rule in (
            "close_is_a_price",
            "high_is_not_below_close",
            "low_is_not_above_close",
            "open_is_a_price_or_unknown",
            "volume_is_not_negative",
        )
    },
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
    asyncpg.QueryCanceledError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
)


def translate(error: BaseException) -> WaardhavenError | None:
    """Return our error for a driver failure, None when it is not one."""
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(cause, asyncpg.IntegrityConstraintViolationError):
        return _broken(cause)
    if isinstance(cause, asyncpg.SerializationError | asyncpg.DeadlockDetectedError):
        return ConcurrentChange("Another change came first. Try again.")
    if isinstance(cause, asyncpg.DataError | asyncpg.CardinalityViolationError):
        return UnstorableValue("The database can not hold a value of the request.")
    if isinstance(cause, TimeoutError | asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
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
