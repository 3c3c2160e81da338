"""Who can reach the servers, and what the servers can see."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import redis
from embedded_tools import Supervise, push, query, servers_of, write_rows

from waardhaven.adapters.outbound.embedded import EmbeddedServers, Endpoints

PLAIN_PYTHON = Path("/usr/bin/python3")
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
CONNECT = """
import socket, sys
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except PermissionError:
    print("refused")
"""


def why_no_second_user() -> str:
    """Return why tests with a second user cannot run here, or nothing."""
    if os.geteuid() != 0:
        return "only root can become another user"
    ours = f"Python {sys.version_info.major}.{sys.version_info.minor}."
    try:
        theirs = subprocess.run(
            [*AS_NOBODY, str(PLAIN_PYTHON), "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return "no Python that every user can run"
    return "" if theirs.startswith(ours) else f"{PLAIN_PYTHON} is not {ours}x"


NEEDS_SECOND_USER = pytest.mark.skipif(bool(why_no_second_user()), reason=why_no_second_user())


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def sockets(endpoints: Endpoints) -> list[Path]:
    """Return the socket files the endpoints name."""
    [directory] = parse_qs(urlsplit(endpoints.database_url or "").query)["host"]
    return [Path(directory) / ".s.PGSQL.5432", Path(urlsplit(endpoints.redis_url or "").path)]


async def test_everything_is_closed_to_others_and_nothing_listens_on_tcp(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path) as endpoints:
        postgres_socket, valkey_socket = sockets(endpoints)
        for directory in (
            tmp_path,
            tmp_path / "logs",
            tmp_path / "postgres",
            postgres_socket.parent,
        ):
            assert mode(directory) == 0o700
        for file in ("passwords.json", "state.json", "lock", "logs/valkey.log"):
            assert mode(tmp_path / file) == 0o600
        assert mode(tmp_path / "valkey" / "valkey.conf") == 0o600
        assert mode(postgres_socket) == mode(valkey_socket) == 0o700
        for process in servers_of(tmp_path):
            assert process.net_connections(kind="inet") == []


async def test_postgres_refuses_whoever_has_no_password(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, valkey=False) as endpoints:
        url = urlsplit(endpoints.database_url or "")
        for password in ("", "wrong"):
            refused = url._replace(netloc=f"waardhaven:{password}@").geturl()
            with pytest.raises(asyncpg.PostgresError, match="password"):
                await asyncpg.connect(refused, passfile="/no/such/file")
        rules = (tmp_path / "postgres" / "pg_hba.conf").read_text().splitlines()
        methods = {rule.split()[-1] for rule in rules if rule and not rule.startswith("#")}
        assert methods == {"scram-sha-256"}


async def test_valkey_refuses_whoever_has_no_password(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, postgres=False) as endpoints:
        url = urlsplit(endpoints.redis_url or "")
        for netloc in ("", ":wrong@"):
            with (
                redis.Redis.from_url(f"unix://{netloc}{url.path}") as client,
                pytest.raises((redis.AuthenticationError, redis.ResponseError)),
            ):
                client.ping()


def test_servers_inherit_nothing_from_our_environment(tmp_path: Path, supervise: Supervise) -> None:
    env = {
        "API_KEY": "secret",
        "PGDATA": "/elsewhere",
        "PGPORT": "1",
        "LC_ALL": "C",
        "TZ": "Asia/Tokyo",
    }
    endpoints = supervise(tmp_path, env=env).next_line("ready")
    assert write_rows(endpoints["database_url"], 1) == 1
    for process in servers_of(tmp_path):
        environment = process.environ()
        assert not environment.keys() & {"API_KEY", "PGPORT", "PYTHONPATH", "HOME"}
        assert environment.get("PGDATA") != "/elsewhere"
        if "-D" in process.cmdline():  # backends write their titles over their environment
            assert environment["LC_ALL"] == "C.UTF-8"
            assert environment["TZ"] == "UTC"


@NEEDS_SECOND_USER
@pytest.mark.parametrize("deep", ["short", "long" * 40])
def test_another_local_user_cannot_reach_the_sockets(
    open_directory: Path, supervise: Supervise, deep: str
) -> None:
    ready = supervise(open_directory / deep).next_line("ready")
    for path in sockets(Endpoints(ready["database_url"], ready["redis_url"])):
        # a user unlike the one the servers run as: that one, like root, may
        command = ["setpriv", "--reuid=54321", "--clear-groups", str(PLAIN_PYTHON), "-c", CONNECT, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "refused"


@NEEDS_SECOND_USER
def test_root_and_an_ordinary_user_run_servers_side_by_side(
    tmp_path: Path, open_directory: Path, supervise: Supervise
) -> None:
    ours = supervise(tmp_path).next_line("ready")
    os.chown(open_directory, 65534, 65534)
    theirs = supervise(
        open_directory / 'a, "b" é',
        prefix=AS_NOBODY,
        python=str(PLAIN_PYTHON),
        env={"LC_ALL": "C.UTF-8"},
    ).next_line("ready")
    assert write_rows(ours["database_url"], 1) == 1
    assert write_rows(theirs["database_url"], 2) == 2
    assert push(ours["redis_url"], "item") == push(theirs["redis_url"], "item") == 1
    owners = {process.uids().real for process in servers_of(open_directory / 'a, "b" é')}
    assert owners == {65534}


async def test_role_of_the_application_is_no_superuser(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, valkey=False) as endpoints:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await query(endpoints.database_url, "COPY (SELECT 1) TO PROGRAM 'true'")
