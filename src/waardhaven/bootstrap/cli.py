"""The ``waardhaven`` command: settings, processes, and the commands of the driving adapter."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from dishka import AsyncContainer
from rich.console import Console
from rich.table import Table

import waardhaven
from waardhaven.adapters.inbound.cli.audit import audit
from waardhaven.adapters.inbound.cli.explain import explain
from waardhaven.adapters.inbound.cli.indexes import build, verify
from waardhaven.adapters.inbound.cli.jobs import jobs
from waardhaven.adapters.inbound.cli.market import import_prices, refresh, undo_import
from waardhaven.adapters.inbound.cli.rules import rules
from waardhaven.adapters.inbound.cli.runner import complain, exit_code
from waardhaven.adapters.inbound.cli.tearsheet import tearsheet
from waardhaven.adapters.inbound.cli.users import user
from waardhaven.adapters.outbound.embedded import EmbeddedServerError
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import migrate as migrate_database
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.doctor import Finding, examine
from waardhaven.bootstrap.logging import configure_logging
from waardhaven.bootstrap.reach import reach_database, require_schema
from waardhaven.bootstrap.servers import connected
from waardhaven.bootstrap.settings import Settings, read_settings
from waardhaven.domain.errors import WaardhavenError

T = TypeVar("T")
DIRECTORY = click.Path(file_okay=False, path_type=Path)


class ContainerRunner:
    """Runs commands over the servers of the settings, found running or started for the moment."""

    def __init__(self) -> None:
        """Read the settings when the first command needs them."""
        self.console = Console()

    def settings(self, **overrides: object) -> Settings:
        """Return the settings of this run."""
        return read_settings(os.environ, **overrides)

    def run(self, work: Callable[[AsyncContainer], Awaitable[T]]) -> T:
        """See Runner."""
        return asyncio.run(self._run(work, require_schema))

    def run_on_any_schema(self, work: Callable[[AsyncContainer], Awaitable[T]]) -> T:
        """Run what does not need the present schema."""
        return asyncio.run(self._run(work, None))

    async def _run(
        self,
        work: Callable[[AsyncContainer], Awaitable[T]],
        check: Callable[[Database], Awaitable[None]] | None,
    ) -> T:
        async with connected(self.settings()) as (settings, _):
            container = make_container(settings)
            try:
                database = await container.get(Database)
                await reach_database(database, tries=settings.connect_tries)
                if check is not None:
                    await check(database)
                async with container() as scope:
                    return await work(scope)
            finally:
                await container.close()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(waardhaven.__version__, prog_name="waardhaven")
@click.pass_context
def cli(context: click.Context) -> None:
    """Define, compute, publish and audit rule-based investment indices.

    `waardhaven up` starts everything. Settings come from the environment; see the README.
    """
    configure_logging("ERROR", process="command")  # services say more, each for itself
    context.obj = ContainerRunner()


@cli.command()
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on (PORT, 8000).")
@click.option("--host", help="Address to listen on (HOST, 127.0.0.1).")
@click.option("--data-dir", type=DIRECTORY, help="Where the private servers keep their data (DATA_DIR).")
@click.option("--no-sample", is_flag=True, help="Do not load the sample market on first start.")
@click.option("--no-worker", is_flag=True, help="Do not start the worker.")
@click.pass_obj
def up(
    runner: ContainerRunner,
    port: int | None,
    host: str | None,
    data_dir: Path | None,
    no_sample: bool,  # noqa: FBT001 (click passes options by name)
    no_worker: bool,  # noqa: FBT001
) -> None:
    """Start everything: servers, schema, sample market, index, API and worker."""
    from waardhaven.bootstrap.up import UpOptions
    from waardhaven.bootstrap.up import up as run_up

    settings = runner.settings(port=port, host=host, data_dir=data_dir)
    configure_logging("WARNING", process="up")
    options = UpOptions(sample=not no_sample, worker=not no_worker)
    asyncio.run(run_up(settings, options, runner.console))


@cli.command()
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on (PORT, 8000).")
@click.option("--host", help="Address to listen on (HOST, 127.0.0.1).")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option("--fd", type=click.IntRange(3), hidden=True, help="An inherited listening socket.")
@click.pass_obj
def serve(runner: ContainerRunner, port: int | None, host: str | None, workers: int, fd: int | None) -> None:
    """Serve the HTTP API."""
    from waardhaven.bootstrap.http import bind
    from waardhaven.bootstrap.http import serve as serve_http
    from waardhaven.bootstrap.loop import run_fast
    from waardhaven.bootstrap.serve_many import serve_many

    settings = runner.settings(port=port, host=host)
    configure_logging(settings.log_level, process="api")
    bound = socket.socket(fileno=fd) if fd is not None else bind(settings.host, settings.port)

    async def one() -> None:
        async with connected(settings) as (reachable, _):
            await serve_http(reachable, bound)

    if workers == 1:
        run_fast(one())
    else:
        asyncio.run(serve_many(settings, bound, workers))


@cli.command()
@click.option("--queues", default="interactive,bulk", show_default=True, help="Which ones, by commas.")
@click.option("--concurrency", type=click.IntRange(1, 1000), help="Jobs of each queue at once (10).")
@click.pass_obj
def worker(runner: ContainerRunner, queues: str, concurrency: int | None) -> None:
    """Run jobs, until SIGTERM or SIGINT: running ones may end, a second signal ends them."""
    from waardhaven.bootstrap.loop import run_fast
    from waardhaven.bootstrap.worker import known_queues, work

    settings = runner.settings(worker_concurrency=concurrency)
    chosen = known_queues(queues)
    configure_logging(settings.log_level, process="worker")

    async def run() -> None:
        async with connected(settings) as (reachable, _):
            await work(reachable, chosen)

    run_fast(run())


@cli.command()
@click.option("--to", default="head", show_default=True, help="A revision, or `base` for none.")
@click.pass_obj
def migrate(runner: ContainerRunner, to: str) -> None:
    """Bring the database to the schema this version needs."""
    before, after = runner.run_on_any_schema(lambda scope: _migrate(scope, to))
    runner.console.print(f"Schema: {before or 'empty'} → {after or 'empty'}.", highlight=False)


async def _migrate(scope: AsyncContainer, to: str) -> tuple[str | None, str | None]:
    return await migrate_database(await scope.get(Database), to=to)


@cli.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check what the service needs on this machine and say what is wrong."""
    runner: ContainerRunner = context.obj
    findings = asyncio.run(examine(runner.settings))
    runner.console.print(_findings(findings))
    if not all(one.good for one in findings):
        context.exit(1)


def _findings(findings: list[Finding]) -> Table:
    table = Table("check", "", "found")
    for one in findings:
        table.add_row(one.name, "[green]good[/]" if one.good else "[red]wrong[/]", one.detail)
    return table


cli.add_command(build)
cli.add_command(verify)
cli.add_command(explain)
cli.add_command(refresh)
cli.add_command(import_prices)
cli.add_command(undo_import)
cli.add_command(audit)
cli.add_command(jobs)
cli.add_command(rules)
cli.add_command(tearsheet)
cli.add_command(user)


def main() -> int:
    """Run the command; every expected failure is one line and a non-zero exit code."""
    try:
        outcome = cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return complain(_sentence(error), error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return complain("stopped.", 130)
    except EmbeddedServerError as error:
        return complain(str(error), 1)
    except WaardhavenError as error:
        return complain(error.message, exit_code(error))
    return outcome if isinstance(outcome, int) else 0


def _sentence(error: click.ClickException) -> str:
    """Return one line where click would show the usage in several."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" See `{context.command_path} --help`." if context else ""
    return f"{' '.join(error.format_message().split())}{hint}"
