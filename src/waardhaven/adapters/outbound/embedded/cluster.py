"""The PostgreSQL cluster on disk: made whole or not at all, and never mistaken for another."""

import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from waardhaven.adapters.outbound.embedded.binaries import POSTGRES_MAJOR
from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.place import Place
from waardhaven.adapters.outbound.embedded.private_file import sync_directory
from waardhaven.adapters.outbound.embedded.process import run_once
from waardhaven.adapters.outbound.embedded.surroundings import Surroundings

CLUSTER = "postgres"
DRAFT_PREFIX = "postgres.new-"
DATABASE = "waardhaven"
SUPERUSER = "postgres"
ROLE = "waardhaven"
INIT_SECONDS = 120.0


async def open_cluster(around: Surroundings) -> Place:
    """Return the cluster's directory, made first if there is none.

    Raises `EmbeddedServerError` if it cannot be made, or if what is there is of another major
    version or no cluster.
    """
    for leftover in around.data_dir.glob(f"{DRAFT_PREFIX}*"):
        shutil.rmtree(leftover)
    path = around.data_dir / CLUSTER
    if path.exists():
        _require_version(path)
    else:
        await _make(around, path)
    # Whoever wrote it is gone (the sweep saw to that), and PostgreSQL would believe the id in it
    # if it is in use again by another process.
    (path / "postmaster.pid").unlink(missing_ok=True)
    return Place.open(path, around.account)


def _require_version(path: Path) -> None:
    try:
        found = (path / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        message = f"{path} is not a PostgreSQL cluster: move it away or choose another directory"
        raise EmbeddedServerError(message) from None
    if found != POSTGRES_MAJOR:
        message = (
            f"{path} was made by PostgreSQL {found}, this program brings {POSTGRES_MAJOR}: "
            f"dump it with {found} and restore it into a new data directory"
        )
        raise EmbeddedServerError(message)


async def _make(around: Surroundings, path: Path) -> None:
    """Build the cluster beside `path` and rename it when it is complete and on disk."""
    draft = around.data_dir / f"{DRAFT_PREFIX}{secrets.token_hex(4)}"
    place = Place.open(draft, around.account)
    try:
        await _initdb(around, place)
        await _create_database(around, place)
    finally:
        place.close()
    draft.rename(path)
    sync_directory(around.data_dir)


async def _initdb(around: Surroundings, place: Place) -> None:
    argv = (
        str(around.binaries.initdb),
        *("-D", place.seen_as),
        f"--username={SUPERUSER}",
        "--pwfile=/dev/stdin",
        *_locale_options(),
        "--encoding=UTF8",
        "--auth=scram-sha-256",
        "--data-checksums",
        "--no-instructions",
        *("-c", f"cluster_name={around.tag}"),
    )
    await _run("initdb", around, place, argv, f"{around.passwords.postgres_superuser}\n")


async def _create_database(around: Surroundings, place: Place) -> None:
    """Create role and database without opening a socket; the role is no superuser."""
    argv = (
        *(str(around.binaries.postgres), "--single", "-j", "-D", place.seen_as),
        *("-c", "exit_on_error=true", "-c", f"cluster_name={around.tag}", SUPERUSER),
    )
    statements = (
        f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{around.passwords.postgres}';\n\n"
        f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n\n"
    )
    await _run("postgres --single", around, place, argv, statements)


async def _run(name: str, around: Surroundings, place: Place, argv: tuple[str, ...], text: str) -> None:
    """Run a program with secret `text` as its standard input, a file that has no name."""
    with tempfile.TemporaryFile(dir=around.data_dir) as stdin:
        if around.account is not None:  # initdb opens it anew, which checks the owner
            os.fchown(stdin.fileno(), around.account.uid, around.account.gid)
        stdin.write(text.encode())
        stdin.seek(0)
        command = around.command(argv, place, log=around.log(CLUSTER), stdin=stdin.fileno())
        await run_once(name, command, INIT_SECONDS)


def _locale_options() -> tuple[str, ...]:
    if sys.platform == "linux":
        return ("--locale-provider=builtin", "--locale=C.UTF-8")
    return ("--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8")
