"""``waardhaven user``: accounts from the command line of the machine that holds the data."""

from collections.abc import Awaitable, Callable

import click
from click import Context
from dishka import AsyncContainer
from rich.table import Column, Table

from waardhaven.adapters.inbound.cli.runner import Runner
from waardhaven.application.identity.manage_users import CreateUser, EraseUser, FindUser, ManageUser
from waardhaven.application.identity.queries import ListUsers
from waardhaven.application.identity.views import NewUser, UserPage, UserView
from waardhaven.domain.identity.roles import OPERATOR, Role
from waardhaven.domain.types import UserId

ROLE = click.Choice([str(role) for role in Role])


@click.group()
def user() -> None:
    """Create, promote, deactivate, list and erase accounts."""


@user.command()
@click.argument("email")
@click.option("--username", help="Without it one is made from the address.")
@click.option("--role", type=ROLE, default="viewer", show_default=True)
@click.pass_obj
def create(runner: Runner, email: str, username: str | None, role: str) -> None:
    """Make an account for EMAIL; its generated password is printed once."""

    async def work(scope: AsyncContainer) -> NewUser:
        return await (await scope.get(CreateUser))(OPERATOR, email=email, username=username, role=Role(role))

    made = runner.run(work)
    runner.console.print(
        f"Account {made.email} ({made.username}, {made.role}) with password {made.password} "
        "(shown this once: keep it now).",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


@user.command()
@click.argument("login")
@click.option("--role", type=ROLE, default="admin", show_default=True)
@click.pass_obj
def promote(runner: Runner, login: str, role: str) -> None:
    """Give the account LOGIN (address or username) another role: up or down."""
    _say(runner, runner.run(_managing(login, role=Role(role))))


@user.command()
@click.argument("login")
@click.pass_obj
def deactivate(runner: Runner, login: str) -> None:
    """Shut the account LOGIN out: its sessions and keys end at once."""
    _say(runner, runner.run(_managing(login, active=False)))


@user.command()
@click.argument("login")
@click.pass_obj
def activate(runner: Runner, login: str) -> None:
    """Let the account LOGIN in again."""
    _say(runner, runner.run(_managing(login, active=True)))


@user.command(name="list")
@click.option("--deleted", is_flag=True, help="Closed accounts instead.")
@click.option("--search", help="A part of the address or username.")
@click.option("--limit", type=click.IntRange(1, 1000), default=200, show_default=True)
@click.pass_obj
def list_users(
    runner: Runner,
    deleted: bool,  # noqa: FBT001 (click passes options by name)
    search: str | None,
    limit: int,
) -> None:
    """List accounts."""

    async def work(scope: AsyncContainer) -> UserPage:
        return await (await scope.get(ListUsers))(OPERATOR, limit=limit, deleted=deleted, search=search)

    page = runner.run(work)
    table = Table(
        Column("id", overflow="fold", min_width=36), "e-mail", "username", "role", "active", "verified"
    )
    for one in page.items:
        table.add_row(
            str(one.id), one.email, one.username, one.role, _yes(one.is_active), _yes(one.is_verified)
        )
    runner.console.print(table)
    if page.next_cursor is not None:
        runner.console.print("There are more: narrow the list with --search, or raise --limit.")


@user.command()
@click.argument("user_id", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def erase(context: Context, user_id: UserId, yes: bool) -> None:  # noqa: FBT001
    """Erase what is personal in a closed account; this can not be undone."""
    if not yes:
        click.confirm(f"Erase the personal data of account {user_id} for good?", abort=True)
    runner: Runner = context.obj

    async def work(scope: AsyncContainer) -> None:
        await (await scope.get(EraseUser))(OPERATOR, user_id)

    runner.run(work)
    runner.console.print(f"Account {user_id} is erased: only its id is left.", highlight=False)


def _managing(
    login: str, *, role: Role | None = None, active: bool | None = None
) -> Callable[[AsyncContainer], Awaitable[UserView]]:
    async def work(scope: AsyncContainer) -> UserView:
        found = await (await scope.get(FindUser))(OPERATOR, login=login)
        return await (await scope.get(ManageUser))(OPERATOR, UserId(found.id), role=role, active=active)

    return work


def _say(runner: Runner, view: UserView) -> None:
    state = "active" if view.is_active else "deactivated"
    runner.console.print(f"{view.email} ({view.username}) is {view.role}, {state}.", highlight=False)


def _yes(flag: bool) -> str:  # noqa: FBT001
    return "yes" if flag else "no"
