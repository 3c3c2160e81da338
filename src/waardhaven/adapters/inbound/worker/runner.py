"""One generic arq function for each JobSpec: open a scope, run the use case, translate the end."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
import structlog
from arq import Retry, cron, func
from arq.connections import ArqRedis, RedisError  # type: ignore[attr-defined]  # what its client raises
from arq.cron import CronJob
from arq.worker import Function, Worker
from dishka import AsyncContainer

from waardhaven.application.jobs.registry import JOBS, JobSpec
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import SYSTEM

WorkerCoroutine = Any
"""arq's own name for a coroutine function; the library ships no types."""
CLOSE_SECONDS = 5.0
log = structlog.get_logger()


class QueueLost(Unavailable):
    """Valkey did not answer for as long as the worker waits."""


def make_worker(container: AsyncContainer, client: ArqRedis) -> Worker:
    """Return arq's worker over ``client``, which also fixes how jobs are coded."""
    return Worker(
        functions=[_function(container, spec) for spec in JOBS],
        cron_jobs=[_cron(container, spec, spec.every) for spec in JOBS if spec.every],
        redis_pool=client,
        job_serializer=msgspec.msgpack.encode,
        job_deserializer=msgspec.msgpack.decode,
        handle_signals=False,
        poll_delay=0.05,
        max_jobs=4,
        health_check_interval=5,
        keep_result=60,
        allow_abort_jobs=True,
    )


async def run_worker(worker: Worker) -> None:
    """Run jobs until cancelled, which puts running jobs back; raise QueueLost when Valkey stays away."""
    try:
        await worker.async_run()
    except (RedisError, OSError) as error:
        raise QueueLost(
            "The job queue could not be reached. Check REDIS_URL and that Valkey runs."
        ) from error
    finally:
        with suppress(RedisError, OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await worker.close()


def _function(container: AsyncContainer, spec: JobSpec) -> Function:
    return func(_runner(container, spec), name=spec.name, timeout=spec.timeout, max_tries=spec.tries)


def _cron(container: AsyncContainer, spec: JobSpec, every: int) -> CronJob:
    return cron(
        _runner(container, spec),
        name=f"cron:{spec.name}",
        second=set(range(0, 60, every)),
        timeout=spec.timeout,
        max_tries=1,
        keep_result=0,
    )


def _runner(container: AsyncContainer, spec: JobSpec) -> WorkerCoroutine:
    async def run(
        context: dict[str, Any], args: Mapping[str, object] | None = None, correlation: str | None = None
    ) -> None:
        with structlog.contextvars.bound_contextvars(
            correlation_id=correlation or context["job_id"], job=str(spec.name), attempt=context["job_try"]
        ):
            await _run(container, spec, args or {}, int(context["job_try"]))

    run.__qualname__ = str(spec.name)
    return run


async def _run(container: AsyncContainer, spec: JobSpec, args: Mapping[str, object], attempt: int) -> None:
    known: dict[str, Any] = {name: msgspec.convert(args[name], kind) for name, kind in spec.arguments.items()}
    try:
        async with container() as scope:
            use_case = await scope.get(spec.use_case)
            result = await use_case(SYSTEM, **known)
    except Unavailable as error:
        log.warning("job could not run now", reason=error.message)
        if attempt < spec.tries:
            raise Retry(defer=2**attempt) from error
    except Exception:
        log.exception("job failed")
        raise
    else:
        if result:
            log.info("job done", result=str(result))
