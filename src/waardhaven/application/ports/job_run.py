"""What a running job may tell of itself."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from waardhaven.application.ports.unit_of_work import Transaction
from waardhaven.domain.types import JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A job to be submitted when this one succeeds, as its child and with the same owner."""

    type: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a job comes to.

    ``result`` is JSON. ``effects`` run, and the jobs of ``then`` are submitted, in the very transaction
    that makes the job succeed: that happens exactly once, or the job did not succeed.
    """

    result: Mapping[str, object]
    effects: Callable[[Transaction], Awaitable[None]] | None = None
    then: tuple[Follower, ...] = ()


class JobRun(Protocol):
    """One attempt of a job, as its use case sees it."""

    job: JobId
    attempt: int

    @abstractmethod
    def progress(self, stage: str, done: int, total: int | None = None, message: str = "") -> None:
        """Tell how far the work is. Never waits; what comes too fast is told in part."""

    @abstractmethod
    async def keep(self, name: str, media_type: str, content: bytes) -> None:
        """Keep a file with the job: visible once the attempt succeeds; a name again replaces its file.

        Raise an Invalid for a name that is not plain (lower case, digits, dots, dashes), and for too many.
        """
