"""What readers of jobs are answered."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from uuid import UUID

from waardhaven.domain.jobs.job import Job, JobState, Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressView:
    """How far a job is; ``fraction`` is null while the total is not known."""

    stage: str
    done: int
    total: int | None
    fraction: float | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureView:
    """Why the newest attempt did not succeed."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactView:
    """A file of a job; ``sha256`` in hex."""

    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as lists show it. ``next_attempt_at``: when a queued job may start at the earliest."""

    id: UUID
    type: str
    state: JobState
    queue: Queue
    params: Mapping[str, object]
    progress: ProgressView
    error: FailureView | None
    attempts: int
    max_attempts: int
    owner: UUID | None
    parent: UUID | None
    idempotency_key: str | None
    correlation_id: str | None
    cancel_requested: bool
    created_at: dt.datetime
    next_attempt_at: dt.datetime | None
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    duration_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetailView(JobView):
    """A job with what came of it."""

    result: Mapping[str, object] | None
    artifacts: tuple[ArtifactView, ...]
    worker: str | None


def job_view(job: Job) -> JobView:
    """Return a job as lists show it."""
    failure, ended = job.failure, job.finished_at
    return JobView(
        id=job.id,
        type=job.type,
        state=job.state,
        queue=job.queue,
        params=job.params,
        progress=progress_view(job),
        error=None if failure is None else FailureView(code=failure.code, detail=failure.message),
        attempts=job.attempts,
        max_attempts=job.max_attempts,
        owner=job.owner,
        parent=job.parent,
        idempotency_key=job.idempotency_key,
        correlation_id=job.correlation_id,
        cancel_requested=job.cancel_requested_at is not None,
        created_at=job.created_at,
        next_attempt_at=job.due_at if job.state is JobState.QUEUED else None,
        started_at=job.started_at,
        finished_at=ended,
        duration_seconds=(ended - job.started_at).total_seconds() if ended and job.started_at else None,
    )


def detail_view(job: Job) -> JobDetailView:
    """Return a job with what came of it."""
    files = tuple(
        ArtifactView(name=one.name, media_type=one.media_type, size=one.size, sha256=one.digest)
        for one in job.artifacts
    )
    shown = job_view(job)
    shared = {one.name: getattr(shown, one.name) for one in fields(shown)}
    return JobDetailView(**shared, result=job.result, artifacts=files, worker=job.worker)


def progress_view(job: Job) -> ProgressView:
    """Return how far a job is; one that succeeded is wholly done."""
    now = job.progress
    fraction = min(now.done / now.total, 1.0) if now.total else None
    return ProgressView(
        stage=now.stage,
        done=now.done,
        total=now.total,
        fraction=1.0 if job.state is JobState.SUCCEEDED else fraction,
        message=now.message,
    )
