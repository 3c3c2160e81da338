"""Short-named private directories below the temp directory, never left behind for long."""

import os
import shutil
import tempfile
from pathlib import Path

from waardhaven.adapters.outbound.embedded.private_file import write_private

RECORD = "scratch"
FALLBACK = "/tmp"  # noqa: S108 - a parent only; the names below it cannot be foreseen


def new_scratch_path(data_dir: Path, longest: int) -> Path | None:
    """Return a fresh path of at most `longest` bytes, or None if the temp directories are deeper.

    The name cannot be foreseen, so whoever creates it (with mkdir, 0700) owns it. It is noted in
    `data_dir` before it exists: `remove_scratch` finds it whatever happens in between.
    """
    for parent in (tempfile.gettempdir(), FALLBACK):
        path = Path(parent).absolute() / f"waardhaven-{os.urandom(8).hex()}"
        if len(os.fsencode(path)) <= longest and path.parent.is_dir():
            write_private(data_dir / RECORD, "".join(f"{p}\n" for p in [*_noted(data_dir), path]))
            return path
    return None


def remove_scratch(data_dir: Path) -> None:
    """Remove every directory that this or a dead supervisor of `data_dir` noted."""
    for path in _noted(data_dir):
        shutil.rmtree(path, ignore_errors=True)
    (data_dir / RECORD).unlink(missing_ok=True)


def _noted(data_dir: Path) -> list[Path]:
    record = data_dir / RECORD
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    return [Path(line) for line in lines]
