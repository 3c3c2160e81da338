"""``waardhaven build`` and ``waardhaven verify``."""

from datetime import date, datetime

import click
import numpy as np
from click import Context
from dishka import AsyncContainer
from rich.console import Console
from rich.table import Column, Table

from waardhaven.adapters.inbound.cli.runner import Runner
from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.indexes.publish_build import PublishBuild
from waardhaven.application.indexes.verify_index import Verdict, VerifyIndex
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.build_record import BuildRecord, NothingToBuild
from waardhaven.domain.types import Days

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.argument("slug")
@click.option("--restate-from", type=DAY, help="Compute the days from this one on again.")
@click.option("--force", "forced", type=DAY, multiple=True, help="Review the weights on this session, too.")
@click.option("--no-publish", is_flag=True, help="Keep the build without making it official.")
@click.option("--reason", default="built at the command line", show_default=True, help="Why it is published.")
@click.pass_context
def build(
    context: Context,
    slug: str,
    restate_from: datetime | None,
    forced: tuple[datetime, ...],
    no_publish: bool,  # noqa: FBT001 (click passes options by name)
    reason: str,
) -> None:
    """Compute the index SLUG from stored prices and publish the new days."""
    runner: Runner = context.obj
    found = runner.run(
        lambda scope: _build(
            scope,
            slug,
            restate_from=restate_from.date() if restate_from else None,
            forced=np.array(forced, dtype="datetime64[D]"),
            reason=None if no_publish else reason,
        )
    )
    if found is None:
        runner.console.print(f"{slug} is up to date.")
        return
    levels = found.result.levels
    runner.console.print(
        f"Built {slug}: {len(levels)} sessions from {found.start} to {found.through}, "
        f"last level {levels.level[-1]:,.6f} ({found.id}).",
        highlight=False,
    )


async def _build(
    scope: AsyncContainer, slug: str, *, restate_from: date | None, forced: Days, reason: str | None
) -> BuildRecord | None:
    build_index = await scope.get(BuildIndex)
    try:
        record = await build_index(OPERATOR, slug=slug, restate_from=restate_from, forced=forced)
    except NothingToBuild:
        return None
    if reason is not None:
        await (await scope.get(PublishBuild))(OPERATOR, record.id, reason=reason)
    return record


@click.command()
@click.argument("slug")
@click.pass_context
def verify(context: Context, slug: str) -> None:
    """Compute what is published of SLUG again from its recorded facts, and compare.

    Exit code 1 and the first difference when a figure can not be reproduced.
    """
    runner: Runner = context.obj
    verdicts = runner.run(lambda scope: _verify(scope, slug))
    runner.console.print(_table(verdicts))
    for one in verdicts:
        if not one.passed:
            _explain(runner.console, one)
    if not all(one.passed for one in verdicts):
        context.exit(1)


async def _verify(scope: AsyncContainer, slug: str) -> list[Verdict]:
    return await (await scope.get(VerifyIndex))(OPERATOR, slug=slug)


def _table(verdicts: list[Verdict]) -> Table:
    table = Table(Column("build", overflow="fold"), "sessions", "compared", "inputs", "verdict")
    for one in verdicts:
        table.add_row(
            str(one.build),
            str(one.sessions),
            "bit for bit" if one.exact else "to 1e-12",
            "same" if one.same_inputs else "differ",
            "reproduced" if one.passed else "differs",
        )
    return table


def _explain(console: Console, verdict: Verdict) -> None:
    found = verdict.difference
    if found is None:
        console.print(f"{verdict.build}: the inputs recorded are not the inputs read now.", highlight=False)
        return
    name = f" of {verdict.symbol}" if verdict.symbol else ""
    console.print(
        f"{verdict.build}: first difference on {found.day}: {found.field}{name} "
        f"published {found.expected!r}, recomputed {found.found!r}.",
        highlight=False,
    )
