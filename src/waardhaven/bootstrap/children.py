"""What `up` and `serve --workers` start: the same program again, as a child."""

import os
import sys
from pathlib import Path

from waardhaven.adapters.outbound.embedded import Command
from waardhaven.bootstrap.settings import SECRETS, Settings


def own_command(
    settings: Settings, *arguments: str, log: Path | None = None, pass_fds: tuple[int, ...] = ()
) -> Command:
    """Return how to run this program again with our environment.

    Children stand in ``/``, so paths in the environment become absolute; private servers are found
    through the state file of the data directory.
    """
    return Command(
        argv=(sys.executable, "-P", "-m", "waardhaven", *arguments),
        env={**os.environ, **_secret_files(), **_rates_file(), "DATA_DIR": str(settings.data_dir.absolute())},
        log=log,
        pass_fds=pass_fds,
    )


def _secret_files() -> dict[str, str]:
    names = (f"{name.upper()}_FILE" for name in SECRETS)
    return {name: str(Path(os.environ[name]).absolute()) for name in names if os.environ.get(name)}


def _rates_file() -> dict[str, str]:
    place = os.environ.get("ECB_RATES", "")
    is_path = place not in ("", "ecb") and "://" not in place
    return {"ECB_RATES": str(Path(place).absolute())} if is_path else {}
