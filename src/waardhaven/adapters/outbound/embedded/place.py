"""Directories of the servers, and the names under which an unprivileged server reaches them."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from waardhaven.adapters.outbound.embedded.account import Account
from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.scratch import new_scratch_path

SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_DIRECTORY = "run"


@dataclass(frozen=True, slots=True)
class Place:
    """An open directory. `descriptor` is what children must inherit, `seen_as` their path of it.

    A server that root started as another user may not traverse the parents of `path`. It gets the
    directory as an inherited descriptor and a path through /proc, which needs no parent.
    """

    path: Path
    descriptor: int
    seen_as: str

    @classmethod
    def open(cls, path: Path, account: Account | None) -> Self:
        """Create `path` if needed, with mode 0700 and owned by `account`, and open it."""
        if not path.exists():
            path.mkdir(mode=0o700)
            if account is not None:
                os.chown(path, account.uid, account.gid)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        seen_as = f"/proc/self/fd/{descriptor}" if account is not None else str(path)
        return cls(path, descriptor, seen_as)

    def close(self) -> None:
        """Give the descriptor back; processes that inherited it keep theirs."""
        os.close(self.descriptor)


def open_socket_place(data_dir: Path, account: Account | None) -> Place:
    """Make the directory for the sockets: `data_dir/run`, or a short private one.

    The latter if the path is too long, or has a comma, which separates hosts in database URLs.
    """
    room = SOCKET_PATH_BYTES - len(f"/{LONGEST_SOCKET_NAME}")
    path: Path | None = data_dir / SOCKET_DIRECTORY
    if len(os.fsencode(data_dir / SOCKET_DIRECTORY)) > room or "," in str(data_dir):
        path = new_scratch_path(data_dir, room)
    if path is None:
        message = f"{data_dir} and the temp directory are too deep for sockets: set a short TMPDIR"
        raise EmbeddedServerError(message)
    return Place.open(path, account)


def remove_socket_place(data_dir: Path) -> None:
    """Remove the sockets that this or a dead supervisor left in `data_dir`."""
    shutil.rmtree(data_dir / SOCKET_DIRECTORY, ignore_errors=True)
