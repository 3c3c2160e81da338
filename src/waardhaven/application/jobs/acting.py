"""On whose behalf a job is done."""

from dataclasses import replace

from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.roles import SYSTEM, Credential, Principal
from waardhaven.domain.jobs.job import Job


class OwnerGone(Forbidden):
    """The account that submitted the job is closed or may not sign in any more."""


async def principal_of(job: Job, uow: UnitOfWork) -> Principal:
    """Return who asks: the owner with the role of now and the scopes of then; raise OwnerGone."""
    if job.owner is None:
        return SYSTEM if job.scopes is None else replace(SYSTEM, scopes=job.scopes)
    async with uow() as tx:
        owner = await tx.users.by_id(job.owner)
    if owner is None or not owner.may_sign_in:
        raise OwnerGone("The account that submitted this job is not open any more.")
    return Principal(user=owner.id, role=owner.role, credential=Credential.JOB, scopes=job.scopes)
