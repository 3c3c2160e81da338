"""Files that only their owner can read, replaced whole or not at all."""

import os
import secrets
from pathlib import Path

from waardhaven.adapters.outbound.embedded.account import Account


def write_private(path: Path, text: str, owner: Account | None = None) -> None:
    """Put `text` into `path` with mode 0600, durably; `path` is never followed if it is a link."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if owner is not None:
                os.fchown(descriptor, owner.uid, owner.gid)
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames and new names in `path` survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
