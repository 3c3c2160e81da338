"""Group commit: calls that come while a statement is under way share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from waardhaven.domain.errors import Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class BatcherClosed(Unavailable):
    """Nothing is taken any more: the process stops."""


class Batcher(Generic[Item, Answer]):
    """Hands what its callers ask to ``run``, up to ``most`` at once, and each caller its own answer.

    ``run`` answers item by item, in order. The first caller does not wait; those who come while a batch
    is under way form the next one. A batch the database refuses is tried again one by one, so that one
    bad item costs nobody else its answer; when the database is out of reach, everybody is told.
    A caller that goes away while its item is under way does not take it back.
    """

    def __init__(
        self, run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], *, most: int = 200
    ) -> None:
        self._run = run
        self._most = most
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def ask(self, item: Item) -> Answer:
        """Return the answer to one item; raise what ``run`` raised, or BatcherClosed."""
        if self._closed:
            raise BatcherClosed("The process stops; nothing more is written.")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name="batches")
        return await answer

    async def close(self) -> None:
        """Answer everybody who asked, and take nothing more."""
        self._closed = True
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        batch: list[tuple[Item, asyncio.Future[Answer]]] = []
        try:
            while self._waiting:
                size = min(self._most, len(self._waiting))
                taken = [self._waiting.popleft() for _ in range(size)]
                batch = [one for one in taken if not one[1].done()]
                if batch:
                    await self._answer(batch)
        finally:
            for _, answer in (*batch, *self._waiting):
                if not answer.done():
                    answer.set_exception(BatcherClosed("The process stops; what became of it is unknown."))
            self._waiting.clear()

    async def _answer(self, batch: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            found = await self._run([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the callers
            if len(batch) == 1 or isinstance(error, Unavailable):
                _fail(batch, error)
                return
            for one in batch:
                await self._answer([one])
            return
        for (_, answer), value in zip(batch, found, strict=True):
            if not answer.done():
                answer.set_result(value)


def _fail(batch: Sequence[tuple[Item, asyncio.Future[Answer]]], error: Exception) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(error)
