"""FileHeadExport: one line a head, ``<instant> <position> <digest>``, only ever added to.

A line has about 110 bytes and there is at most one a minute: 58 MB after a year in which something was
recorded in every minute. Nothing is ever removed; whoever wants to may move the file away.
"""

import asyncio
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from waardhaven.application.ports.head_export import HeadExport, HeadsUnwritable, MalformedHeads
from waardhaven.domain.identity.audit import GENESIS, ChainHead

PAUSE = timedelta(minutes=1)
LONGEST_LINE = 256
_LINE = re.compile(r"(\S{20,40}) ([1-9][0-9]{0,18}) ([0-9a-f]{64})\n")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A line of the file."""

    at: datetime
    head: ChainHead


class FileHeadExport(HeadExport):
    """A file that only its owner may read; several processes may add to it."""

    def __init__(self, path: Path) -> None:
        """Keep heads in ``path``; its directory is created with the first one."""
        self._path = path
        self._last: _Kept | None = None

    async def offer(self, head: ChainHead, *, at: datetime) -> bool:
        """See HeadExport."""
        if head == GENESIS or _is_kept(self._last, head, at):
            return False
        try:
            kept = await asyncio.to_thread(self._append, head, at)
        except OSError as error:
            raise HeadsUnwritable(
                f"The audit heads can not be written to {self._path} ({error.strerror})."
            ) from error
        if kept:
            log.info("audit_head", position=head.position, digest=head.digest.hex())
        return kept

    def heads(self, source: Path | None = None) -> Iterator[ChainHead]:
        """See HeadExport. What is added while the file is read is not looked at."""
        path = source or self._path
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            if source is None:
                return iter(())
            raise MalformedHeads(f"There is no file {source}.") from None
        except OSError as error:
            raise MalformedHeads(f"{path} can not be read ({error.strerror}).") from error
        return _read(path, size)

    def _append(self, head: ChainHead, at: datetime) -> bool:
        with _opened(self._path) as descriptor:
            self._last = _last_line(descriptor)
            if _is_kept(self._last, head, at):
                return False
            line = f"{at.isoformat(timespec='microseconds')} {head.position} {head.digest.hex()}\n"
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        self._last = _Kept(at, head)
        return True


def _is_kept(last: _Kept | None, head: ChainHead, at: datetime) -> bool:
    """Tell whether ``head`` is the last one kept, or comes too soon after it."""
    return last is not None and (last.head == head or timedelta(0) <= at - last.at < PAUSE)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Lend the file, ours alone until the block ends."""
    is_new = not path.exists()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if is_new:
            _sync_directory(path.parent)
        yield descriptor
    finally:
        os.close(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_line(descriptor: int) -> _Kept | None:
    """Return the last whole line; half of one, left by a crash, is removed."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - 2 * LONGEST_LINE)
    tail = os.pread(descriptor, size - start, start)
    whole = tail[: tail.rfind(b"\n") + 1]
    if len(whole) < len(tail):
        os.ftruncate(descriptor, start + len(whole))
    lines = whole.splitlines(keepends=True)
    return _parsed(lines[-1].decode("ascii", "replace")) if lines else None


def _read(path: Path, size: int) -> Iterator[ChainHead]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            size -= len(line)
            if size < 0 or not line.endswith(b"\n"):
                return
            kept = _parsed(line.decode("ascii", "replace"))
            if kept is None:
                raise MalformedHeads(f"Line {number} of {path} is not an audit head.")
            yield kept.head


def _parsed(line: str) -> _Kept | None:
    found = _LINE.fullmatch(line)
    try:
        at = datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
    if found is None or at is None or at.tzinfo is None:
        return None
    return _Kept(at, ChainHead(position=int(found[2]), digest=bytes.fromhex(found[3])))
