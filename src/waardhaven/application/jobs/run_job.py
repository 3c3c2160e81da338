"""Run one job of any type: claim, work, settle."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from random import random
from typing import Any, Protocol

from waardhaven.application.jobs.acting import principal_of
from waardhaven.application.jobs.attempt import Attempt
from waardhaven.application.jobs.effects import Effects, effects_of
from waardhaven.application.jobs.hold import Ending, Hold, WorkEnded
from waardhaven.application.jobs.params import read_params
from waardhaven.application.jobs.rules import JobRules
from waardhaven.application.jobs.specs import JobTypes
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.file_store import FileStore
from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable
from waardhaven.application.ports.job_run import Outcome
from waardhaven.application.ports.jobs import Delivery, JobLedger, LeaseLost, Settlement
from waardhaven.application.ports.progress import ProgressStream
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import Unavailable, WaardhavenError
from waardhaven.domain.jobs.backoff import backoff
from waardhaven.domain.jobs.job import Job, JobFailure, JobState

SETTLE_PAUSE = 0.1
"""Seconds until the end of an attempt is written again that could not be written."""


class Workplace(Protocol):
    """What a worker process does for the jobs it runs. ``name`` is its id."""

    name: str

    def use(self, kind: type[Any]) -> AbstractAsyncContextManager[Any]:
        """Lend a use case."""

    def begun(self, job: Job, hold: Hold) -> None:
        """Take note of an attempt, which ``hold`` can end."""

    def broke(self, job: Job, error: Exception) -> str:
        """Record an error nobody expected, in full; return what it is found under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How an attempt is to be settled, with what has to happen in the same transaction."""

    settlement: Settlement
    effects: Effects | None = None


STOPPED = Verdict(settlement=Settlement(state=JobState.QUEUED, counts=False))
CANCELLED = Verdict(settlement=Settlement(state=JobState.CANCELLED))


@dataclass(frozen=True, slots=True)
class RunJob:
    """Run the job a message is about, on behalf of its owner, unless the message is stale.

    Only what is out of reach is tried again, after a growing pause, until the attempts are used up;
    every other error is final. The result is written by the holder of the lease alone, together with
    its effects. Who can not renew the lease in time gives the work up and writes nothing.
    """

    ledger: JobLedger
    uow: UnitOfWork
    queue: JobQueue
    stream: ProgressStream
    files: FileStore
    types: JobTypes
    rules: JobRules
    clock: Clock

    async def __call__(self, delivery: Delivery, *, at: Workplace) -> Job | None:
        """Return the job as it was settled; None: it was stale, or the lease was lost."""
        hold = Hold(self.ledger, self.rules.lease)
        job = await hold.claim(delivery, worker=at.name)
        if job is None:
            return None
        at.begun(job, hold)
        attempt = Attempt(job, hold.lease.token, files=self.files, stream=self.stream, clock=self.clock)
        try:
            verdict = await self._work(job, hold, attempt, at)
            await attempt.close()
            await hold.save()
        except asyncio.CancelledError:
            if hold.ending is not Ending.LOST:
                await self._settle(hold, STOPPED, attempt)
            raise
        if verdict is None or hold.ending is Ending.LOST:
            return None
        try:
            return await self._settle(hold, verdict, attempt)
        except Exception as error:  # noqa: BLE001 (refused effects, or a result no column can hold)
            return await self._settle(hold, _refused(job, error, at), attempt)

    async def _work(self, job: Job, hold: Hold, attempt: Attempt, at: Workplace) -> Verdict | None:
        try:
            return await self._succeeded(job, hold, attempt, at)
        except WorkEnded:
            return _ended(hold.ending)
        except Exception as error:  # noqa: BLE001 (every job comes to an end that is written down)
            return _refused(job, error, at) if hold.ending is None else _ended(hold.ending)

    async def _succeeded(self, job: Job, hold: Hold, attempt: Attempt, at: Workplace) -> Verdict:
        spec = self.types.of(job.type)
        async with hold.during(spec.timeout, lambda: attempt.newest):
            by = await principal_of(job, self.uow)
            params = read_params(spec.params, job.params)
            async with at.use(spec.use_case) as use_case:
                outcome: Outcome = await use_case(by, params, attempt)
        effects = effects_of(outcome, job, by, types=self.types, at=self.clock.now())
        settlement = Settlement(state=JobState.SUCCEEDED, result=outcome.result, artifacts=attempt.artifacts)
        return Verdict(settlement=settlement, effects=effects)

    async def _settle(self, hold: Hold, verdict: Verdict, attempt: Attempt) -> Job | None:
        """Write how the attempt ended, as long as it may still be ours, and deliver what comes next."""
        try:
            async with asyncio.timeout_at(hold.given_up_at):
                job, following = await self._write_patiently(hold, verdict)
        except (LeaseLost, TimeoutError):
            return None
        messages = [_message(one) for one in following]
        if job.state is JobState.QUEUED:
            messages.append(_message(job, verdict.settlement.pause))
        if messages:
            with suppress(QueueUnavailable):  # whoever reconciles finds them
                await self.queue.deliver(messages)
        if job.state is not JobState.SUCCEEDED:
            await attempt.discard()
        return job

    async def _write_patiently(self, hold: Hold, verdict: Verdict) -> tuple[Job, Sequence[Job]]:
        while True:
            try:
                return await self._write(hold, verdict)
            except Unavailable:
                await asyncio.sleep(SETTLE_PAUSE)

    async def _write(self, hold: Hold, verdict: Verdict) -> tuple[Job, Sequence[Job]]:
        if verdict.effects is None:
            return await self.ledger.settle(hold.lease, verdict.settlement), ()
        async with self.uow() as tx:
            # First, so that the row is locked and the lease proved before anything else is written.
            job = await tx.jobs.settle(hold.lease, verdict.settlement)
            following = await verdict.effects(tx)
            await tx.commit()
        return job, following


def _message(job: Job, after: timedelta = timedelta(0)) -> Delivery:
    return Delivery(job=job.id, number=job.delivery, queue=job.queue, after=after)


def _ended(why: Ending | None) -> Verdict | None:
    match why:
        case Ending.CANCELLED:
            return CANCELLED
        case Ending.STOPPED:
            return STOPPED
        case Ending.TIMED_OUT:
            return _failed("job_timed_out", "The job took longer than it may.")
        case _:
            return None


def _refused(job: Job, error: Exception, at: Workplace) -> Verdict:
    if isinstance(error, Unavailable):
        pause = backoff(job.attempts, random())  # noqa: S311 (spreads retries, keeps no secret)
        failure = JobFailure(code=error.code, message=error.message)
        return Verdict(settlement=Settlement(state=JobState.QUEUED, failure=failure, pause=pause))
    if isinstance(error, WaardhavenError):
        return _failed(error.code, error.message)
    found_under = at.broke(job, error)
    return _failed("internal_error", f"Something went wrong on our side. The log has it under {found_under}.")


def _failed(code: str, message: str) -> Verdict:
    failure = JobFailure(code=code, message=message)
    return Verdict(settlement=Settlement(state=JobState.FAILED, failure=failure))
