"""A durable record of long work: its states, and which may follow which."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from waardhaven.domain.errors import Conflict, NotFound
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.identity.roles import Credential, Permission
from waardhaven.domain.types import JobId, UserId


class JobState(StrEnum):
    """``failed``: trying again would give the same error. ``dead``: every attempt was used up."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing happens any more unless somebody requeues the job."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(JobState) - {JobState.RUNNING},
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset(),
    JobState.DEAD: frozenset({JobState.QUEUED}),
}
"""Running returns to queued for another attempt; failed and dead do when somebody requeues them."""


class Queue(StrEnum):
    """``interactive``: somebody waits for it. ``bulk``: it may take its time."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class UnknownJob(NotFound):
    """There is no such job for this caller."""


class IllegalTransition(Conflict):
    """The job is in a state from which this is not possible."""


class KeyReused(Conflict):
    """The idempotency key belongs to a job of another type or with other parameters."""


def check_transition(present: JobState, wanted: JobState) -> None:
    """Raise IllegalTransition unless ``wanted`` may follow ``present``."""
    if wanted not in TRANSITIONS[present]:
        raise IllegalTransition(
            f"A job that is {present} can not become {wanted}.",
            context={"state": str(present), "wanted": str(wanted)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is. ``total`` None: unknown; ``done`` counts up within a stage."""

    stage: str = ""
    done: int = 0
    total: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailure:
    """Why an attempt did not succeed: a machine code and a sentence without secrets."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file a job left: ``key`` is its name in the file store, ``digest`` its SHA-256 in hex."""

    name: str
    media_type: str
    size: int
    digest: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is at one moment.

    ``scopes`` and ``credential`` are those of the request that submitted it: the job may do no more.
    ``attempts`` counts attempts begun. ``delivery`` numbers the messages about the job: a message with
    another number is stale. ``failure`` is that of the newest attempt, also while another one waits.
    """

    id: JobId
    type: str
    params: Mapping[str, object]
    queue: Queue
    state: JobState
    owner: UserId | None
    credential: Credential
    scopes: frozenset[Permission] | None
    idempotency_key: str | None
    parent: JobId | None
    correlation_id: str | None
    attempts: int
    max_attempts: int
    delivery: int
    created_at: datetime
    due_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    worker: str | None = None
    progress: Progress = field(default_factory=Progress)
    result: Mapping[str, object] | None = None
    failure: JobFailure | None = None
    artifacts: tuple[Artifact, ...] = ()

    @property
    def access(self) -> Access:
        """Its owner and the administrators see a job; nobody else knows that it exists."""
        return Access(owner=self.owner, visibility=Visibility.PRIVATE)
