"""The job that archives what is old."""

from dataclasses import dataclass
from datetime import timedelta

from waardhaven.application.jobs.params import integer
from waardhaven.application.ports.archive import Archive, Archived
from waardhaven.application.ports.file_store import FileStore
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.ports.unit_of_work import Transaction
from waardhaven.domain.identity.roles import Permission, Principal

FLOOR = 30
BATCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUpParams:
    """What stays."""

    days_to_keep: int = integer(
        365, minimum=FLOOR, maximum=36_500, doc="Younger jobs and events stay in the database."
    )


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Write old ended jobs and delivered events to Parquet files, then remove them from the database.

    A batch is removed only after its file is whole on disk; the database itself refuses to remove what
    is not marked as archived. Prices, builds, publications, accounts and the audit trail are never
    touched, nor are the files of the jobs. Run twice or killed in the middle, it goes on.
    """

    archive: Archive
    files: FileStore

    async def __call__(self, by: Principal, params: CleanUpParams, run: JobRun) -> Outcome:
        """Return how many rows of each kind were archived, and the files."""
        by.require(Permission.OPERATE)
        removed = dict.fromkeys(map(str, Archived), 0)
        names: list[str] = []
        for kind in Archived:
            run.progress(f"archiving {kind}", 0)
            while batch := await self.archive.batch(
                kind, older_than=timedelta(days=params.days_to_keep), limit=BATCH
            ):
                await self.files.put(f"archive/{batch.name}", batch.content)
                removed[str(kind)] += await self.archive.remove(batch)
                names.append(batch.name)
                run.progress(f"archiving {kind}", removed[str(kind)])
        result = {"archived": removed, "files": names, "days_to_keep": params.days_to_keep}

        async def told(tx: Transaction) -> None:
            await tx.audit.record("system.cleaned_up", by=by, target=f"job:{run.job}", detail=removed)

        return Outcome(result=result, effects=told)
