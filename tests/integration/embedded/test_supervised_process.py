"""A process kept alive, tried with small programs instead of servers."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from embedded_tools import alive, eventually, wait_until

from waardhaven.adapters.outbound.embedded import (
    Command,
    EmbeddedServerError,
    ProcessSpec,
    RestartPolicy,
    SupervisedProcess,
)

QUICK = RestartPolicy(budget=2, first_delay=0.01, longest_delay=0.02)


def shell(script: str, log: Path | None = None) -> Command:
    """Return a command that runs a shell script."""
    return Command(argv=("/bin/sh", "-c", script), log=log)


async def test_process_that_keeps_dying_is_given_up_after_its_budget(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = shell(f"echo life >> {tmp_path}/lives; echo last words >&2; exit 3", log)
    process = SupervisedProcess(ProcessSpec(name="api", command=command, restart=QUICK))
    await process.start()
    with pytest.raises(EmbeddedServerError, match="api exited with status 3") as caught:
        await process.failed()
    assert str(caught.value).endswith(f"gave up after 2 restarts: look into {log}")
    assert log.read_text().count("last words") == 3
    assert (tmp_path / "lives").read_text().count("life") == 3
    await process.stop()


async def test_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    command = Command(argv=("/no/such/program",), log=tmp_path / "log")
    process = SupervisedProcess(ProcessSpec(name="api", command=command, ready=never))
    with pytest.raises(EmbeddedServerError, match="cannot start /no/such/program"):
        await process.start()


async def test_start_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    async def never() -> bool:
        raise ConnectionRefusedError

    spec = ProcessSpec(
        name="api", command=shell("exec sleep 60", tmp_path / "log"), ready=never, start_timeout=0.2
    )
    process = SupervisedProcess(spec)
    with pytest.raises(EmbeddedServerError, match=r"was not ready after 0\.2 s"):
        await process.start()
    assert process.pid is None


async def test_process_that_ignores_the_stop_signal_is_killed_with_its_children(
    tmp_path: Path,
) -> None:
    script = f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/pid; while :; do sleep 1; done"
    spec = ProcessSpec(name="worker", command=shell(script), stop_timeout=0.2)
    process = SupervisedProcess(spec)
    await process.start()
    await eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "ready")
    grandchild = int((tmp_path / "pid").read_text())
    await process.stop()
    assert process.pid is None
    await eventually(lambda: not alive(grandchild), "the grandchild is gone")


async def test_killed_process_is_started_anew_with_another_id() -> None:
    events: list[str] = []
    spec = ProcessSpec(name="worker", command=shell("exec sleep 60"), restart=QUICK)
    process = SupervisedProcess(spec, events.append)
    await process.start()
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: len(events) == 2, "it is back")
    assert events[0] == "worker was killed by SIGKILL; restarting in 0.0 s"
    assert process.pid not in {None, first}
    assert not psutil.pid_exists(first)
    await process.stop()
    await process.failed()


async def test_cancelled_start_leaves_no_process() -> None:
    async def never() -> bool:
        return False

    process = SupervisedProcess(ProcessSpec(name="api", command=shell("exec sleep 60"), ready=never))
    start = asyncio.ensure_future(process.start())
    await eventually(lambda: process.pid, "it runs")
    start.cancel()
    await asyncio.wait({start})
    assert start.cancelled()
    assert process.pid is None


async def test_ignored_signals_of_the_parent_are_not_passed_on() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        process = SupervisedProcess(ProcessSpec(name="api", command=shell("exec sleep 60")))
        await process.start()
        await eventually(lambda: psutil.Process(process.pid).name() == "sleep", "it is the program")
    finally:
        signal.signal(signal.SIGTERM, before)
    await asyncio.wait_for(process.stop(), 5)
    assert process.pid is None


@pytest.mark.skipif(not psutil.LINUX, reason="only Linux tells children of a death")
def test_process_dies_with_a_killed_parent(tmp_path: Path) -> None:
    script = f"""
import asyncio
from waardhaven.adapters.outbound.embedded import Command, ProcessSpec, SupervisedProcess
async def main():
    process = SupervisedProcess(ProcessSpec(name="api", command=Command(argv=("/bin/sleep", "60"))))
    await process.start()
    open({str(tmp_path / "pid")!r}, "w").write(f"{{process.pid}}\\n")
    await process.failed()
asyncio.run(main())
"""
    env = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen([sys.executable, "-c", script], env=env) as parent:
        wait_until(
            lambda: (tmp_path / "pid").exists() and "\n" in (tmp_path / "pid").read_text(),
            "started",
        )
        child = int((tmp_path / "pid").read_text())
        wait_until(lambda: psutil.Process(child).name() == "sleep", "it is the program")
        parent.kill()
    wait_until(lambda: not alive(child), "the child is gone")


async def test_process_killed_before_it_is_ready_is_started_again(tmp_path: Path) -> None:
    lives, told = tmp_path / "lives", []

    async def second_life() -> bool:
        return lives.exists() and lives.read_text().count("life") == 2

    script = f"echo life >> {lives}; test $(wc -l < {lives}) -gt 1 || kill -9 $$; exec sleep 60"
    spec = ProcessSpec(name="api", command=shell(script, tmp_path / "log"), ready=second_life, restart=QUICK)
    process = SupervisedProcess(spec, told.append)
    await process.start()
    assert process.pid is not None
    assert "api was killed by SIGKILL" in told[0]
    await process.stop()


async def test_process_killed_before_every_start_is_given_up(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    spec = ProcessSpec(name="api", command=shell("kill -9 $$", tmp_path / "log"), ready=never, restart=QUICK)
    process = SupervisedProcess(spec)
    with pytest.raises(EmbeddedServerError, match="gave up after 2 restarts"):
        await process.start()
    assert process.pid is None
