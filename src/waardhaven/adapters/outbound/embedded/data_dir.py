"""The directory that holds everything the servers keep: checks, marker and lock."""

import asyncio
import fcntl
import hashlib
import os
from pathlib import Path
from typing import Self

from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError

MARKER = "waardhaven-servers"
LOCK = "lock"
HARMLESS = frozenset({LOCK, "audit-heads.log"})
"""What may lie in a directory before the servers make it theirs."""
LOCK_ATTEMPTS = 10
LOCK_PAUSE_SECONDS = 0.05


def prepare(path: Path) -> Path:
    """Return `path` made absolute, existing, ours and closed to others (0700).

    Raises `EmbeddedServerError` if it is no directory, belongs to another user, cannot be
    written, or holds files but not our marker.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would need every parent readable
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_owner(path)
        _require_ours(path)
        path.chmod(0o700)
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            message = f"cannot write to the data directory {path}: choose another one"
            raise EmbeddedServerError(message)
    except OSError as error:
        message = f"cannot use {path} as data directory ({error.strerror}): choose another one"
        raise EmbeddedServerError(message) from error
    return path


def process_tag(path: Path) -> str:
    """Return the word that the servers of this directory carry in their command lines.

    It names the directory itself, not its path, so a copy of the directory gets another one.
    """
    facts = path.stat()
    digest = hashlib.blake2b(f"{facts.st_dev}:{facts.st_ino}".encode(), digest_size=8)
    return f"waardhaven-{digest.hexdigest()}"


def _require_owner(path: Path) -> None:
    owner = path.stat().st_uid
    if owner != os.geteuid():
        message = f"data directory {path} belongs to user id {owner}: run as that user"
        raise EmbeddedServerError(message)


def _require_ours(path: Path) -> None:
    names = {entry.name for entry in os.scandir(path)}
    if MARKER not in names and names - HARMLESS:
        message = f"{path} holds files that are not ours: choose an empty or new directory"
        raise EmbeddedServerError(message)


class DataDirLock:
    """Held by the one supervisor of a data directory; the kernel drops it with the process."""

    def __init__(self, descriptor: int) -> None:
        """Own an open and locked file."""
        self._descriptor = descriptor

    @classmethod
    async def acquire(cls, path: Path) -> Self:
        """Lock the prepared directory `path` and mark it as ours.

        Raises `EmbeddedServerError` naming the process that holds it. A short wait covers someone
        who only looks (`is_locked`) and a predecessor that is about to exit.
        """
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            await _lock(descriptor, path)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            (path / MARKER).touch(mode=0o600)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def release(self) -> None:
        """Let the next supervisor in."""
        os.close(self._descriptor)


async def _lock(descriptor: int, path: Path) -> None:
    for _ in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(LOCK_PAUSE_SECONDS)
        else:
            return
    holder = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
    message = f"{path} is in use by process {holder}: stop it first or choose another directory"
    raise EmbeddedServerError(message)


def is_locked(path: Path) -> bool:
    """Whether a supervisor holds the lock of data directory `path` at this moment."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
