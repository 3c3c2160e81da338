"""What happens to the servers when the supervisor dies, and to the next one."""

import os
import subprocess
from pathlib import Path

import psutil
import pytest
from embedded_tools import Supervise, alive, is_zombie, push, servers_of, wait_until, write_rows

from waardhaven.adapters.outbound.embedded import attach

ON_LINUX = pytest.mark.skipif(not psutil.LINUX, reason="only Linux tells children of a death")


@ON_LINUX
@pytest.mark.parametrize("death", ["SIGKILL", "SIGTERM"])
def test_servers_end_with_a_killed_supervisor_and_the_next_has_their_data(
    tmp_path: Path, supervise: Supervise, death: str
) -> None:
    first = supervise(tmp_path)
    endpoints = first.next_line("ready")
    write_rows(endpoints["database_url"], 100)
    push(endpoints["redis_url"], "item")
    {"SIGKILL": first.process.kill, "SIGTERM": first.process.terminate}[death]()
    first.process.wait()
    wait_until(lambda: not servers_of(tmp_path), "the servers are gone")
    assert attach(tmp_path) is None

    second = supervise(tmp_path, graceful=True)
    endpoints = second.next_line("ready")
    assert write_rows(endpoints["database_url"], 1) == 101
    assert push(endpoints["redis_url"], "item") == 2
    second.process.terminate()
    second.next_line("stopped")
    assert servers_of(tmp_path) == []


def test_orphans_of_a_killed_supervisor_are_stopped_by_the_next(tmp_path: Path, supervise: Supervise) -> None:
    first = supervise(tmp_path, die_with_parent=False)
    endpoints = first.next_line("ready")
    write_rows(endpoints["database_url"], 100)
    push(endpoints["redis_url"], "item")
    first.process.kill()
    first.process.wait()
    orphans = servers_of(tmp_path)
    assert {orphan.name() for orphan in orphans} == {"postgres", "valkey-server"}

    second = supervise(tmp_path, graceful=True)
    assert "that a dead supervisor left running" in second.next_line("event")["event"]
    endpoints = second.next_line("ready")
    assert not any(alive(orphan.pid) for orphan in orphans)
    assert write_rows(endpoints["database_url"], 1) == 101
    assert push(endpoints["redis_url"], "item") == 2


def test_socket_directory_of_a_killed_supervisor_is_removed_by_the_next(
    tmp_path: Path, supervise: Supervise
) -> None:
    data_dir = tmp_path / ("long" * 30) / "path"
    first = supervise(data_dir, postgres=False)
    first.next_line("ready")
    left = Path((data_dir / "scratch").read_text().strip())
    first.process.kill()
    first.process.wait()
    assert left.is_dir()
    second = supervise(data_dir, postgres=False)
    second.next_line("ready")
    assert not left.exists()


def test_state_of_a_dead_supervisor_is_not_believed_when_its_process_id_lives_again(
    tmp_path: Path, supervise: Supervise
) -> None:
    supervisor = supervise(tmp_path, postgres=False)
    supervisor.next_line("ready")
    state = tmp_path / "state.json"
    said = state.read_text()
    supervisor.process.kill()
    supervisor.process.wait()
    state.write_text(said.replace(str(supervisor.process.pid), str(os.getpid())))
    assert attach(tmp_path) is None


PROCESS_ONE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def may_be_process_one() -> bool:
    """Whether this machine lets us have a process namespace of our own."""
    try:
        return subprocess.run([*PROCESS_ONE, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not may_be_process_one(), reason="unshare --pid is not permitted here")
def test_as_process_one_it_restarts_a_killed_server_reaps_orphans_and_stops(
    tmp_path: Path, supervise: Supervise
) -> None:
    supervisor = supervise(tmp_path, prefix=PROCESS_ONE, graceful=True, orphan="sleep 0.3")
    endpoints = supervisor.next_line("ready")
    assert endpoints["pid"] == 1
    write_rows(endpoints["database_url"], 100)
    push(endpoints["redis_url"], "item")
    [inside] = psutil.Process(supervisor.process.pid).children()
    by_name = {child.name(): child for child in inside.children()}
    for program in ("postgres", "valkey-server"):
        by_name[program].kill()
        while "is back" not in supervisor.next_line("event")["event"]:
            pass
    assert write_rows(endpoints["database_url"], 1) == 101
    assert push(endpoints["redis_url"], "item") == 2
    wait_until(lambda: not any(map(is_zombie, inside.children())), "no zombie is left")
    assert {child.name() for child in inside.children()} == {"postgres", "valkey-server"}
    inside.terminate()
    supervisor.next_line("stopped")
    wait_until(lambda: not servers_of(tmp_path), "the servers are gone")
