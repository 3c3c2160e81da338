from dataclasses import dataclass, field
from uuid import UUID

from waardhaven.application.jobs.attempt import NAME, InvalidArtifact
from waardhaven.application.ports.job_run import JobRun
from waardhaven.domain.jobs.job import Progress
from waardhaven.domain.types import JobId


@dataclass
class FakeJobRun(JobRun):
    """Remembers what a job told and kept."""

    job: JobId = JobId(UUID(int=1))  # noqa: RUF009 (a NewType of an immutable value)
    attempt: int = 1
    told: list[Progress] = field(default_factory=list)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def progress(self, stage: str, done: int, total: int | None = None, message: str = "") -> None:
        self.told.append(Progress(stage=stage, done=done, total=total, message=message))

    async def keep(self, name: str, media_type: str, content: bytes) -> None:
        if not NAME.fullmatch(name):
            raise InvalidArtifact("The file can not be kept.")
        self.files[name] = (media_type, content)
