"""Bring what the ledger says and what is on its way together again."""

from collections.abc import Sequence
from dataclasses import dataclass

from waardhaven.application.jobs.rules import JobRules
from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable
from waardhaven.application.ports.jobs import Delivery, JobLedger
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.job import Job, JobState

BATCH = 500
LOOKS = (BATCH, 20 * BATCH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """How many jobs were taken from silent workers, and how many lost messages were replaced."""

    reclaimed: int
    redelivered: int

    def __bool__(self) -> bool:
        """Whether anything had to be done."""
        return bool(self.reclaimed or self.redelivered)


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Take jobs from workers that fell silent, and replace messages that were lost.

    Any number of workers may do it at once. A job is taken back also while messages can not be sent:
    it waits in the ledger until they can.
    """

    ledger: JobLedger
    queue: JobQueue
    rules: JobRules

    async def __call__(self, by: Principal) -> Reconciled:
        """Do one bounded round; raise QueueUnavailable after the leases were seen to."""
        by.require(Permission.OPERATE)
        reclaimed = await self.ledger.reclaim(limit=BATCH)
        await self._deliver_again(reclaimed)
        redelivered = await self._replace_lost()
        return Reconciled(reclaimed=len(reclaimed), redelivered=redelivered)

    async def _deliver_again(self, reclaimed: Sequence[Job]) -> None:
        queued = [one for one in reclaimed if one.state is JobState.QUEUED]
        if queued:
            try:
                await self.queue.deliver(
                    [Delivery(job=one.id, number=one.delivery, queue=one.queue) for one in queued]
                )
            except QueueUnavailable:
                return  # their messages count as lost after the grace

    async def _replace_lost(self) -> int:
        lost = await self._lost()
        fresh = await self.ledger.redeliver(lost[:BATCH]) if lost else ()
        if fresh:
            await self.queue.deliver(fresh)
        return len(fresh)

    async def _lost(self) -> Sequence[Delivery]:
        """Look at those that wait longest; farther when as many only wait for a worker."""
        lost: Sequence[Delivery] = ()
        for look in LOOKS:
            waiting = await self.ledger.waiting(older_than=self.rules.grace, limit=look)
            lost = await self.queue.lost(waiting) if waiting else ()
            if lost or len(waiting) < look:
                break
        return lost
