from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable
from waardhaven.application.ports.jobs import Delivery
from waardhaven.domain.jobs.job import Queue
from waardhaven.domain.types import JobId

Message = tuple[JobId, int]


@dataclass
class FakeJobQueue(JobQueue):
    """Messages that wait, those that were taken, and nudges; ``failing``: an unreachable server."""

    waiting: dict[Message, Delivery] = field(default_factory=dict)
    taken: set[Message] = field(default_factory=set)
    nudges: list[JobId] = field(default_factory=list)
    failing: bool = False

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        self._check()
        for one in deliveries:
            message = (one.job, one.number)
            if message not in self.taken:
                self.waiting.setdefault(message, one)

    async def lost(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        self._check()
        return [one for one in deliveries if (one.job, one.number) not in self.waiting]

    async def nudge(self, job: JobId) -> None:
        self._check()
        self.nudges.append(job)

    async def depth(self) -> Mapping[Queue, int]:
        self._check()
        return {queue: sum(one.queue is queue for one in self.waiting.values()) for queue in Queue}

    def take(self, delivery: Delivery) -> None:
        """Be the worker that takes a message."""
        message = (delivery.job, delivery.number)
        del self.waiting[message]
        self.taken.add(message)

    def wipe(self) -> None:
        """Forget everything, as a server does that was emptied."""
        self.waiting.clear()
        self.taken.clear()

    def _check(self) -> None:
        if self.failing:
            raise QueueUnavailable("The job queue is out of reach. Try again.")
