"""What the service needs on a machine, checked without changing anything."""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from waardhaven.adapters.inbound.http.config import VENDORED
from waardhaven.adapters.outbound.embedded import EmbeddedServerError, attach
from waardhaven.adapters.outbound.market_data.sample import SampleMarketData
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.probe import PostgresProbe
from waardhaven.application.ports.market_data import CorruptSource
from waardhaven.bootstrap.code_version import code_version
from waardhaven.bootstrap.settings import InvalidSettings, Settings

GIBIBYTE = 1024**3
ENOUGH_DISK = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check and what it found."""

    name: str
    good: bool
    detail: str


async def examine(read: Callable[[], Settings]) -> list[Finding]:
    """Return every finding; nothing is started or written."""
    try:
        settings = read()
    except InvalidSettings as error:
        return [_python(), Finding(name="settings", good=False, detail=error.message)]
    return [
        _python(),
        _code(),
        Finding(name="settings", good=True, detail=f"data in {settings.data_dir}"),
        _disk(settings),
        _pages(),
        await _sample(),
        *await _servers(settings),
        _port(settings),
    ]


def _python() -> Finding:
    return Finding(
        name="python",
        good=sys.version_info >= (3, 11),
        detail=f"{platform.python_version()} on {platform.platform(terse=True)}",
    )


def _code() -> Finding:
    code = code_version()
    return Finding(name="code", good=True, detail=f"{code.package}, domain {code.digest[:12]}")


def _disk(settings: Settings) -> Finding:
    place = next(one for one in (settings.data_dir, *settings.data_dir.parents) if os.path.exists(one))  # noqa: PTH110 (Path.exists raises where we may not look)
    free = shutil.disk_usage(place).free / GIBIBYTE
    return Finding(name="disk", good=free >= ENOUGH_DISK, detail=f"{free:.1f} GiB free")


def _pages() -> Finding:
    there = VENDORED.is_dir() and any(VENDORED.iterdir())
    detail = "there" if there else "missing: run `make assets` in a checkout"
    return Finding(name="API pages", good=there, detail=detail)


async def _sample() -> Finding:
    try:
        count = len(await SampleMarketData().listings())
    except CorruptSource as error:
        return Finding(name="sample market", good=False, detail=error.message)
    return Finding(name="sample market", good=True, detail=f"{count} instruments")


async def _servers(settings: Settings) -> list[Finding]:
    url = settings.database_url
    if url is None:
        try:
            running = attach(settings.data_dir)
        except EmbeddedServerError as error:
            return [Finding(name="servers", good=False, detail=str(error))]
        if running is None or running.database_url is None:
            return [Finding(name="servers", good=True, detail="private ones, not running now")]
        url = running.database_url
    database = Database(url)
    try:
        health = await PostgresProbe(database).check()
    finally:
        await database.close()
    return [Finding(name="database", good=health.ready, detail=health.detail)]


def _port(settings: Settings) -> Finding:
    try:
        socket.create_connection((settings.host, settings.port), timeout=1).close()
        taken = True
    except (OSError, UnicodeError):
        taken = False
    detail = f"{settings.host}:{settings.port} " + ("answers (running already?)" if taken else "is free")
    return Finding(name="port", good=True, detail=detail)
