"""Settings with every server address known: set, found running, or started for the moment."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from waardhaven.adapters.outbound.embedded import EmbeddedServers, Endpoints, attach
from waardhaven.adapters.outbound.embedded.data_dir import is_locked
from waardhaven.adapters.outbound.embedded.private_file import write_private
from waardhaven.bootstrap.settings import InvalidSettings, Settings

SECRET_FILE = "secret_key"  # noqa: S105 (a file name)
STARTING_SECONDS = 30.0
LOOK_SECONDS = 0.1
POOL = (5, 10)
"""Connections and overflow of one process on the private server, which allows 60 in all."""


@asynccontextmanager
async def connected(
    settings: Settings, *, tell: Callable[[str], None] | None = None, share: bool = True
) -> AsyncIterator[tuple[Settings, EmbeddedServers | None]]:
    """Lend settings in which both addresses and the secret key are set.

    Servers that are not set externally are those of a running ``waardhaven up`` on the same data
    directory, or else are started here and stopped at the end; then the second value is not None.
    Without ``share`` a data directory in use by others is an error.
    """
    if not (settings.embedded_database or settings.embedded_cache):
        yield _require_secret(settings), None
        return
    running = await _find(settings.data_dir) if share else None
    async with AsyncExitStack() as stack:
        servers = None
        if running is None:
            servers = EmbeddedServers(
                settings.data_dir,
                postgres=settings.embedded_database,
                valkey=settings.embedded_cache,
                on_event=tell,
            )
            running = await stack.enter_async_context(servers)
        yield _with_secret(_filled(settings, running)), servers


async def _find(data_dir: Path) -> Endpoints | None:
    """Return the running servers; wait for those that somebody is just starting, or stopping."""
    for _ in range(round(STARTING_SECONDS / LOOK_SECONDS)):
        if (found := attach(data_dir)) is not None:
            return found
        if not _is_in_use(data_dir):
            return None
        await asyncio.sleep(LOOK_SECONDS)
    return None


def _is_in_use(data_dir: Path) -> bool:
    try:
        return is_locked(data_dir)
    except OSError:  # not a directory, or not ours: who starts servers there says so
        return False


def _filled(settings: Settings, endpoints: Endpoints) -> Settings:
    size, overflow = settings.database_pool_size, settings.database_max_overflow
    if settings.embedded_database:
        settings = replace(
            settings,
            database_url=endpoints.database_url,
            database_pool_size=size or POOL[0],
            database_max_overflow=POOL[1] if overflow is None else overflow,
        )
    if settings.embedded_cache:
        settings = replace(settings, redis_url=endpoints.redis_url)
    if settings.database_url is None or settings.redis_url is None:
        raise InvalidSettings(
            "The running `waardhaven up` uses other servers: set DATABASE_URL and REDIS_URL as it does."
        )
    return settings


def _with_secret(settings: Settings) -> Settings:
    """Keep a generated SECRET_KEY beside the private servers; never invent one for anybody else's."""
    if settings.secret_key is not None:
        return settings
    path = settings.data_dir / SECRET_FILE
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    return replace(settings, secret_key=path.read_text(encoding="utf-8").strip())


def _require_secret(settings: Settings) -> Settings:
    if settings.secret_key is None:
        raise InvalidSettings(
            "SECRET_KEY is not set. With external servers, set it to at least 32 random characters."
        )
    return settings
