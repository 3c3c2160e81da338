"""Handing work to the worker."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol

from waardhaven.domain.errors import Unavailable


class QueueUnavailable(Unavailable):
    """The job could not be handed over; nothing was queued."""


class JobQueue(Protocol):
    """At-least-once delivery; jobs are idempotent."""

    @abstractmethod
    async def enqueue(self, name: str, args: Mapping[str, object]) -> str:
        """Queue a job of the registry under a fresh id and return the id; raise QueueUnavailable."""
