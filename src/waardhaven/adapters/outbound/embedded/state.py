"""How other processes find the running servers of a data directory."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from waardhaven.adapters.outbound.embedded.data_dir import is_locked
from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.private_file import write_private

FILE = "state.json"
CLOCK_SLACK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """URLs of the running servers, with passwords; None for a server that is not asked for.

    `database_url` suits asyncpg, `redis_url` suits redis-py. Both name Unix sockets that only
    the user who runs the supervisor (and root) can reach.
    """

    database_url: str | None
    redis_url: str | None

    def __repr__(self) -> str:
        """Keep the passwords out of logs and tracebacks."""
        return "Endpoints(...)"


def write_state(data_dir: Path, endpoints: Endpoints) -> None:
    """Publish `endpoints` as those of this process."""
    state = {
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
        "database_url": endpoints.database_url,
        "redis_url": endpoints.redis_url,
    }
    write_private(data_dir / FILE, json.dumps(state))


def remove_state(data_dir: Path) -> None:
    """Withdraw what `write_state` published."""
    (data_dir / FILE).unlink(missing_ok=True)


def attach(data_dir: Path) -> Endpoints | None:
    """Return the endpoints of the supervisor that runs on `data_dir`, None if there is none.

    A state file left by a dead supervisor counts as none, also when its process id is in use
    again. Raises `EmbeddedServerError` if the directory is not ours to read.
    """
    try:
        state = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
        if not _is_running(state["pid"], state["started"]) or not is_locked(data_dir):
            return None
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError):
        return None
    except PermissionError as error:
        message = f"cannot read {data_dir}: run as the user who started the servers"
        raise EmbeddedServerError(message) from error
    return Endpoints(state["database_url"], state["redis_url"])


def _is_running(pid: int, started: float) -> bool:
    try:
        actual = float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return False
    return abs(actual - started) < CLOCK_SLACK_SECONDS
