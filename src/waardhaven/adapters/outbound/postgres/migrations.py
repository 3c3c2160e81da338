"""Bringing a database to the schema this version needs; every revision goes down again.

alembic costs 0.12 s and 7 MB: it is imported by what migrates, not by whoever asks for a revision.
"""

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.errors import translated
from waardhaven.domain.errors import Invalid

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_LOCK = "SELECT pg_advisory_xact_lock(7040)"
_NAMED = re.compile(r"""^(revision|down_revision)\b[^=\n]*=\s*["'](\w+)["']""", re.MULTILINE)


class UnknownRevision(Invalid):
    """There is no such revision, or the database is at one that this version does not know."""


class BrokenHistory(Exception):
    """The revisions are not one line that ends in one head."""


def scripts() -> Path:
    """Return the folder of revisions: inside the installed package, or at the top of a checkout."""
    package = Path(str(files("waardhaven")))
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parents[1] / "migrations"


def config() -> "Config":
    """Return alembic's configuration without any file."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    return settings


def head() -> str:
    """Return the newest revision: the one that no other follows."""
    named: list[dict[str, str]] = [
        dict(_NAMED.findall(path.read_text())) for path in scripts().glob("versions/*.py")
    ]
    heads = {one["revision"] for one in named} - {one.get("down_revision") for one in named}
    if len(heads) != 1:
        raise BrokenHistory(f"Heads of the revisions in {scripts()}: {sorted(heads)}.")
    return heads.pop()


async def migrate(database: Database, *, to: str = "head") -> tuple[str | None, str | None]:
    """Upgrade or downgrade in one transaction, one process at a time; return revisions before and after."""
    with translated():
        async with database.engine.begin() as connection:
            return await connection.run_sync(_run, to)


async def current(database: Database) -> str | None:
    """Return the revision the database is at, None when it is empty."""
    with translated():
        async with database.engine.connect() as connection:
            return await connection.run_sync(_revision)


def _revision(connection: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def _run(connection: Connection, to: str) -> tuple[str | None, str | None]:
    from alembic import command
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    connection.execute(text(_LOCK))
    before = _revision(connection)
    settings = config()
    settings.attributes["connection"] = connection
    known = ScriptDirectory.from_config(settings)
    try:
        down = to == "base" or (before is not None and to != "head" and _is_older(known, to, before))
        (command.downgrade if down else command.upgrade)(settings, to)
    except CommandError as error:
        raise UnknownRevision(
            f"Can not go from schema {before or 'none'} to {to}: this version knows revisions up to {head()}."
        ) from error
    return before, _revision(connection)


def _is_older(known: "ScriptDirectory", to: str, present: str) -> bool:
    return any(revision.revision == to for revision in known.iterate_revisions(present, "base"))
