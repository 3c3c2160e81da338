"""arq's worker with a way of its own to take messages: woken instead of polling, and all in one step."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, cast

import msgspec
import structlog
from arq import func
from arq.connections import ArqRedis, RedisError  # type: ignore[attr-defined]  # what its client raises
from arq.worker import Worker

from waardhaven.domain.errors import Unavailable

Handle = Callable[[str, int], Awaitable[None]]
"""Told the hex id of a job and the number of the message."""
POLL_SECONDS = 0.5
REST_SECONDS = 0.5
UNBOUNDED_SECONDS = 31_536_000
"""Each type of jobs has a time limit of its own."""
TAKE: Final = """
local moment = redis.call('TIME')
local now = moment[1] * 1000 + math.floor(moment[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
if #found > 0 then
  redis.call('ZREM', KEYS[1], unpack(found))
end
return found
"""
"""Takes messages that are due by the clock of the server, longest waiting first, and removes them."""
log = structlog.get_logger()


class QueueWorker(Worker):
    """Takes as many messages as it has room for, in one step.

    It looks when it is woken, when a job ends while more were waiting, and every half second. A message
    that is taken is in nobody's way any more: one that is not claimed in the ledger is lost, and the
    reconciler replaces it. arq itself would leave it in the queue, marked for longer than the longest
    job lasts.
    """

    def __init__(
        self, client: ArqRedis, *, queue: str, function: str, concurrency: int, handle: Handle
    ) -> None:
        async def run(_: dict[str, Any], job: str, number: int) -> None:
            try:
                await handle(job, number)
            except Unavailable as error:
                self._rest(error)

        super().__init__(
            functions=[func(cast("Any", run), name=function)],
            queue_name=queue,
            redis_pool=client,
            max_jobs=concurrency,
            job_timeout=UNBOUNDED_SECONDS,
            keep_result=0,
            poll_delay=POLL_SECONDS,
            handle_signals=False,
            allow_abort_jobs=False,
            log_results=False,
            job_serializer=msgspec.msgpack.encode,
            job_deserializer=msgspec.msgpack.decode,
        )
        self._take = client.register_script(TAKE)
        self._woken = asyncio.Event()
        self._more = False
        self._rests_until = 0.0
        self._lost = False

    @property
    def running(self) -> int:
        """How many messages are being worked on."""
        return len(self.tasks)

    def wake(self) -> None:
        """Look for messages now."""
        self._woken.set()

    def drain(self) -> None:
        """Take no more messages; ``main`` returns."""
        self.allow_pick_jobs = False
        self._woken.set()

    async def main(self) -> None:
        """Take messages until drained; a server that is away is waited for."""
        while self.allow_pick_jobs:
            self._woken.clear()
            try:
                await self._poll_iteration()
            except (RedisError, OSError, TimeoutError) as error:
                self._note_lost(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._woken.wait()

    async def _poll_iteration(self) -> None:
        room = self.max_jobs - len(self.tasks)
        if room <= 0 or self.loop.time() < self._rests_until:
            return
        taken = await self._take(keys=[self.queue_name], args=[room])
        self._note_found()
        self._more = len(taken) == room
        for one in taken:
            self._start(one.decode())

    def _start(self, message: str) -> None:
        task = self.loop.create_task(self.run_job(message, 0))
        self.tasks[message] = task
        task.add_done_callback(lambda done: self._ended(message, done))

    def _ended(self, message: str, task: "asyncio.Task[None]") -> None:
        self.tasks.pop(message, None)
        if self._more:
            self._woken.set()
        # A job whose message can not be tidied away is settled all the same; its record expires.
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("message not tidied away", message=message, error=type(error).__name__)

    def _rest(self, error: Unavailable) -> None:
        """Take nothing for a moment: what is taken now would be lost to the ledger."""
        if self.loop.time() >= self._rests_until:
            log.warning("jobs can not be claimed", reason=error.message)
        self._rests_until = self.loop.time() + REST_SECONDS

    def _pause(self) -> float:
        return max(self._rests_until - self.loop.time(), 0.001) if self._resting else POLL_SECONDS

    @property
    def _resting(self) -> bool:
        return self.loop.time() < self._rests_until

    def _note_lost(self, error: Exception) -> None:
        if not self._lost:
            log.warning("queue unreachable", queue=self.queue_name, error=type(error).__name__)
        self._lost = True

    def _note_found(self) -> None:
        if self._lost:
            log.info("queue reachable", queue=self.queue_name)
        self._lost = False
