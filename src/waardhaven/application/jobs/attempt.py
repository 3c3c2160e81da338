"""One attempt of a job: its progress and the files it leaves."""

import asyncio
import hashlib
import re
from contextlib import suppress

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.file_store import FileStore
from waardhaven.application.ports.job_run import JobRun
from waardhaven.application.ports.progress import ProgressStream, ProgressUpdate
from waardhaven.domain.errors import FieldError, Invalid, Unavailable
from waardhaven.domain.jobs.job import Artifact, Job, Progress

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
MOST_FILES = 20
SPACING = 0.05
"""Seconds between two updates of one job."""
PATIENCE = 1.0
"""Seconds the last update may take: it is worth less than the end of the job."""
LONGEST_STAGE, LONGEST_MESSAGE = 60, 300


class InvalidArtifact(Invalid):
    """A job may not keep this file."""


class Attempt(JobRun):
    """Tells progress at most every 50 ms, the first and the last always, as well as can be."""

    def __init__(
        self, job: Job, token: int, *, files: FileStore, stream: ProgressStream, clock: Clock
    ) -> None:
        self.job = job.id
        self.attempt = job.attempts
        self.newest: Progress | None = None
        self._of = job
        self._folder = f"jobs/{job.id}/{token}"
        self._files = files
        self._stream = stream
        self._clock = clock
        self._kept: dict[str, Artifact] = {}
        self._told: Progress | None = None
        self._publishing: asyncio.Task[None] | None = None

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The files kept so far."""
        return tuple(self._kept.values())

    def progress(self, stage: str, done: int, total: int | None = None, message: str = "") -> None:
        """See JobRun. Texts are cut to what a job can hold."""
        self.newest = Progress(
            stage=stage[:LONGEST_STAGE],
            done=max(0, done),
            total=None if total is None else max(0, total),
            message=message[:LONGEST_MESSAGE],
        )
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.create_task(self._publish())

    async def keep(self, name: str, media_type: str, content: bytes) -> None:
        """See JobRun; raise InvalidArtifact for a name that is not plain, and for too many files."""
        if not NAME.fullmatch(name):
            rule = f"must have the form {NAME.pattern}"
            raise InvalidArtifact("The file can not be kept.", errors=[FieldError(field="name", rule=rule)])
        if name not in self._kept and len(self._kept) >= MOST_FILES:
            raise InvalidArtifact(f"A job keeps at most {MOST_FILES} files.")
        key = f"{self._folder}/{name}"
        await self._files.put(key, content)
        self._kept[name] = Artifact(
            name=name,
            media_type=media_type,
            size=len(content),
            digest=hashlib.sha256(content).hexdigest(),
            key=key,
        )

    async def close(self) -> None:
        """Tell the last progress."""
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.wait({self._publishing})
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._tell()

    async def discard(self) -> None:
        """Remove the files of an attempt that did not succeed; what can not be removed stays unknown."""
        with suppress(Unavailable):
            for one in self._kept.values():
                await self._files.remove(one.key)

    async def _publish(self) -> None:
        while self.newest is not self._told:
            await self._tell()
            await asyncio.sleep(SPACING)

    async def _tell(self) -> None:
        newest = self.newest
        if newest is None or newest is self._told:
            return
        update = ProgressUpdate(
            job=self.job, type=self._of.type, owner=self._of.owner, progress=newest, at=self._clock.now()
        )
        with suppress(Unavailable):
            await self._stream.publish(update)
        self._told = newest
