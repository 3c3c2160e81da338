"""``waardhaven audit``: list what was done, show the head of the chain, prove that it is sound."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click
from click import Context
from dishka import AsyncContainer
from rich.console import Console
from rich.table import Column, Table

from waardhaven.adapters.inbound.cli.runner import Runner
from waardhaven.application.audit.queries import ListAudit, ReadAuditHead
from waardhaven.application.audit.verify_audit import VerifyAudit
from waardhaven.application.audit.views import AuditEntryView, AuditHeadView, AuditPage, AuditVerdict
from waardhaven.domain.identity.audit import ChainHead
from waardhaven.domain.identity.roles import OPERATOR, Credential

INSTANT = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class HeadType(click.ParamType[ChainHead]):
    """``POSITION:DIGEST`` as ``waardhaven audit head`` prints it."""

    name = "position:digest"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ChainHead:
        """Return the head, or fail with a sentence."""
        found = re.fullmatch(r"([1-9][0-9]{0,18}):([0-9a-f]{64})", str(value).strip().lower())
        if found is None:
            self.fail("must be a position and 64 hexadecimal digits, such as 120:9f86d0…", param, ctx)
        return ChainHead(position=int(found[1]), digest=bytes.fromhex(found[2]))


@click.group()
def audit() -> None:
    """Read the audit trail and prove that nobody changed it."""


@audit.command()
@click.option("--head", "expected", type=HeadType(), multiple=True, help="A head that was noted earlier.")
@click.option("--heads", "source", type=FILE, help="A copy of audit-heads.log, in place of our own.")
@click.pass_context
def verify(context: Context, expected: tuple[ChainHead, ...], source: Path | None) -> None:
    """Compute the chain over the audit trail again, and compare it with every head that was exported.

    Exit code 1 and the first broken entry when anything was changed, removed, added or cut off.
    """
    if expected and source:
        raise click.UsageError("Give --head or --heads, not both.", context)
    runner: Runner = context.obj
    verdict = runner.run(lambda scope: _verify(scope, expected, source))
    _tell(runner.console, verdict)
    if not verdict.passed:
        context.exit(1)


async def _verify(
    scope: AsyncContainer, expected: tuple[ChainHead, ...], source: Path | None
) -> AuditVerdict:
    return await (await scope.get(VerifyAudit))(OPERATOR, expected=expected, source=source)


def _tell(console: Console, verdict: AuditVerdict) -> None:
    if verdict.reason is not None:
        console.print(f"The audit trail is broken. {verdict.reason}", highlight=False)
        console.print(f"It is sound up to position {verdict.head.position}.", highlight=False)
    else:
        compared = f"{verdict.heads} exported heads" if verdict.heads != 1 else "1 exported head"
        console.print(
            f"The audit trail is sound: {verdict.head.position} entries, compared with {compared}.",
            highlight=False,
        )
        console.print(_head(verdict.head), highlight=False, soft_wrap=True)
    if verdict.unsealed:
        late = "1 entry is" if verdict.unsealed == 1 else f"{verdict.unsealed} entries are"
        console.print(f"{late} older than an hour and not sealed. Does the worker run?", highlight=False)


@audit.command()
@click.pass_obj
def head(runner: Runner) -> None:
    """Show how far the chain reaches, as POSITION:DIGEST. Keep it where the database is not."""
    found = runner.run(_read_head)
    runner.console.print(_head(found), highlight=False, soft_wrap=True)


async def _read_head(scope: AsyncContainer) -> AuditHeadView:
    return await (await scope.get(ReadAuditHead))(OPERATOR)


def _head(found: AuditHeadView) -> str:
    return f"{found.position}:{found.digest}"


@audit.command(name="list")
@click.option("--actor", type=click.UUID, help="Id of the account that acted.")
@click.option("--action", help="What was done, or how its name begins.")
@click.option("--target", help="What it was done to.")
@click.option("--credential", type=click.Choice([str(one) for one in Credential]), help="How they proved it.")
@click.option("--correlation-id", help="The request it was done in.")
@click.option("--since", type=INSTANT, help="From this instant on (UTC).")
@click.option("--until", type=INSTANT, help="Before this instant (UTC).")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="Most entries.")
@click.pass_obj
def list_entries(
    runner: Runner,
    actor: UUID | None,
    action: str | None,
    target: str | None,
    credential: str | None,
    correlation_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> None:
    """Show what was done and refused, newest first."""

    async def read(scope: AsyncContainer) -> AuditPage:
        return await (await scope.get(ListAudit))(
            OPERATOR,
            actor=actor,
            action=action,
            target=target,
            credential=credential,
            correlation_id=correlation_id,
            since=_utc(since),
            until=_utc(until),
            limit=limit,
        )

    page = runner.run(read)
    runner.console.print(_table(page.items))
    if page.next_cursor is not None:
        runner.console.print(f"There are more: raise --limit above {limit} to see them.", highlight=False)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _table(entries: tuple[AuditEntryView, ...]) -> Table:
    table = Table(
        "id", "at (UTC)", Column("who", overflow="fold"), "what", Column("on", overflow="fold"), "times"
    )
    for one in entries:
        table.add_row(
            str(one.id),
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            f"{one.credential} {one.actor or ''}".strip(),
            one.action,
            one.target,
            str(one.occurrences),
        )
    return table
