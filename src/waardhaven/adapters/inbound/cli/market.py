"""``waardhaven refresh``, ``import-prices`` and ``undo-import``."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from click import Context
from dishka import AsyncContainer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from waardhaven.adapters.inbound.cli.runner import Runner
from waardhaven.application.jobs.refresh_market import MODES, RefreshMarket, RefreshParams
from waardhaven.application.market.import_prices import CheckImport, CommitImport, UndoImport, UploadPrices
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.ports.price_imports import PriceImport
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.market.imports import (
    LARGEST_FILE,
    DateForm,
    FileFormat,
    FileMapping,
    ImportState,
    Layout,
    NumberForm,
)
from waardhaven.domain.types import ImportId, JobId

MOST_ISSUES = 20
COUNTS = ("inserted", "changed", "unchanged")
COLOURS = {"updated": "green", "unchanged": "green", "fresh": "green", "failed": "red", "deferred": "yellow"}


def _options(kind: type[Any]) -> "click.Choice[str]":
    return click.Choice([str(one) for one in kind])


@click.command()
@click.option(
    "--mode", type=click.Choice(MODES), default="auto", show_default=True, help="How much to ask for."
)
@click.pass_context
def refresh(context: Context, mode: str) -> None:
    """Bring prices, corporate actions and exchange rates up to date, and say what became of each symbol."""
    runner: Runner = context.obj
    with _bar(runner.console) as bar:
        run = _Told(bar)
        outcome: Outcome = runner.run(lambda scope: _refresh(scope, mode, run))
    _tell_fates(runner.console, outcome.result)
    if outcome.result["status"] == "failed":
        context.exit(1)


async def _refresh(scope: AsyncContainer, mode: str, run: JobRun) -> Outcome:
    act = await scope.get(RefreshMarket)
    return await act(OPERATOR, RefreshParams(mode=mode, then="nothing"), run)


class _Told(JobRun):
    """Shows the progress of a job that runs right here, and keeps no files of it."""

    job = JobId(UUID(int=0))
    attempt = 1

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("refresh", total=None)

    def progress(self, stage: str, done: int, total: int | None = None, message: str = "") -> None:
        self._bar.update(self._task, description=f"{stage} {message}".strip(), completed=done, total=total)

    async def keep(self, name: str, media_type: str, content: bytes) -> None:
        del name, media_type, content


def _bar(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True)


def _tell_fates(console: Console, result: Mapping[str, Any]) -> None:
    table = Table("symbol", "", "source", "through", "reason", box=None, pad_edge=False)
    for one in result.get("symbols", ()):
        colour = COLOURS.get(one["fate"], "white")
        table.add_row(
            f"{one['symbol']}:{one['mic']}",
            f"[{colour}]{one['fate']}[/]",
            one.get("source", ""),
            one.get("through", ""),
            escape(one.get("detail", "")),
        )
    if table.row_count:
        console.print(table)
    for symbol, reason in result.get("unknown", {}).items():
        console.print(f"[red]{symbol}[/]: {escape(reason)}", highlight=False)
    counts = ", ".join(f"{result[name]:,} {name}" for name in COUNTS if name in result)
    console.print(
        f"Refresh ({result['mode']}): {result['status']}; bars: {counts or 'none asked for'}.",
        highlight=False,
    )


@click.command(name="import-prices")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check the file and write nothing.")
@click.option("--format", "file_format", type=_options(FileFormat), default="auto", show_default=True)
@click.option("--layout", type=_options(Layout), default="auto", show_default=True)
@click.option("--numbers", type=_options(NumberForm), default="auto", show_default=True)
@click.option("--dates", type=_options(DateForm), default="auto", show_default=True)
@click.option("--delimiter", help="Between fields; `tab` for tabulators. Else found out.")
@click.option("--encoding", help="Such as utf-8 or cp1252. Else found out.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Such as date=Datum.")
@click.option("--symbol", help="The symbol of a file without a column of symbols.")
@click.option("--mic", help="The exchange of all symbols (ISO 10383).")
@click.option("--currency", default="USD", show_default=True)
@click.option("--quote-unit", help="GBX, ZAC or ILA where prices are in hundredths.")
@click.option("--adjustment", type=click.Choice(["raw", "splits", "all"]), default="raw", show_default=True)
@click.option("--source", default="file", show_default=True, help="Name the prices are stored under.")
@click.pass_context
def import_prices(context: Context, /, file: Path, dry_run: bool, **options: Any) -> None:  # noqa: FBT001
    """Import the CSV or Parquet FILE: checked as a whole, then written in one transaction, or not at all."""
    runner: Runner = context.obj
    if file.stat().st_size > LARGEST_FILE:
        raise click.BadParameter(f"It has more than {LARGEST_FILE >> 20} MiB.", param_hint="FILE")
    record: PriceImport = runner.run(
        lambda scope: _import(scope, file, mapping_of(options), commit=not dry_run)
    )
    _tell_import(runner.console, record)
    if record.state is ImportState.REFUSED:
        context.exit(2)


def mapping_of(options: Mapping[str, Any]) -> FileMapping:
    """Return the mapping that options of the command line describe."""
    pairs = [one.partition("=") for one in options["columns"]]
    if any(not equals or not theirs for _, equals, theirs in pairs):
        raise click.BadParameter("Write it as date=Datum.", param_hint="--column")
    delimiter = options["delimiter"]
    return FileMapping(
        format=FileFormat(options["file_format"]),
        layout=Layout(options["layout"]),
        numbers=NumberForm(options["numbers"]),
        dates=DateForm(options["dates"]),
        delimiter="\t" if delimiter == "tab" else delimiter,
        encoding=options["encoding"],
        columns={ours.strip().lower(): theirs for ours, _, theirs in pairs},
        symbol=None if options["symbol"] is None else options["symbol"].upper(),
        mic=options["mic"],
        currency=options["currency"],
        quote_unit=options["quote_unit"],
        adjustment=options["adjustment"],
        source=options["source"],
    )


async def _import(scope: AsyncContainer, file: Path, mapping: FileMapping, *, commit: bool) -> PriceImport:
    content = await asyncio.to_thread(file.read_bytes)
    upload, check = await scope.get(UploadPrices), await scope.get(CheckImport)
    record = await upload(OPERATOR, name=file.name, content=content, mapping=mapping)
    record = await check(OPERATOR, id_=record.id)
    if commit and record.state is ImportState.CHECKED:
        await (await scope.get(CommitImport))(OPERATOR, id_=record.id)
        return await check.imports.get(record.id)
    return record


def _tell_import(console: Console, record: PriceImport) -> None:
    report: Mapping[str, Any] = record.report or {}
    if "detail" in report:
        console.print(report["detail"], style="red", highlight=False, markup=False)
    issues = report.get("issues", [])
    for one in issues[:MOST_ISSUES]:
        place = f"line {one['line']}" if one["line"] else one["value"]
        console.print(f"  {place}: {one['reason']}", highlight=False, markup=False)
    if report.get("issue_count", 0) > MOST_ISSUES:
        console.print(f"  … {report['issue_count'] - MOST_ISSUES:,} more", highlight=False)
    for one in report.get("notes", ()):
        console.print(f"  note: {one}", highlight=False, markup=False)
    would = report.get("would", {})
    counts = ", ".join(f"{would[name]:,} {name}" for name in COUNTS if name in would)
    console.print(f"Import {record.id} is {record.state}; bars: {counts or 'none'}.", highlight=False)


@click.command(name="undo-import")
@click.argument("import_id", type=click.UUID)
@click.option("--reason", default="undone at the command line", show_default=True)
@click.pass_obj
def undo_import(runner: Runner, import_id: ImportId, reason: str) -> None:
    """Restore the bars as they were before the import IMPORT_ID, bit for bit."""
    record: PriceImport = runner.run(lambda scope: _undo(scope, import_id, reason))
    runner.console.print(f"Import {record.id} is {record.state}.", highlight=False)


async def _undo(scope: AsyncContainer, import_id: ImportId, reason: str) -> PriceImport:
    return await (await scope.get(UndoImport))(OPERATOR, id_=import_id, reason=reason)
