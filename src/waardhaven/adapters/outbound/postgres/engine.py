"""The connection pool, and driver connections for statements and COPY."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
from sqlalchemy import URL, AsyncAdaptedQueuePool, event, make_url
from sqlalchemy.engine.interfaces import AdaptedConnection
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from waardhaven.adapters.outbound.postgres.errors import translated
from waardhaven.domain.errors import Invalid

Connection: TypeAlias = asyncpg.Connection


ANSWERED, JUST_NOW = "answered", 0.05
"""When a connection last did what was asked of it, and seconds within which it is believed to be alive."""


class InvalidDatabaseUrl(Invalid):
    """DATABASE_URL is not a PostgreSQL address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """Bounds of the pool: seconds for times, connections for sizes."""

    size: int = 20
    overflow: int = 40
    recycle: int = 3600
    checkout_timeout: float = 10.0
    connect_timeout: float = 5.0
    command_timeout: float = 120.0


def parse_url(text: str) -> URL:
    """Return ``text`` as an asyncpg URL; raise InvalidDatabaseUrl without repeating its password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InvalidDatabaseUrl(
            "DATABASE_URL is not a URL of the form postgresql://user:password@host:port/name."
        ) from None
    if url.get_backend_name() != "postgresql" or not url.database:
        raise InvalidDatabaseUrl("DATABASE_URL must start with postgresql:// and name a database.")
    return _renamed(url.set(drivername="postgresql+asyncpg"), "sslmode", "ssl")


def _renamed(url: URL, former: str, name: str) -> URL:
    """Return the address with a parameter under another name: pool and driver differ in this one."""
    query = {name if one == former else one: value for one, value in url.query.items()}
    return url.set(query=query)


def _check(connection: AdaptedConnection, record: ConnectionPoolEntry, _: object) -> None:
    """Ask a server about to be lent whether it is there, unless it answered just now; replace all if not.

    One round trip; the pool's own question takes three, as it begins a transaction for it.
    """
    driver = connection.driver_connection
    answered: float = record.info.pop(ANSWERED, float("-inf"))
    if not driver.is_closed() and time.monotonic() - answered < JUST_NOW:
        return
    try:
        connection.run_async(lambda one: one.execute("SELECT"))
    except Exception as error:
        raise InvalidatePoolError from error


class Database:
    """A pool of connections; every exit gives its connection back, also under cancellation."""

    def __init__(self, url: str, settings: PoolSettings | None = None) -> None:
        bounds = settings or PoolSettings()
        self.url = parse_url(url)
        self.overflow = bounds.overflow
        self.observer: Callable[[asyncpg.connection.LoggedQuery], None] | None = None
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=bounds.size,
            max_overflow=bounds.overflow,
            pool_recycle=bounds.recycle,
            pool_timeout=bounds.checkout_timeout,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={
                "timeout": bounds.connect_timeout,
                "command_timeout": bounds.command_timeout,
                "server_settings": {"application_name": "waardhaven", "timezone": "UTC", "jit": "off"},
            },
        )
        event.listen(self.engine.sync_engine, "checkout", _check)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Lend a driver connection in autocommit; database failures leave as our errors."""
        with translated():
            async with self.engine.connect() as connection:
                raw = await connection.get_raw_connection()
                driver = raw.driver_connection
                if not isinstance(driver, asyncpg.Connection):
                    raise TypeError("The pool must hand out asyncpg connections.")
                if self.observer is None:
                    yield driver
                else:
                    with driver.query_logger(self.observer):
                        yield driver
                raw.info[ANSWERED] = time.monotonic()

    @asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncIterator[Connection]:
        """Lend a connection inside one transaction that commits unless the block raises.

        ``snapshot`` reads everything from one instant (repeatable read, read only).
        """
        async with self.acquire() as connection:
            options = {"isolation": "repeatable_read", "readonly": True} if snapshot else {}
            async with connection.transaction(**options):
                yield connection

    @property
    def dsn(self) -> str:
        """Return the address, password included, as the driver reads it: for connections beside the pool."""
        url = _renamed(self.url, "ssl", "sslmode").set(drivername="postgresql")
        return url.render_as_string(hide_password=False)

    @property
    def checked_out(self) -> int:
        """Return how many connections are lent at this moment."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, AsyncAdaptedQueuePool) else 0

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()
