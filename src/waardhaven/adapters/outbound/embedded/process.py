"""A process that is kept alive: started, probed, restarted with back-off, stopped.

Used for the embedded servers and, by `waardhaven up`, for the API and the worker:

    process = SupervisedProcess(ProcessSpec(name="api", command=Command(argv=(...))), tell)
    await process.start()      # returns once ready, raises EmbeddedServerError if it never is
    await process.failed()     # raises once the restart budget is spent, returns after stop()
    await process.stop()       # stop signal, then SIGKILL after the timeout
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from waardhaven.adapters.outbound.embedded.child import Child, Command, spawn
from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.logs import log_size, tail
from waardhaven.adapters.outbound.embedded.restart import RestartBudget, RestartPolicy

Probe = Callable[[], Awaitable[bool]]
Tell = Callable[[str], None]

PROBE_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """What to run and how to keep it.

    `ready` answers whether the process serves; False and `OSError` mean "ask again", any other
    error ends the start. `before_start` runs before every start and restart. Times in seconds.
    """

    name: str
    command: Command
    ready: Probe | None = None
    before_start: Callable[[], Awaitable[None]] | None = None
    start_timeout: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 10.0
    restart: RestartPolicy = field(default_factory=RestartPolicy)


class SupervisedProcess:
    """One process kept alive according to its spec. Start it at most once."""

    def __init__(self, spec: ProcessSpec, on_event: Tell | None = None) -> None:
        """Take the spec and a listener for one-line events."""
        self._spec = spec
        self._tell = on_event or _ignore
        self._budget = RestartBudget(spec.restart)
        self._child: Child | None = None
        self._log_start = 0
        self._keeper: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._failure: EmbeddedServerError | None = None

    @property
    def pid(self) -> int | None:
        """The id of the running process, None between two lives."""
        alive = self._child is not None and self._child.returncode is None
        return self._child.pid if alive and self._child else None

    async def start(self) -> None:
        """Start and wait until ready; leave nothing behind on failure.

        One that somebody kills before it is ready is started again. Raises `EmbeddedServerError` when it
        exits, cannot be executed or is not ready in time.
        """
        try:
            await self._first_launch()
        except BaseException:
            await self._discard()
            raise
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self._spec.name}")

    async def stop(self) -> None:
        """Stop for good. Safe to call twice, and before `start`."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        if self._child is not None:
            await self._child.stop(self._spec.stop_signal, self._spec.stop_timeout)
        self._over.set()

    async def failed(self) -> None:
        """Return after `stop`; raise `EmbeddedServerError` once it cannot be brought back."""
        await self._over.wait()
        if self._failure is not None:
            raise self._failure

    async def _first_launch(self) -> None:
        try:
            await self._launch()
        except EmbeddedServerError as error:
            if self._child is None or self._child.returncode != -signal.SIGKILL:
                raise
            await self._revive(str(error))

    async def _launch(self) -> None:
        if self._spec.before_start is not None:
            await self._spec.before_start()
        self._log_start = log_size(self._spec.command.log)
        self._child = spawn(self._spec.command)
        await self._until_ready(self._child)

    async def _until_ready(self, child: Child) -> None:
        try:
            async with asyncio.timeout(self._spec.start_timeout):
                while not await self._answers():
                    if await child.wait(PROBE_SECONDS) is not None:
                        raise EmbeddedServerError(self._describe(_exit_words(child)))
        except TimeoutError:
            words = f"was not ready after {self._spec.start_timeout:g} s"
            raise EmbeddedServerError(self._describe(words)) from None

    async def _answers(self) -> bool:
        if self._spec.ready is None:
            return True
        try:
            return await self._spec.ready()
        except OSError:
            return False

    async def _keep(self) -> None:
        try:
            while self._child is not None:
                await self._child.wait()
                await self._revive(f"{self._spec.name} {_exit_words(self._child)}")
        except EmbeddedServerError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits must hear of it
            self._fail(EmbeddedServerError(self._describe(f"cannot be restarted: {error}")))

    async def _revive(self, reason: str) -> None:
        """Restart until it is ready again; raise `EmbeddedServerError` when the budget is spent."""
        while True:
            delay = self._budget.next_delay(asyncio.get_running_loop().time())
            if delay is None:
                budget = self._spec.restart.budget
                where = self._spec.command.log or "its output"
                message = f"{reason}; gave up after {budget} restarts: look into {where}"
                raise EmbeddedServerError(message)
            self._tell(f"{reason}; restarting in {delay:.1f} s")
            await asyncio.sleep(delay)
            try:
                await self._launch()
            except EmbeddedServerError as error:
                reason = str(error)
                await self._discard()
            else:
                self._tell(f"{self._spec.name} is back as process {self.pid}")
                return

    async def _discard(self) -> None:
        if self._child is not None:
            await self._child.stop(signal.SIGKILL, self._spec.stop_timeout)

    def _fail(self, error: EmbeddedServerError) -> None:
        self._failure = error
        self._tell(str(error))
        self._over.set()

    def _describe(self, words: str) -> str:
        log = self._spec.command.log
        said = f" ({log}: {tail(log, self._log_start)})" if log else ""
        return f"{self._spec.name} {words}{said}"


async def run_once(name: str, command: Command, patience: float) -> None:
    """Run `command` to its end; raise `EmbeddedServerError` unless it exits with 0 in time."""
    log_start = log_size(command.log)
    child = spawn(command)
    try:
        code = await child.wait(patience)
    finally:
        await child.stop(signal.SIGKILL, patience)
    if code != 0:
        words = f"did not end within {patience:g} s" if code is None else _exit_words(child)
        message = f"{name} {words} ({command.log}: {tail(command.log, log_start)})"
        raise EmbeddedServerError(message)


def _exit_words(child: Child) -> str:
    code = child.returncode
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with status {code}"


def _ignore(_event: str) -> None:
    """Listen to nothing."""
