"""Reading jobs and their files."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from waardhaven.application.answers import Page, cursor_uuid
from waardhaven.application.jobs.manage_jobs import unknown_job
from waardhaven.application.jobs.views import JobDetailView, JobView, detail_view, job_view
from waardhaven.application.ports.file_store import FileStore, UnknownFile
from waardhaven.application.ports.jobs import JobFilter, JobLedger
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.job import Artifact, Job, UnknownJob
from waardhaven.domain.types import JobId


async def own_job(ledger: JobLedger, by: Principal, job: JobId) -> Job:
    """Return a job the caller may see; raise UnknownJob for any other."""
    by.require(Permission.READ_INDICES)
    try:
        found = await ledger.get(job)
    except UnknownJob:
        raise unknown_job(job) from None
    found.access.require_read(by, unknown_job(job))
    return found


@dataclass(frozen=True, slots=True)
class ListJobs:
    """The caller's jobs, newest first; administrators see everybody's."""

    ledger: JobLedger

    async def __call__(
        self, by: Principal, *, wanted: JobFilter, limit: int = 50, cursor: str | None = None
    ) -> Page[JobView]:
        """Return a page; ``cursor`` is the id of the last job of the page before."""
        by.require(Permission.READ_INDICES)
        before = None if cursor is None else JobId(cursor_uuid(cursor))
        found = await self.ledger.page(wanted, by=by, limit=limit + 1, before=before)
        more = len(found) > limit
        return Page(
            items=tuple(job_view(one) for one in found[:limit]),
            next_cursor=str(found[limit - 1].id) if more else None,
        )


@dataclass(frozen=True, slots=True)
class ReadJob:
    """One job with its result and its files."""

    ledger: JobLedger

    async def __call__(self, by: Principal, *, job: JobId) -> JobDetailView:
        """Raise UnknownJob, also for a job of somebody else."""
        return detail_view(await own_job(self.ledger, by, job))


@dataclass(frozen=True, slots=True)
class ReadArtifact:
    """A file that a job left."""

    ledger: JobLedger
    files: FileStore

    async def __call__(
        self, by: Principal, *, job: JobId, name: str
    ) -> tuple[Artifact, AsyncIterator[bytes]]:
        """Return what the file is and its content in parts; raise UnknownJob or UnknownFile."""
        found = await own_job(self.ledger, by, job)
        for one in found.artifacts:
            if one.name == name:
                content = self.files.read(one.key)
                # A file that is gone is told before anything of an answer is sent.
                return one, _joined(await anext(content, b""), content)
        raise UnknownFile(f"The job left no file {name!r}.", context={"job": str(job), "name": name})


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part
