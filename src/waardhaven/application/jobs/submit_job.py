"""Have something done."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from waardhaven.application.jobs.drafts import new_draft
from waardhaven.application.jobs.specs import JobTypes
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable
from waardhaven.application.ports.jobs import Delivery
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.jobs.job import Job

KEY = re.compile(r"[!-~]{1,200}")


class InvalidKey(Invalid):
    """An idempotency key that can not be kept."""


@dataclass(frozen=True, slots=True)
class SubmitJob:
    """Queue a job of a registered type, to be done with what the caller may do.

    The job is in the ledger before anything is handed to the queue: a queue that is out of reach only
    delays it. With an idempotency key, asking again gives the job of the first time.
    """

    uow: UnitOfWork
    queue: JobQueue
    clock: Clock
    types: JobTypes

    async def __call__(
        self, by: Principal, *, job_type: str, params: Mapping[str, object], key: str | None = None
    ) -> Job:
        """Return the job; raise UnknownJobType, InvalidParams, InvalidKey, PermissionDenied or KeyReused."""
        spec = self.types.of(job_type)
        by.require(spec.permission)
        if key is not None and not KEY.fullmatch(key):
            rule = "must be 1 to 200 visible ASCII characters"
            raise InvalidKey(
                "The idempotency key is not valid.", errors=[FieldError(field="idempotency_key", rule=rule)]
            )
        draft = new_draft(spec, by, params, at=self.clock.now(), key=key)
        async with self.uow() as tx:
            job = await tx.jobs.add(draft)
            if job.id == draft.id:
                await tx.audit.record(
                    "job.submitted", by=by, target=f"job:{job.id}", detail={"type": str(spec.name)}
                )
            await tx.commit()
        if job.id == draft.id:
            with suppress(QueueUnavailable):
                await self.queue.deliver([Delivery(job=job.id, number=job.delivery, queue=job.queue)])
        return job
