"""``waardhaven jobs``: submit, list, show, watch, cancel and requeue."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from click import Context
from dishka import AsyncContainer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from waardhaven.adapters.inbound.cli.runner import Runner
from waardhaven.application.answers import Page
from waardhaven.application.jobs.manage_jobs import CancelJob, RequeueJob
from waardhaven.application.jobs.queries import ListJobs, ReadJob
from waardhaven.application.jobs.schedules import ListSchedules, ScheduleView
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.jobs.views import JobDetailView, JobView
from waardhaven.application.ports.jobs import JobFilter
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.jobs.job import Job, JobState
from waardhaven.domain.types import JobId

T = TypeVar("T")
STATE = click.Choice([str(one) for one in JobState])
JOB = click.UUID
POLL_SECONDS = 0.25
COLOURS = {
    JobState.SUCCEEDED: "green",
    JobState.FAILED: "red",
    JobState.DEAD: "red",
    JobState.CANCELLED: "yellow",
    JobState.RUNNING: "cyan",
}


@click.group()
def jobs() -> None:
    """Submit, list, show, watch, cancel and requeue jobs."""


@jobs.command()
@click.argument("job_type", metavar="TYPE")
@click.option("--params", default="{}", show_default=True, help="Parameters as a JSON object.")
@click.option("--key", help="An idempotency key: the same one again gives the same job.")
@click.option("--watch", "and_watch", is_flag=True, help="Follow the job until it ends.")
@click.pass_context
def submit(context: Context, job_type: str, params: str, key: str | None, and_watch: bool) -> None:  # noqa: FBT001
    """Queue a job of TYPE: refresh, compute, report, cleanup or import."""
    runner: Runner = context.obj
    job: Job = runner.run(_using(SubmitJob, job_type=job_type, params=_object(params), key=key))
    runner.console.print(f"Job {job.id} ({job.type}) is {job.state}.", highlight=False)
    if and_watch:
        _watch(context, runner, job.id)


@jobs.command(name="list")
@click.option(
    "--state", "states", type=STATE, multiple=True, help="Only these states (`dead`: dead letters)."
)
@click.option("--type", "types", multiple=True, help="Only these types.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--before", type=JOB, help="Jobs older than this one.")
@click.pass_obj
def list_jobs(
    runner: Runner, states: tuple[str, ...], types: tuple[str, ...], limit: int, before: JobId | None
) -> None:
    """List jobs, newest first."""
    wanted = JobFilter(states=tuple(map(JobState, states)), types=types)
    cursor = None if before is None else str(before)
    page: Page[JobView] = runner.run(_using(ListJobs, wanted=wanted, limit=limit, cursor=cursor))
    table = Table(
        Column("id", min_width=36), "type", "state", "progress", "created", box=None, pad_edge=False
    )
    for one in page.items:
        state = _coloured(one.state) + (f"\n{one.error.code}" if one.error else "")
        table.add_row(str(one.id), one.type, state, _progress(one), f"{one.created_at:%m-%d %H:%M}")
    runner.console.print(table)
    if page.next_cursor is not None:
        runner.console.print(f"There are more: --before {page.next_cursor}", highlight=False)


@jobs.command()
@click.argument("job", type=JOB)
@click.pass_obj
def show(runner: Runner, job: JobId) -> None:
    """Show the job with its result, its error and its files."""
    found: JobDetailView = runner.run(_using(ReadJob, job=job))
    table = Table(show_header=False)
    for name in ("id", "type", "state", "queue", "owner", "worker", "parent"):
        table.add_row(name, str(getattr(found, name) or "–"))
    table.add_row("parameters", json.dumps(found.params))
    table.add_row("progress", _progress(found))
    table.add_row("attempts", f"{found.attempts} of {found.max_attempts}")
    for name in ("created_at", "started_at", "finished_at"):
        value = getattr(found, name)
        table.add_row(name.removesuffix("_at"), f"{value:%Y-%m-%d %H:%M:%S} UTC" if value else "–")
    if found.error:
        table.add_row("error", f"{found.error.code}: {found.error.detail}")
    for one in found.artifacts:
        table.add_row("file", f"{one.name} ({one.media_type}, {one.size:,} bytes)")
    if found.result is not None:
        table.add_row("result", json.dumps(found.result, indent=2))
    runner.console.print(table, highlight=False, markup=False)


@jobs.command()
@click.argument("job", type=JOB)
@click.pass_context
def watch(context: Context, job: JobId) -> None:
    """Follow the job until it ends. Exit code 1 unless it succeeded."""
    _watch(context, context.obj, job)


@jobs.command()
@click.argument("job", type=JOB)
@click.pass_obj
def cancel(runner: Runner, job: JobId) -> None:
    """Cancel the job: at once while it waits, soon when it runs."""
    found: Job = runner.run(_using(CancelJob, job=job))
    said = "is cancelled" if found.state is JobState.CANCELLED else "is asked to end"
    runner.console.print(f"Job {job} {said}.", highlight=False)


@jobs.command()
@click.argument("job", type=JOB)
@click.pass_obj
def requeue(runner: Runner, job: JobId) -> None:
    """Give a failed or dead job all its attempts again."""
    found: Job = runner.run(_using(RequeueJob, job=job))
    runner.console.print(f"Job {job} is {found.state}.", highlight=False)


@jobs.command()
@click.pass_obj
def schedules(runner: Runner) -> None:
    """Show what recurs, and when it runs next."""
    found: tuple[ScheduleView, ...] = runner.run(_using(ListSchedules))
    table = Table("job", "rule", "on", "next runs (UTC)", "last run (UTC)")
    for one in found:
        runs = "\n".join(f"{at:%Y-%m-%d %H:%M}" for at in one.next_runs) or one.reason or ""
        last = f"{one.last_run:%Y-%m-%d %H:%M}" if one.last_run else "–"
        table.add_row(one.name, one.rule, "yes" if one.enabled else "no", runs, last)
    runner.console.print(table)


def _using(kind: type, **params: object) -> Callable[[AsyncContainer], Awaitable[T]]:
    async def work(scope: AsyncContainer) -> T:
        found: T = await (await scope.get(kind))(OPERATOR, **params)
        return found

    return work


def _watch(context: Context, runner: Runner, job: JobId) -> None:
    async def work(scope: AsyncContainer) -> JobDetailView:
        return await _follow(await scope.get(ReadJob), job, runner.console)

    found = runner.run(work)
    error = f" {found.error.code}: {found.error.detail}" if found.error else ""
    runner.console.print(f"Job {job} is {found.state}.{error}", highlight=False, markup=False)
    if found.state is not JobState.SUCCEEDED:
        context.exit(1)


async def _follow(read: ReadJob, job: JobId, console: Console) -> JobDetailView:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("waiting", total=None)
        while True:
            try:
                found = await read(OPERATOR, job=job)
            except Unavailable as error:
                bars.update(bar, description=error.message)
            else:
                now = found.progress
                name = now.message or now.stage or str(found.state)
                bars.update(bar, description=f"{found.type}: {name}", completed=now.done, total=now.total)
                if found.state.is_terminal:
                    return found
            await asyncio.sleep(POLL_SECONDS)


def _object(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter(
            'must be a JSON object such as {"index": "autoindex"}', param_hint="--params"
        )
    return found


def _coloured(state: JobState) -> str:
    colour = COLOURS.get(state)
    return f"[{colour}]{state}[/]" if colour else str(state)


def _progress(job: JobView) -> str:
    now = job.progress
    share = f"{now.fraction:.0%} " if now.fraction is not None else ""
    again = f"\nattempt {job.attempts} of {job.max_attempts}" if job.attempts > 1 else ""
    return f"{share}{now.message or now.stage}".strip() + again
