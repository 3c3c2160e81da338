"""Messages about jobs on their way to a worker: they may be lost or come twice; the ledger knows."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

from waardhaven.application.ports.jobs import Delivery
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.jobs.job import Queue
from waardhaven.domain.types import JobId


class QueueUnavailable(Unavailable):
    """The message could not be handed over; the job stays in the ledger."""


class JobQueue(Protocol):
    """At-least-once delivery, each message under an id of its own; each method may raise QueueUnavailable."""

    @abstractmethod
    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Hand messages over; the same one twice counts once. Idle workers are woken."""

    @abstractmethod
    async def lost(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Return those that no worker will get any more: not there, or taken by one that is gone."""

    @abstractmethod
    async def nudge(self, job: JobId) -> None:
        """Tell the worker that runs a job to look at the ledger now (somebody wants it cancelled)."""

    @abstractmethod
    async def depth(self) -> Mapping[Queue, int]:
        """Return how many messages wait in each queue."""
