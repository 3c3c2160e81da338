"""Which system account the servers run as."""

import os
import pwd
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError

PREFERRED_ACCOUNTS = ("waardhaven", "postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An unprivileged system account that root drops to."""

    name: str
    uid: int
    gid: int


def server_account(owned: Iterable[Path]) -> Account | None:
    """Return the account to drop to, or None for an ordinary user, who stays who they are.

    The owner of the first existing directory of `owned` (the servers' data) wins, so that an
    account created later does not lock the servers out of their own files.

    Raises `EmbeddedServerError` as root on a system other than Linux or without such an account,
    and for a user without a name (PostgreSQL refuses to run as one).
    """
    if os.geteuid() != 0:
        _require_named_user()
        return None
    if sys.platform != "linux":
        message = "cannot run embedded servers as root on this system: run as an ordinary user"
        raise EmbeddedServerError(message)
    return _owner_of(owned) or _first_existing()


def _require_named_user() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        message = f"user id {os.geteuid()} has no name, PostgreSQL needs one: add it to /etc/passwd"
        raise EmbeddedServerError(message) from None


def _owner_of(owned: Iterable[Path]) -> Account | None:
    for path in owned:
        uid = path.stat().st_uid if path.is_dir() else 0
        if uid:
            return _by_uid(uid, path)
    return None


def _by_uid(uid: int, path: Path) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        message = f"{path} belongs to user id {uid}, which has no account here: create one"
        raise EmbeddedServerError(message) from None
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _first_existing() -> Account:
    for name in PREFERRED_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    message = "servers never run as root and no unprivileged account exists: create `waardhaven`"
    raise EmbeddedServerError(message)
