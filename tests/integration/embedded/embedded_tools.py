"""Tools for tests with real server binaries."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
import redis

from waardhaven.adapters.outbound.embedded.data_dir import process_tag
from waardhaven.adapters.outbound.embedded.sweep import SERVER_PROGRAMS

DEADLINE = 20.0


@dataclass
class Supervisor:
    """The driver in `supervise.py`, running."""

    process: subprocess.Popen[str]
    data_dir: Path

    def next_line(self, key: str) -> dict[str, Any]:
        """Return the next line that has `key`; fail the test if the driver ends first."""
        assert self.process.stdout is not None
        heard = []
        for line in self.process.stdout:
            facts: dict[str, Any] = json.loads(line)
            if key in facts:
                return facts
            heard.append(line)
        pytest.fail(f"the supervisor ended without {key}: {heard}")


Supervise = Callable[..., Supervisor]


def servers_of(data_dir: Path) -> list[psutil.Process]:
    """Return every living server process of `data_dir`, whoever its parent is."""
    tag = process_tag(data_dir)
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() in SERVER_PROGRAMS and tag in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_servers(data_dir: Path) -> None:
    """End whatever server a test that failed half-way left on `data_dir`."""
    if not data_dir.exists():
        return
    for process in servers_of(data_dir):
        with suppress(psutil.Error):
            process.kill()
    wait_until(lambda: not servers_of(data_dir), "the servers are gone")


def alive(pid: int) -> bool:
    """Whether process `pid` runs; a zombie that nobody has collected yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def is_zombie(process: psutil.Process) -> bool:
    """Whether a process has ended and nobody has collected it; one that is gone was collected."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Poll until `condition` holds; fail the test if it does not in time."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited too long until {what}"
        time.sleep(0.02)


async def eventually(condition: Callable[[], object], what: str) -> None:
    """Poll like `wait_until` without blocking the event loop."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited too long until {what}"
        await asyncio.sleep(0.02)


async def query(database_url: str | None, statement: str) -> Any:
    """Run one statement on a connection of its own; return its first value."""
    assert database_url is not None
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def push(redis_url: str | None, item: str) -> int:
    """Append to a list in Valkey; return its new length."""
    assert redis_url is not None
    with redis.Redis.from_url(redis_url) as client:
        return int(client.rpush("items", item))


def write_rows(database_url: str | None, count: int) -> int:
    """Add `count` rows (with the table, if needed); return how many there are now."""
    asyncio.run(query(database_url, "CREATE TABLE IF NOT EXISTS kept (number int)"))
    insert = f"INSERT INTO kept SELECT generate_series(1, {count})"
    asyncio.run(query(database_url, insert))
    return int(asyncio.run(query(database_url, "SELECT count(*) FROM kept")))
