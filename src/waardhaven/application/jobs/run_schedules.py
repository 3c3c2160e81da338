"""Submit what recurs."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from waardhaven.application.jobs.drafts import new_draft
from waardhaven.application.jobs.specs import JobSpec, JobTypes, UnknownJobType
from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable
from waardhaven.application.ports.jobs import Delivery
from waardhaven.application.ports.schedules import Schedule, Schedules
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.job import Job
from waardhaven.domain.jobs.schedule import AfterClose, Rule, next_run, parse_rule

AHEAD = timedelta(days=30)
"""How far ahead closes are looked for: longer than any exchange stays shut."""


async def upcoming(schedules: Schedules, rule: Rule, after: datetime, *, count: int) -> list[datetime]:
    """Return the next ``count`` instants of a rule, fewer when no more closes are known."""
    closes: Sequence[datetime] = ()
    if isinstance(rule, AfterClose):
        closes = await schedules.closes(rule.mic, since=after - rule.delay, within=AHEAD + rule.delay)
    found: list[datetime] = []
    while len(found) < count and (following := next_run(rule, found[-1] if found else after, closes)):
        found.append(following)
    return found


@dataclass(frozen=True, slots=True)
class RunSchedules:
    """Submit every recurring job whose time has come, once, whichever and however many workers ask.

    The job, the note that it was submitted and the next instant are one transaction over a locked row,
    and the instant is the job's idempotency key. What was missed while nobody worked is done once.
    """

    uow: UnitOfWork
    queue: JobQueue
    types: JobTypes

    async def __call__(self, by: Principal) -> int:
        """Return how many jobs were submitted."""
        by.require(Permission.OPERATE)
        jobs: list[Job] = []
        async with self.uow() as tx:
            await tx.schedules.ensure({one.name: one.schedule for one in self.types.specs if one.schedule})
            now = await tx.schedules.now()
            for one in await tx.schedules.take_due():
                with suppress(UnknownJobType):
                    job = await submit_due(tx, self.types.of(one.name), one, by, now)
                    if job is not None:
                        jobs.append(job)
            await tx.commit()
        with suppress(QueueUnavailable):
            await self.queue.deliver([Delivery(job=j.id, number=j.delivery, queue=j.queue) for j in jobs])
        return len(jobs)


async def submit_due(
    tx: Transaction, spec: JobSpec, due: Schedule, by: Principal, now: datetime
) -> Job | None:
    """Submit a job whose time has come and plan its next run; None when its time was only not known."""
    job = None
    if due.next_at is not None:
        key = f"schedule:{due.name}:{due.next_at.isoformat()}"
        job = await tx.jobs.add(new_draft(spec, by, {}, at=now, key=key))
    # The row may have come due after the time was asked: the next run is later than this one, too.
    after = max(now, due.next_at or now)
    following = await upcoming(tx.schedules, parse_rule(due.rule), after, count=1)
    if job is not None or following:
        await tx.schedules.planned(
            due.name, next_at=following[0] if following else None, job=None if job is None else job.id
        )
    return job
