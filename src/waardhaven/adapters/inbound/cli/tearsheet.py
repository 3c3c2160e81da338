"""``waardhaven tearsheet``: the figures of an index, or of series in a file, with small charts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
import numpy as np
from click import Context
from dishka import AsyncContainer
from rich.console import Console
from rich.table import Column, Table

from waardhaven.adapters.inbound.cli.runner import Runner
from waardhaven.adapters.inbound.cli.series_files import read_series
from waardhaven.application.indexes.queries import ReadHistory
from waardhaven.application.metrics.analyse_risk import analyse
from waardhaven.application.metrics.risk_question import Kind, RiskQuestion, sample_of
from waardhaven.application.metrics.risk_views import MeasureView, RiskView
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.metric import Unit
from waardhaven.domain.metrics.periods import compounded_by
from waardhaven.domain.metrics.sample import align
from waardhaven.domain.types import Days, Floats

DAY = click.DateTime(formats=["%Y-%m-%d"])
SHOWN = (
    *("total_return", "cagr", "annual_return", "volatility", "downside_deviation", "sharpe", "sortino"),
    *("calmar", "omega", "max_drawdown", "current_drawdown", "longest_drawdown", "ulcer_index"),
    *("var_historical", "es_historical", "skew", "kurtosis", "best_return", "worst_return", "positive_share"),
    *("beta", "alpha", "correlation", "tracking_error", "information_ratio", "up_capture", "down_capture"),
)
PER_CENT = {Unit.FRACTION, Unit.FRACTION_PER_YEAR, Unit.FRACTION_PER_PERIOD, Unit.PROBABILITY}
BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60


@click.command()
@click.argument("source")
@click.option(
    "--values",
    "kind",
    type=click.Choice(["levels", "returns"]),
    help="What a file holds; stated, never guessed.",
)
@click.option("--benchmark", help="Another index, or a column of the file.")
@click.option("--risk-free", type=click.FloatRange(-0.99, 10.0), help="A fraction a year, e.g. 0.02.")
@click.option("--start", type=DAY, help="First day.")
@click.option("--end", type=DAY, help="Last day.")
@click.option(
    "--periods-per-year", type=click.FloatRange(0.0, 1e6, min_open=True), help="Told by the dates otherwise."
)
@click.option("--all", "everything", is_flag=True, help="Every metric of the catalogue.")
@click.pass_context
def tearsheet(
    context: Context,
    source: str,
    kind: str | None,
    benchmark: str | None,
    risk_free: float | None,
    start: datetime | None,
    end: datetime | None,
    periods_per_year: float | None,
    everything: bool,  # noqa: FBT001 (click passes options by name)
) -> None:
    """Show the figures of SOURCE: an index, or a CSV or Parquet file with a column of dates.

    Levels and drawdowns come as charts of sixty characters, returns by calendar year as a table.
    """
    runner: Runner = context.obj
    path = Path(source)
    if path.is_file():
        question = _of_file(path, kind, benchmark)
    elif path.suffix:
        raise click.BadParameter(f"there is no file {source}.", param_hint="SOURCE")
    else:
        question = runner.run(lambda scope: _of_index(scope, source, benchmark))
    question = _within(question, start, end)
    metrics = tuple(METRICS) if everything else SHOWN
    question = replace(
        question, risk_free_rate=risk_free, periods_per_year=periods_per_year, metrics=metrics
    ).checked()
    show(runner.console, question, analyse(question))


def _of_file(path: Path, kind: str | None, benchmark: str | None) -> RiskQuestion:
    if kind is None:
        raise click.UsageError("Say what the file holds: --values levels or --values returns.")
    file, beside = read_series(path), None
    if benchmark is not None:
        file, beside = file.taken(benchmark)
    return RiskQuestion(
        names=file.names, values=file.values, kind=Kind(kind), dates=file.dates, benchmark=beside
    )


async def _of_index(scope: AsyncContainer, slug: str, benchmark: str | None) -> RiskQuestion:
    read = await scope.get(ReadHistory)
    found = await read(OPERATOR, slug=slug)
    days, beside = found.columns["dates"], None
    if benchmark is not None:
        other = await read(OPERATOR, slug=benchmark)
        beside = align(days, other.columns["dates"], other.columns["values"][:, None])[:, 0]
    return RiskQuestion(
        names=(slug,), values=found.columns["values"][:, None], kind=Kind.LEVELS, dates=days, benchmark=beside
    )


def _within(question: RiskQuestion, start: datetime | None, end: datetime | None) -> RiskQuestion:
    days = question.dates if question.dates is not None else np.empty(0, dtype="datetime64[D]")
    first = 0 if start is None else int(np.searchsorted(days, np.datetime64(start.date())))
    last = len(days) if end is None else int(np.searchsorted(days, np.datetime64(end.date()), side="right"))
    beside = question.benchmark
    return replace(
        question,
        values=question.values[first:last],
        dates=days[first:last],
        benchmark=beside if beside is None else beside[first:last],
    )


def show(console: Console, question: RiskQuestion, found: RiskView) -> None:
    """Print figures, charts and returns by year."""
    told = {"stated": "as stated", "dates": "told by the dates", "calendar": "told by the calendar"}
    console.print(
        f"{found.first} to {found.last}, {found.days} periods, {found.periods_per_year:g} a year "
        f"({told[found.periods_told_by]}).",
        highlight=False,
    )
    console.print(_figures(found))
    sample = sample_of(question).sample
    for name, returns in zip(found.series, sample.returns.T, strict=True):
        wealth = np.concatenate([[1.0], np.cumprod(1.0 + np.nan_to_num(returns))])
        peak = np.maximum.accumulate(wealth)
        console.print(f"{name}: growth    {sparkline(wealth)}", highlight=False, soft_wrap=True)
        console.print(f"{name}: drawdown  {sparkline(wealth / peak - 1.0)}", highlight=False, soft_wrap=True)
    if sample.days is not None and len(sample.days):
        console.print(_years(found.series, sample.days, sample.returns))
    for warning in found.warnings:
        console.print(f"Note: {warning}", highlight=False, soft_wrap=True)


def _figures(found: RiskView) -> Table:
    table = Table("figure", *(Column(name, justify="right") for name in found.series))
    for name, one in found.metrics.items():
        if any(value is not None for value in one.values) or one.reasons[0] != "no_benchmark":
            table.add_row(METRICS[name].title, *_cells(one))
    return table


def _cells(one: MeasureView) -> Iterator[str]:
    for value, reason in zip(one.values, one.reasons, strict=True):
        if value is None:
            yield f"not known: {str(reason).replace('_', ' ')}"
        else:
            yield f"{value:.2%}" if one.unit in PER_CENT else f"{value:,.4g}"


def _years(names: tuple[str, ...], days: Days, returns: Floats) -> Table:
    by_year = compounded_by(days, returns, Frequency.YEARLY)
    table = Table("year", *(Column(name, justify="right") for name in names))
    for day, row in zip(by_year.days, by_year.returns, strict=True):
        table.add_row(str(day)[:4], *("not known" if np.isnan(one) else f"{one:.2%}" for one in row))
    return table


def sparkline(values: Floats, width: int = WIDTH) -> str:
    """Return at most ``width`` bars from the lowest to the highest of ``values`` (n,), evenly spaced rows."""
    rows = np.unique(np.linspace(0, len(values) - 1, min(width, len(values))).round().astype(np.intp))
    some = values[rows]
    low, high = float(some.min()), float(some.max())
    scale = (some - low) / (high - low) if high > low else np.zeros(len(some))
    return "".join(BARS[int(one)] for one in np.minimum(scale * len(BARS), len(BARS) - 1))
