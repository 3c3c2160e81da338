"""PostgreSQL and Valkey as children of this process, on one data directory."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

from waardhaven.adapters.outbound.embedded.account import Account, server_account
from waardhaven.adapters.outbound.embedded.binaries import locate_binaries
from waardhaven.adapters.outbound.embedded.cluster import CLUSTER, open_cluster
from waardhaven.adapters.outbound.embedded.data_dir import DataDirLock, prepare, process_tag
from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.logs import rotate
from waardhaven.adapters.outbound.embedded.orphans import reap_orphans
from waardhaven.adapters.outbound.embedded.passwords import load_passwords
from waardhaven.adapters.outbound.embedded.place import open_socket_place, remove_socket_place
from waardhaven.adapters.outbound.embedded.postgres import database_url, postgres_spec
from waardhaven.adapters.outbound.embedded.process import ProcessSpec, SupervisedProcess, Tell
from waardhaven.adapters.outbound.embedded.readable_copy import COPIES, reachable_binaries
from waardhaven.adapters.outbound.embedded.scratch import remove_scratch
from waardhaven.adapters.outbound.embedded.state import Endpoints, remove_state, write_state
from waardhaven.adapters.outbound.embedded.surroundings import Surroundings
from waardhaven.adapters.outbound.embedded.sweep import stop_tagged
from waardhaven.adapters.outbound.embedded.valkey import (
    VALKEY,
    open_valkey_place,
    redis_url,
    valkey_spec,
)


class EmbeddedServers:
    """The servers of one data directory: private, supervised, gone when this process is.

        async with EmbeddedServers(directory) as endpoints: ...

    or `start`, `failed` and `stop`, each object once; to give up a start, cancel it. Use it from one
    event loop; the servers do not outlive the thread of that loop. `die_with_parent=False` and `copies`
    exist for tests of the fallbacks.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        postgres: bool = True,
        valkey: bool = True,
        on_event: Tell | None = None,
        die_with_parent: bool = True,
        copies: Path = COPIES,
    ) -> None:
        """Choose directory and servers; nothing is touched before `start`."""
        self._data_dir = data_dir
        self._postgres = postgres
        self._valkey = valkey
        self._tell = on_event or (lambda _event: None)
        self._die_with_parent = die_with_parent
        self._copies = copies
        self._processes: list[SupervisedProcess] = []
        self._open = AsyncExitStack()
        self._stopping = asyncio.Lock()
        self._stopped = asyncio.Event()

    async def __aenter__(self) -> Endpoints:
        """Start; the value is where the servers are."""
        return await self.start()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> Endpoints:
        """Start the servers and return their addresses once both answer.

        Raises `EmbeddedServerError`, and leaves nothing running, when the directory is in use or
        not usable, or when a server does not come up.
        """
        async with AsyncExitStack() as stack:
            try:
                endpoints = await self._start(stack)
            except OSError as error:
                message = f"cannot prepare {self._data_dir}: {error}"
                raise EmbeddedServerError(message) from error
            self._open = stack.pop_all()
        return endpoints

    async def stop(self) -> None:
        """Stop both servers and give up the directory. Safe to call twice, also at once."""
        async with self._stopping:
            await self._open.aclose()
            self._stopped.set()

    async def failed(self) -> None:
        """Return after `stop`; raise `EmbeddedServerError` once a server cannot be brought back."""
        tasks = [asyncio.ensure_future(process.failed()) for process in self._processes]
        try:
            for end in asyncio.as_completed(tasks):
                await end
        finally:
            for task in tasks:
                task.cancel()
        await self._stopped.wait()

    async def _start(self, stack: AsyncExitStack) -> Endpoints:
        """Do everything in order, noting in `stack` how to undo it."""
        data_dir = prepare(self._data_dir)
        lock = await DataDirLock.acquire(data_dir)
        stack.callback(lock.release)
        stack.callback(remove_state, data_dir)
        stack.push_async_callback(_cancel, asyncio.create_task(reap_orphans()))
        account = server_account((data_dir / CLUSTER, data_dir / VALKEY))
        await self._sweep(data_dir, account)
        around = await self._surroundings(stack, data_dir, account)
        stack.push_async_callback(self._stop_processes)
        await _all(self._start_wanted(stack, around))
        endpoints = Endpoints(
            database_url(around) if self._postgres else None,
            redis_url(around) if self._valkey else None,
        )
        write_state(data_dir, endpoints)
        return endpoints

    async def _sweep(self, data_dir: Path, account: Account | None) -> None:
        """Clear away what a dead supervisor left: state, servers, sockets, temporary files."""
        remove_state(data_dir)
        stopped = await stop_tagged(process_tag(data_dir), account)
        if stopped:
            self._tell(f"stopped {stopped} server processes that a dead supervisor left running")
        remove_socket_place(data_dir)
        remove_scratch(data_dir)

    async def _surroundings(
        self, stack: AsyncExitStack, data_dir: Path, account: Account | None
    ) -> Surroundings:
        stack.callback(remove_scratch, data_dir)
        stack.callback(remove_socket_place, data_dir)
        installed = locate_binaries()
        binaries = await asyncio.to_thread(reachable_binaries, installed, account, self._copies, data_dir)
        if binaries != installed:
            self._tell(f"servers run as {account and account.name} from a copy in {binaries.root}")
        sockets = open_socket_place(data_dir, account)
        stack.callback(sockets.close)
        (data_dir / "logs").mkdir(mode=0o700, exist_ok=True)
        return Surroundings(
            data_dir=data_dir,
            account=account,
            binaries=binaries,
            sockets=sockets,
            passwords=load_passwords(data_dir, may_create=not (data_dir / CLUSTER).exists()),
            tag=process_tag(data_dir),
            die_with_parent=self._die_with_parent,
        )

    def _start_wanted(self, stack: AsyncExitStack, around: Surroundings) -> Iterator[Awaitable[None]]:
        if self._postgres:
            yield self._start_postgres(stack, around)
        if self._valkey:
            yield self._start_valkey(stack, around)

    async def _start_postgres(self, stack: AsyncExitStack, around: Surroundings) -> None:
        rotate(around.log(CLUSTER))
        cluster = await open_cluster(around)
        stack.callback(cluster.close)
        await self._run(postgres_spec(around, cluster))

    async def _start_valkey(self, stack: AsyncExitStack, around: Surroundings) -> None:
        rotate(around.log(VALKEY))
        place = open_valkey_place(around)
        stack.callback(place.close)
        await self._run(valkey_spec(around, place))

    async def _run(self, spec: ProcessSpec) -> None:
        process = SupervisedProcess(spec, self._tell)
        self._processes.append(process)
        await process.start()
        self._tell(f"{spec.name} is ready as process {process.pid}")

    async def _stop_processes(self) -> None:
        await asyncio.gather(*(process.stop() for process in self._processes))


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _all(awaitables: Iterable[Awaitable[None]]) -> None:
    """Await all of them to their end, then raise the first error if there was one."""
    outcomes = await asyncio.gather(*awaitables, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
