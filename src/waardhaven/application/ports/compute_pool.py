"""Arithmetic that would hold up everything else, done elsewhere."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol, TypeVar

from waardhaven.domain.errors import Invalid, Unavailable

T = TypeVar("T")


class ComputeTimedOut(Invalid):
    """The computation took longer than it may."""


class ComputeOutOfMemory(Invalid):
    """The computation needed more memory than it may have."""


class ComputeLost(Unavailable):
    """The process that computed died; the same may succeed again."""


class ComputeBusy(Unavailable):
    """Everything that could compute is computing, and as many as may wait are waiting."""


class ComputePool(Protocol):
    """Runs pure functions beside the event loop; cancelling the caller ends the computation."""

    @abstractmethod
    async def run(self, function: Callable[..., T], *args: object) -> T:
        """Return ``function(*args)``, which must be importable, its arguments picklable.

        Raise what it raises, ComputeTimedOut, ComputeOutOfMemory or ComputeLost.
        """


class ModelPool(ComputePool, Protocol):
    """Runs models that callers send, who wait for the answer.

    Each has a deadline and a bound of memory, and few may wait: ``run`` raises ComputeBusy at once when more
    would.
    """
