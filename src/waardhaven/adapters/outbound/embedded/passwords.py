"""The generated passwords of the servers."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.private_file import write_private

FILE = "passwords.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """Made of letters, digits, - and _, so they need no quoting in URLs, SQL or config files."""

    postgres_superuser: str
    postgres: str
    valkey: str


def load_passwords(data_dir: Path, *, may_create: bool) -> Passwords:
    """Return the passwords of `data_dir`, generating them if `may_create` and there are none.

    Raises `EmbeddedServerError` if the file is missing although data exist, or damaged.
    """
    path = data_dir / FILE
    if not path.exists():
        if not may_create:
            message = f"{path} is missing, the database cannot be opened: restore that file"
            raise EmbeddedServerError(message)
        passwords = Passwords(
            postgres_superuser=secrets.token_urlsafe(24),
            postgres=secrets.token_urlsafe(24),
            valkey=secrets.token_urlsafe(24),
        )
        write_private(path, json.dumps(asdict(passwords)))
        return passwords
    try:
        return Passwords(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        message = f"{path} is damaged ({error}): restore that file"
        raise EmbeddedServerError(message) from error
