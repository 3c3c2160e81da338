# ruff: noqa: ASYNC220, ASYNC240 - a test may block its own loop for a moment
"""Starting, restarting and stopping on real binaries."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from embedded_tools import eventually, push, query, servers_of

from waardhaven.adapters.outbound.embedded import (
    EmbeddedServerError,
    EmbeddedServers,
    attach,
)
from waardhaven.adapters.outbound.embedded.account import server_account


def leader(data_dir: Path, program: str) -> psutil.Process:
    """Return the server process of that program that we started ourselves."""
    found = [process for process in servers_of(data_dir) if process.name() == program]
    return next(process for process in found if process.ppid() == os.getpid())


async def test_rows_and_list_items_survive_a_stop_and_a_start(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path / "data") as endpoints:
        await query(endpoints.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        push(endpoints.redis_url, "item")
    async with EmbeddedServers(tmp_path / "data") as endpoints:
        assert await query(endpoints.database_url, "SELECT answer FROM kept") == 42
        assert push(endpoints.redis_url, "item") == 2


async def test_database_has_the_settings_we_chose(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path / "data", valkey=False) as endpoints:
        url = endpoints.database_url
        for name, value in {
            "jit": "off",
            "fsync": "on",
            "data_checksums": "on",
            "server_encoding": "UTF8",
            "listen_addresses": "",
            "TimeZone": "UTC",
            "is_superuser": "off",
        }.items():
            assert await query(url, f"SELECT current_setting('{name}')") == value
        provider = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'waardhaven'"
        assert await query(url, provider) == "bC.UTF-8"
        assert endpoints.redis_url is None


async def test_others_can_attach_only_while_it_runs(tmp_path: Path) -> None:
    assert attach(tmp_path / "data") is None
    async with EmbeddedServers(tmp_path / "data", postgres=False) as endpoints:
        assert attach(tmp_path / "data") == endpoints
        assert (tmp_path / "data" / "state.json").stat().st_mode & 0o777 == 0o600
    assert attach(tmp_path / "data") is None


async def test_two_directories_have_servers_of_their_own_at_once(tmp_path: Path) -> None:
    async with (
        EmbeddedServers(tmp_path / "one") as one,
        EmbeddedServers(tmp_path / "two") as two,
    ):
        await query(one.database_url, "CREATE TABLE only_in_one ()")
        assert await query(two.database_url, "SELECT to_regclass('only_in_one')") is None
        assert push(one.redis_url, "item") == push(two.redis_url, "item") == 1


async def test_second_supervisor_is_refused_and_told_who_holds_the_directory(
    tmp_path: Path,
) -> None:
    async with EmbeddedServers(tmp_path / "data", postgres=False) as endpoints:
        with pytest.raises(EmbeddedServerError, match=f"in use by process {os.getpid()}"):
            await EmbeddedServers(tmp_path / "data", postgres=False).start()
        assert push(endpoints.redis_url, "item") == 1


async def test_killed_postgres_comes_back_with_every_committed_row(tmp_path: Path) -> None:
    events: list[str] = []
    async with EmbeddedServers(tmp_path, valkey=False, on_event=events.append) as endpoints:
        await query(endpoints.database_url, "CREATE TABLE kept AS SELECT generate_series(1, 1000)")
        killed = leader(tmp_path, "postgres")
        killed.kill()
        await eventually(lambda: "is back" in events[-1], "PostgreSQL is back")
        assert not killed.is_running(), "the zombie was not reaped"
        assert await query(endpoints.database_url, "SELECT count(*) FROM kept") == 1000
    assert events[-2] == "PostgreSQL was killed by SIGKILL; restarting in 0.1 s"


async def test_killed_valkey_comes_back_with_every_list_item(tmp_path: Path) -> None:
    events: list[str] = []
    async with EmbeddedServers(tmp_path, postgres=False, on_event=events.append) as endpoints:
        for number in range(50):
            push(endpoints.redis_url, str(number))
        killed = leader(tmp_path, "valkey-server")
        killed.kill()
        await eventually(lambda: "is back" in events[-1], "Valkey is back")
        assert not killed.is_running(), "the zombie was not reaped"
        assert push(endpoints.redis_url, "one more") == 51


async def test_server_that_cannot_come_back_is_reported_in_one_line(tmp_path: Path) -> None:
    servers = EmbeddedServers(tmp_path, postgres=False)
    async with servers:
        # the append-only file's manifest is what Valkey refuses to start without understanding
        (tmp_path / "valkey" / "appendonlydir" / "appendonly.aof.manifest").write_text("damage\n")
        leader(tmp_path, "valkey-server").kill()
        with pytest.raises(EmbeddedServerError, match="gave up after 5 restarts") as caught:
            await servers.failed()
        assert "\n" not in str(caught.value)
        assert str(tmp_path / "logs" / "valkey.log") in str(caught.value)


async def test_failed_returns_when_the_servers_are_stopped(tmp_path: Path) -> None:
    servers = EmbeddedServers(tmp_path, postgres=False)
    await servers.start()
    await servers.stop()
    await servers.stop()
    await servers.failed()
    assert servers_of(tmp_path) == []


async def test_failed_start_says_what_the_server_wrote_and_leaves_nothing(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, valkey=False):
        pass
    (tmp_path / "postgres" / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedServerError, match="no_such_setting") as caught:
        await EmbeddedServers(tmp_path).start()
    assert "\n" not in str(caught.value)
    assert servers_of(tmp_path) == []
    assert not (tmp_path / "run").exists()
    async with EmbeddedServers(tmp_path, postgres=False):
        """The lock is free again."""


async def test_process_id_that_someone_else_has_now_is_left_alone(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, valkey=False):
        pass
    account = server_account(())
    with subprocess.Popen(["/bin/sleep", "60"], user=account.uid if account else None) as other:
        try:
            stale = f"{other.pid}\n{tmp_path}/postgres\n1\n5432\n\n\n"
            (tmp_path / "postgres" / "postmaster.pid").write_text(stale)
            async with EmbeddedServers(tmp_path, valkey=False) as endpoints:
                assert await query(endpoints.database_url, "SELECT 1") == 1
            assert other.poll() is None
        finally:
            other.kill()


@pytest.mark.parametrize("name", ['with space, comma and "quote"', "é" * 20])
async def test_unusual_path_is_no_obstacle(tmp_path: Path, name: str) -> None:
    async with EmbeddedServers(tmp_path / name) as endpoints:
        assert await query(endpoints.database_url, "SELECT 1") == 1
        assert push(endpoints.redis_url, "item") == 1


async def test_long_path_gets_a_private_short_socket_directory(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30) / ("path" * 30)
    async with EmbeddedServers(data_dir) as endpoints:
        assert await query(endpoints.database_url, "SELECT 1") == 1
        assert push(endpoints.redis_url, "item") == 1
        sockets = Path((data_dir / "scratch").read_text().strip())
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


async def test_servers_stop_cleanly_within_a_second(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path) as endpoints:
        insert = "CREATE TABLE kept AS SELECT generate_series(1, 10000)"
        await query(endpoints.database_url, insert)
        programs = [leader(tmp_path, "postgres"), leader(tmp_path, "valkey-server")]
        begin = time.monotonic()
    assert time.monotonic() - begin < 1.0
    assert not any(program.is_running() for program in programs)
    assert "database system is shut down" in (tmp_path / "logs" / "postgres.log").read_text()
    assert "ready to exit" in (tmp_path / "logs" / "valkey.log").read_text()


async def test_cancelled_first_start_leaves_nothing_running_and_can_be_repeated(tmp_path: Path) -> None:
    start = asyncio.ensure_future(EmbeddedServers(tmp_path).start())
    await eventually(lambda: list(tmp_path.glob("postgres.new-*/base")), "initdb is in the middle")
    start.cancel()
    await asyncio.wait({start})
    assert start.cancelled()
    await eventually(lambda: not servers_of(tmp_path), "what initdb had started is killed with it")
    async with EmbeddedServers(tmp_path) as endpoints:
        assert await query(endpoints.database_url, "SELECT 1") == 1
