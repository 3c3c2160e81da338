from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable


@dataclass
class FakeJobQueue(JobQueue):
    """Queued jobs by id; ``failing`` makes it behave as an unreachable server does."""

    jobs: dict[str, tuple[str, dict[str, object]]] = field(default_factory=dict)
    failing: bool = False

    async def enqueue(self, name: str, args: Mapping[str, object]) -> str:
        if self.failing:
            raise QueueUnavailable("The job queue is out of reach. Try again.")
        job = uuid4().hex
        self.jobs[job] = (name, dict(args))
        return job
