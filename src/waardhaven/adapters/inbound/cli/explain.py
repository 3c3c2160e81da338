"""``waardhaven explain``: a level and a weight, taken apart."""

from collections.abc import Iterator
from datetime import datetime

import click
from click import Context
from dishka import AsyncContainer
from rich.console import Console
from rich.table import Column, Table

from waardhaven.adapters.inbound.cli.runner import Runner
from waardhaven.application.indexes.explain import Explain
from waardhaven.application.indexes.explanation_views import (
    ExplanationView,
    FigureView,
    LevelChangeView,
    WeightExplanationView,
)
from waardhaven.domain.identity.roles import OPERATOR

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.argument("slug")
@click.option("--date", "day", type=DAY, help="A published session; without it the newest.")
@click.option("--symbol", help="SYM, SYM:MIC or an asset id, whose weight to explain.")
@click.pass_context
def explain(context: Context, slug: str, day: datetime | None, symbol: str | None) -> None:
    """Compute a published session of SLUG again and show what its level and a weight are made of.

    Exit code 1 when the published figures are not what is computed.
    """
    runner: Runner = context.obj
    found = runner.run(lambda scope: _explain(scope, slug, day, symbol))
    show(runner.console, found)
    if not found.reproduced:
        context.exit(1)


async def _explain(
    scope: AsyncContainer, slug: str, day: datetime | None, symbol: str | None
) -> ExplanationView:
    ask = await scope.get(Explain)
    return await ask(OPERATOR, slug=slug, day=None if day is None else day.date(), symbol=symbol)


def show(console: Console, found: ExplanationView) -> None:
    """Print an explanation, every figure with its id."""
    verdict = "reproduced bit for bit" if found.reproduced else "not reproduced"
    code = "" if found.same_code else " (built by other code or on another machine)"
    console.print(f"{found.index} on {found.date}: {verdict}{code}.", highlight=False, soft_wrap=True)
    console.print(_table(_level(found.level)))
    if found.weight is not None:
        console.print(_table(_weight(found.weight)))
        for line in _review(found.weight):
            console.print(line, highlight=False, soft_wrap=True)


def _table(rows: Iterator[tuple[str, FigureView]]) -> Table:
    table = Table("figure", Column("value", justify="right"), Column("id", overflow="fold"))
    for name, figure in rows:
        value = "not known" if figure.value is None else repr(figure.value)
        table.add_row(name, value, figure.id)
    return table


def _level(level: LevelChangeView) -> Iterator[tuple[str, FigureView]]:
    yield "level", level.level
    yield "change", level.change
    if level.parts is not None:
        yield "  prices", level.parts.prices
        yield "  currencies", level.parts.currencies
        yield "  actions", level.parts.actions
        yield "  costs", level.parts.costs
        yield "  correction", level.parts.correction
    yield "divisor", level.divisor
    yield "dividend points, gross", level.gross_points
    yield "dividend points, net", level.net_points


def _weight(weight: WeightExplanationView) -> Iterator[tuple[str, FigureView]]:
    yield f"weight of {weight.symbol}", weight.weight
    yield "units", weight.units
    yield "target of the strategy", weight.review.target
    yield "weight at the review", weight.review.weight


def _review(weight: WeightExplanationView) -> Iterator[str]:
    review = weight.review
    yield f"Review of {review.effective} ({review.reason}), selected on {review.selection}."
    if review.refusals:
        yield f"Could not enter: {', '.join(review.refusals)}."
    for sleeve in review.sleeves:
        figures = ", ".join(f"{name} {value}" for name, value in sleeve.figures.items())
        yield f"  {sleeve.strategy}: share {sleeve.share:g}, weight {sleeve.weight!r} {figures}".rstrip()
        if sleeve.covariance is not None:
            seen = sleeve.covariance
            size = "" if seen.names is None else f" of {seen.names} names over {seen.sessions} sessions"
            yield f"    {seen.estimator} covariance{size}, {seen.left_out} left out: {seen.verdict}"
    for one in review.effects:
        yield f"  {one.step}: {one.before!r} to {one.after!r} ({one.text})"
    if weight.drift is not None:
        drift = weight.drift
        yield (
            f"Since {drift.since}: {drift.weight_then!r} x {drift.name_growth!r} / {drift.index_growth!r} "
            f"= {drift.weight_now!r}."
        )
