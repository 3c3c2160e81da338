"""JobRun: what every implementation must do for the use case it runs."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.file_store import FakeFileStore
from tests.fakes.job_run import FakeJobRun
from tests.fakes.progress import FakeProgressStream

from waardhaven.application.jobs.attempt import Attempt
from waardhaven.application.ports.job_run import JobRun
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.roles import Credential
from waardhaven.domain.jobs.job import Job, JobState, Progress, Queue
from waardhaven.domain.types import JobId

ID = JobId(UUID(int=1))
NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)
JOB = Job(
    id=ID,
    type="report",
    params={},
    queue=Queue.BULK,
    state=JobState.RUNNING,
    owner=None,
    credential=Credential.SYSTEM,
    scopes=None,
    idempotency_key=None,
    parent=None,
    correlation_id=None,
    attempts=1,
    max_attempts=3,
    delivery=1,
    created_at=NOW,
    due_at=NOW,
)


class Real(Attempt):
    """An attempt whose files are at hand."""

    def __init__(self) -> None:
        self.store = FakeFileStore()
        super().__init__(JOB, 7, files=self.store, stream=FakeProgressStream(), clock=FakeClock(NOW))


@pytest.fixture(params=[FakeJobRun, Real])
def run(request: pytest.FixtureRequest) -> JobRun:
    made: JobRun = request.param()
    return made


def kept(run: JobRun) -> dict[str, tuple[str, bytes]]:
    if isinstance(run, Real):
        return {one.name: (one.media_type, run.store.files[one.key]) for one in run.artifacts}
    assert isinstance(run, FakeJobRun)
    return run.files


async def test_use_case_knows_its_job_and_attempt(run: JobRun):
    assert (run.job, run.attempt) == (ID, 1)


async def test_files_are_kept_by_name_and_the_last_of_one_name_counts(run: JobRun):
    await run.keep("report.json", "application/json", b"{}")
    await run.keep("levels.csv", "text/csv", b"a,b\n")
    await run.keep("report.json", "application/json", b'{"a": 1}')
    assert kept(run) == {
        "report.json": ("application/json", b'{"a": 1}'),
        "levels.csv": ("text/csv", b"a,b\n"),
    }


async def test_progress_never_waits_and_never_fails(run: JobRun):
    run.progress("reading", 0)
    run.progress("reading", 1, 2, "half")
    run.progress("x" * 500, -1, -5, "y" * 5000)
    if isinstance(run, Attempt):
        await run.close()
        assert run.newest == Progress(stage="x" * 60, done=0, total=0, message="y" * 300)
    else:
        assert isinstance(run, FakeJobRun)
        assert len(run.told) == 3


async def test_kept_file_carries_its_size_and_digest():
    run = Real()
    await run.keep("a.bin", "application/octet-stream", b"abc")
    [artifact] = run.artifacts
    assert (artifact.size, artifact.digest) == (3, hashlib.sha256(b"abc").hexdigest())
    assert artifact.key == f"jobs/{ID}/7/a.bin"


@pytest.mark.parametrize("name", ["", "..", "../a", "a/b", "A.json", ".hidden", "a" * 101, "a\0"])
async def test_file_with_a_name_that_is_not_plain_is_refused(name: str):
    with pytest.raises(Invalid):
        await Real().keep(name, "text/plain", b"x")
