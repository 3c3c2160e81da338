"""A copy of the server programs for when root's own are out of the account's reach.

A Python below a 0700 home is the usual case. Opening that home is not ours to do, so the programs
are copied to a root-owned place that everybody may read, once per version.
"""

import errno
import hashlib
import os
import secrets
import shutil
import stat
from pathlib import Path

from waardhaven.adapters.outbound.embedded.account import Account
from waardhaven.adapters.outbound.embedded.binaries import Binaries
from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.scratch import new_scratch_path

COPIES = Path("/var/lib/waardhaven-servers")
LONGEST_PATH = 4000
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def reachable_binaries(binaries: Binaries, account: Account | None, copies: Path, data_dir: Path) -> Binaries:
    """Return `binaries` if `account` can use them, else a copy of them that it can use.

    The copy is in `copies`, or where that cannot be written in a scratch directory of `data_dir`.
    Raises `EmbeddedServerError` if the copy to reuse could have been changed by someone else.
    """
    files = binaries.needed_files()
    if account is None or all(can_read(binaries.root / file, account) for file in files):
        return binaries
    try:
        if not copies.exists():
            copies.mkdir(parents=True)
            copies.chmod(0o755)  # whatever the umask
        target = copies / _fingerprint(binaries.root, files)
        if not target.exists():
            _copy(binaries.root, files, target)
    except OSError:  # a read-only system
        return _temporary_copy(binaries.root, files, data_dir)
    _require_safe(target, files, binaries.root)
    return Binaries(target)


def can_read(path: Path, account: Account) -> bool:
    """Whether the mode bits let `account` read file `path` (and run it, if it is a program)."""
    facts = path.stat()
    wanted = 0o5 if facts.st_mode & stat.S_IXUSR else 0o4
    if not _allows(facts, account, wanted):
        return False
    real_parents = path.resolve().parents
    return all(_allows(parent.stat(), account, 0o1) for parent in {*path.parents, *real_parents})


def _allows(facts: os.stat_result, account: Account, wanted: int) -> bool:
    shift = 6 if facts.st_uid == account.uid else 3 if facts.st_gid == account.gid else 0
    return facts.st_mode >> shift & wanted == wanted


def _fingerprint(root: Path, files: list[Path]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for file in files:
        content = (root / file).read_bytes()
        digest.update(f"{file} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def _copy(root: Path, files: list[Path], target: Path) -> None:
    """Build the copy beside `target` and rename it, so that no half of one is ever used."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        _fill(draft, root, files)
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():  # otherwise somebody else was quicker
            raise


def _fill(target: Path, root: Path, files: list[Path]) -> None:
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, target / file)
        (target / file).chmod(0o755 if os.access(root / file, os.X_OK) else 0o644)
    for directory in (target, *(path for path in target.rglob("*") if path.is_dir())):
        directory.chmod(0o755)


def _temporary_copy(root: Path, files: list[Path], data_dir: Path) -> Binaries:
    target = new_scratch_path(data_dir, LONGEST_PATH)
    try:
        if target is None:
            raise FileNotFoundError(errno.ENOENT, "no temp directory")
        target.mkdir(mode=0o700)
        _fill(target, root, files)
    except OSError as error:
        message = f"no place for a copy of the server programs ({error}): run as an ordinary user"
        raise EmbeddedServerError(message) from error
    return Binaries(target)


def _require_safe(target: Path, files: list[Path], root: Path) -> None:
    """Refuse a copy that anybody but root could have touched, or that a crash left short."""
    inside = [target, *target.rglob("*")]
    for path in (*target.parents, *inside):
        facts = path.lstat()
        if facts.st_uid != 0 or facts.st_mode & WRITABLE_BY_OTHERS or stat.S_ISLNK(facts.st_mode):
            message = f"{path} could be changed by others than root: remove {target}"
            raise EmbeddedServerError(message)
    for file in files:
        copied = target / file
        if not copied.is_file() or copied.stat().st_size != (root / file).stat().st_size:
            message = f"{copied} is damaged: remove {target}"
            raise EmbeddedServerError(message)
