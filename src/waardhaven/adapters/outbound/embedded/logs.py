"""Server logs: private append-only files, rotated by size when a server starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROTATE_BYTES = 5_000_000
KEPT_LOGS = 3
TAIL_BYTES = 4_000
TAIL_CHARACTERS = 400


@contextmanager
def open_log(path: Path) -> Iterator[int]:
    """Yield a descriptor that appends to `path`, created readable by its owner alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def rotate(path: Path, *, limit: int = ROTATE_BYTES, kept: int = KEPT_LOGS) -> None:
    """Rename `path` to `path.1` (and so on up to `kept`) once it has `limit` bytes."""
    if log_size(path) < limit:
        return
    for number in range(kept, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        newer = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        if newer.exists():
            newer.replace(older)


def log_size(path: Path | None) -> int:
    """Return the present size in bytes, 0 if there is no such log."""
    return path.stat().st_size if path and path.exists() else 0


def tail(path: Path | None, since: int = 0) -> str:
    """Return the last words written after byte `since` as one line, or a remark if none."""
    if path is None or log_size(path) <= since:
        return "it wrote nothing"
    with path.open("rb") as log:
        log.seek(max(since, log_size(path) - TAIL_BYTES))
        lines = log.read().decode(errors="replace").splitlines()
    return " | ".join(line.strip() for line in lines if line.strip())[-TAIL_CHARACTERS:]
