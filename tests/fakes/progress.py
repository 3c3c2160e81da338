import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from waardhaven.application.ports.progress import ProgressStream, ProgressUnavailable, ProgressUpdate


@dataclass
class FakeProgressStream(ProgressStream):
    """Updates in memory; ``failing`` makes it behave as an unreachable server does."""

    updates: list[ProgressUpdate] = field(default_factory=list)
    failing: bool = False
    _numbers: int = 0
    _added: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, update: ProgressUpdate) -> None:
        self._check()
        self._numbers += 1
        self.updates.append(replace(update, cursor=f"{self._numbers}-0"))
        self._added.set()
        self._added = asyncio.Event()

    async def newest(self) -> str:
        self._check()
        return self.updates[-1].cursor if self.updates else "0-0"

    async def since(self, cursor: str, *, limit: int, wait_seconds: float = 0.0) -> Sequence[ProgressUpdate]:
        found = self._after(cursor, limit)
        if not found and wait_seconds > 0:
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._added.wait()
            except TimeoutError:
                return []
            found = self._after(cursor, limit)
        return found

    def fail(self) -> None:
        """Be away until ``failing`` is False again; whoever waits learns it at once."""
        self.failing = True
        self._added.set()
        self._added = asyncio.Event()

    def _after(self, cursor: str, limit: int) -> list[ProgressUpdate]:
        self._check()
        return [one for one in self.updates if _order(one.cursor) > _order(cursor)][:limit]

    def _check(self) -> None:
        if self.failing:
            raise ProgressUnavailable("The stream is out of reach.")


def _order(cursor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in cursor.split("-"))
