"""A child process that is reaped the moment it exits, under any event loop."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from waardhaven.adapters.outbound.embedded.account import Account
from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.logs import open_log

LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How to start a process.

    `env` None inherits ours; `log` None inherits stdout and stderr; `stdin` None is /dev/null.
    `death_signal` is what the kernel sends (Linux) when the thread that started the process ends;
    None lets the process outlive us. `pass_fds` keep their numbers in the child.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    cwd: Path = Path("/")
    log: Path | None = None
    stdin: int | None = None
    pass_fds: tuple[int, ...] = ()
    account: Account | None = None
    death_signal: signal.Signals | None = signal.SIGTERM


class Child:
    """A started process, leader of its own session. Belongs to the event loop that spawned it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Watch `process`; nobody else may wait for it."""
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[int] = self._loop.create_future()
        self._pidfd = _open_pidfd(process.pid)
        if self._pidfd is None:
            self._poll()
        else:
            self._loop.add_reader(self._pidfd, self._collect)

    @property
    def pid(self) -> int:
        """The process id, which may belong to another process once this one has exited."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, negative signal number, or None while it runs."""
        return self._exited.result() if self._exited.done() else None

    async def wait(self, timeout: float | None = None) -> int | None:  # noqa: ASYNC109 - a poll
        """Return the exit code, or None if the process still runs after `timeout` seconds."""
        await asyncio.wait({self._exited}, timeout=timeout)
        return self.returncode

    async def stop(self, stop_signal: signal.Signals, patience: float) -> None:
        """Send `stop_signal`, and SIGKILL to the whole group `patience` seconds later."""
        self._send(stop_signal)
        if await self.wait(patience) is None:
            self._kill_group()
            await self.wait()

    def _send(self, number: signal.Signals) -> None:
        if not self._exited.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _poll(self) -> None:
        self._collect()
        if not self._exited.done():
            self._loop.call_later(POLL_SECONDS, self._poll)

    def _collect(self) -> None:
        """Reap the process if it has exited, and first what it left behind in its group.

        The order matters: until it is reaped its id, which names the group, cannot be reused.
        """
        if self._exited.done() or not self._has_exited():
            return
        self._kill_group()
        self._exited.set_result(self._process.wait())
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _has_exited(self) -> bool:
        """Whether the process has exited; where the system can say so without reaping it."""
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is not None
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # reaped behind our back; Popen copes with that
            return True


def spawn(command: Command) -> Child:
    """Start `command`. Must run in a thread that lives as long as the child should.

    A program that cannot be executed shows as a child that exits with 127 and says why in its log.
    Raises `EmbeddedServerError` when not even the launcher starts or the log cannot be written.
    """
    try:
        with ExitStack() as files:
            log = files.enter_context(open_log(command.log)) if command.log else None
            process = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
                _launcher_argv(command),
                env=command.env,
                cwd=command.cwd,
                stdin=subprocess.DEVNULL if command.stdin is None else command.stdin,
                stdout=log,
                stderr=log,
                pass_fds=command.pass_fds,
                start_new_session=True,
                umask=0o077,
            )
    except OSError as error:
        message = f"cannot start {command.argv[0]}: {error}"
        raise EmbeddedServerError(message) from error
    return Child(process)


def _launcher_argv(command: Command) -> list[str]:
    account = command.account
    return [
        *(sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())),
        *((str(account.uid), str(account.gid)) if account else ("-1", "-1")),
        str(int(command.death_signal or 0)),
        *command.argv,
    ]


def _open_pidfd(pid: int) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel or a sandbox
        return None
