"""Jobs as the ledger keeps them: inside a transaction, for the worker, and for readers."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from waardhaven.domain.errors import Conflict
from waardhaven.domain.identity.roles import Credential, Permission, Principal
from waardhaven.domain.jobs.job import Artifact, Job, JobFailure, JobState, Progress, Queue
from waardhaven.domain.types import JobId, UserId


class LeaseLost(Conflict):
    """The job was taken away: its lease expired and another attempt began, or it was cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDraft:
    """A job to be queued; see Job."""

    id: JobId
    type: str
    params: Mapping[str, object]
    queue: Queue
    max_attempts: int
    owner: UserId | None
    credential: Credential
    scopes: frozenset[Permission] | None = None
    idempotency_key: str | None = None
    parent: JobId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to run a job for a while. ``token`` counts up with every claim and fences older ones."""

    job: JobId
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message about a job: stale when the job has another ``number`` by now.

    ``after``: how long from now the job is not to be started.
    """

    job: JobId
    number: int
    queue: Queue
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How an attempt ended.

    ``queued`` asks for another one after ``pause``, under a new delivery: the job is dead when no
    attempt is left, cancelled when that was asked for. ``counts`` False: the attempt is taken back,
    it was nobody's fault (a worker that stops).
    """

    state: JobState
    result: Mapping[str, object] | None = None
    failure: JobFailure | None = None
    artifacts: tuple[Artifact, ...] = ()
    pause: timedelta = timedelta(0)
    counts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are wanted; None and empty mean any."""

    states: Collection[JobState] = ()
    types: Collection[str] = ()
    owner: UserId | None = None
    parent: JobId | None = None
    queue: Queue | None = None
    since: datetime | None = None
    until: datetime | None = None


class Jobs(Protocol):
    """Jobs inside a unit of work. Each change writes its JobChanged event in the same transaction."""

    @abstractmethod
    async def add(self, draft: JobDraft) -> Job:
        """Queue a job and return it.

        A key the owner used before gives the job it made then; raise KeyReused when that job has
        another type or other parameters.
        """

    @abstractmethod
    async def find(self, job: JobId) -> Job | None:
        """Return a job, locked against changes until the transaction ends, or None."""

    @abstractmethod
    async def cancel(self, job: JobId) -> Job:
        """Cancel a queued job, ask for the end of a running one (asking twice changes nothing).

        Raise IllegalTransition when it has ended.
        """

    @abstractmethod
    async def requeue(self, job: JobId) -> Job:
        """Queue a failed or dead job again with all its attempts; raise IllegalTransition otherwise."""

    @abstractmethod
    async def settle(self, lease: Lease, settlement: Settlement) -> Job:
        """End an attempt in this transaction; raise LeaseLost unless the lease is held."""


class JobLedger(Protocol):
    """What the worker asks and tells, one statement each; instants are those of the database alone."""

    @abstractmethod
    async def claim(self, delivery: Delivery, *, worker: str, lease: timedelta) -> tuple[Job, Lease] | None:
        """Begin an attempt; None when the message is stale: another number, or no longer queued."""

    @abstractmethod
    async def beat(self, lease: Lease, *, length: timedelta, progress: Progress | None) -> bool:
        """Extend a lease and keep progress; return whether cancelling was asked for; raise LeaseLost."""

    @abstractmethod
    async def settle(self, lease: Lease, settlement: Settlement) -> Job:
        """End an attempt and return the job as it is then; raise LeaseLost unless the lease is held."""

    @abstractmethod
    async def reclaim(self, *, limit: int) -> Sequence[Job]:
        """Take jobs whose lease expired from their workers and return them as they are then.

        Queued again with a new delivery while attempts are left; dead when none is; cancelled when
        that was asked for. Several callers at once never take the same job.
        """

    @abstractmethod
    async def waiting(self, *, older_than: timedelta, limit: int) -> Sequence[Delivery]:
        """Return deliveries of due jobs that nobody claimed for ``older_than``, longest waiting first."""

    @abstractmethod
    async def redeliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Replace messages that were lost; return the new ones (none for jobs that moved on)."""

    @abstractmethod
    async def get(self, job: JobId) -> Job:
        """Return a job with its artifacts; raise UnknownJob."""

    @abstractmethod
    async def page(
        self, wanted: JobFilter, *, by: Principal, limit: int, before: JobId | None = None
    ) -> Sequence[Job]:
        """Return jobs that ``by`` may see, newest first, without results and artifacts."""

    @abstractmethod
    async def counts(self) -> Mapping[tuple[Queue, JobState], int]:
        """Return how many jobs are queued and running in each queue, and how many are dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBeat:
    """A worker process as it last told of itself. ``ended_at``: when it stopped in order."""

    id: str
    queues: tuple[Queue, ...]
    concurrency: int
    running: int
    started_at: datetime
    beat_at: datetime
    ended_at: datetime | None = None


class Workers(Protocol):
    """Who works."""

    @abstractmethod
    async def beat(
        self, worker: str, *, queues: Sequence[Queue], concurrency: int, running: int, ended: bool = False
    ) -> None:
        """Tell that a worker lives, or that it stops."""

    @abstractmethod
    async def alive(self, *, within: timedelta) -> Sequence[WorkerBeat]:
        """Return workers that were heard of lately and have not stopped, oldest first."""
