"""What a success brings about in its own transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from waardhaven.application.jobs.drafts import new_draft
from waardhaven.application.jobs.specs import JobTypes
from waardhaven.application.ports.job_run import Outcome
from waardhaven.application.ports.jobs import JobDraft
from waardhaven.application.ports.unit_of_work import Transaction
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.jobs.job import Job

Effects = Callable[[Transaction], Awaitable[Sequence[Job]]]
"""Returns the jobs that follow, which are to be delivered after the commit."""


def effects_of(outcome: Outcome, job: Job, by: Principal, *, types: JobTypes, at: datetime) -> Effects | None:
    """Return what an outcome brings about, None for nothing; raise what forbids the jobs that follow."""
    drafts = [_follower(types, one.type, one.params, job, by, at) for one in outcome.then]
    if outcome.effects is None and not drafts:
        return None

    async def happen(tx: Transaction) -> Sequence[Job]:
        if outcome.effects is not None:
            await outcome.effects(tx)
        return [await _submit(tx, one, by) for one in drafts]

    return happen


def _follower(
    types: JobTypes, name: str, params: Mapping[str, object], job: Job, by: Principal, at: datetime
) -> JobDraft:
    spec = types.of(name)
    by.require(spec.permission)
    # It is done with what the first request could do, not with the credential of a job.
    return replace(new_draft(spec, by, params, at=at, parent=job.id), credential=job.credential)


async def _submit(tx: Transaction, draft: JobDraft, by: Principal) -> Job:
    job = await tx.jobs.add(draft)
    await tx.audit.record("job.submitted", by=by, target=f"job:{job.id}", detail={"type": draft.type})
    return job
