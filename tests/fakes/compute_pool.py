import asyncio
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from waardhaven.application.ports.compute_pool import ComputeBusy, ComputeOutOfMemory, ComputePool, ModelPool

T = TypeVar("T")


@dataclass
class FakeComputePool(ComputePool):
    """Computes here, from copies as another process has them; ``computed`` names what was asked for."""

    computed: list[str] = field(default_factory=list)

    async def run(self, function: Callable[..., T], *args: object) -> T:
        await asyncio.sleep(0)
        self.computed.append(function.__qualname__)
        there, values = pickle.loads(pickle.dumps((function, args)))
        try:
            result: T = there(*values)
        except MemoryError as error:
            raise ComputeOutOfMemory("The computation needs more memory than it may have.") from error
        return result


@dataclass
class FakeModelPool(FakeComputePool, ModelPool):
    """The same, and busy when told."""

    busy: bool = False

    async def run(self, function: Callable[..., T], *args: object) -> T:
        if self.busy:
            raise ComputeBusy("Too many computations wait already.")
        return await super().run(function, *args)
