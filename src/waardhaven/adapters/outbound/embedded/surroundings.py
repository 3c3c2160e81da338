"""What both servers are given: where things are, who runs them, and a bare environment."""

import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from waardhaven.adapters.outbound.embedded.account import Account
from waardhaven.adapters.outbound.embedded.binaries import Binaries
from waardhaven.adapters.outbound.embedded.child import Command
from waardhaven.adapters.outbound.embedded.passwords import Passwords
from waardhaven.adapters.outbound.embedded.place import Place

# Nothing is inherited: no secrets, no PGDATA, no locale that changes how text sorts.
SERVER_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "C",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": "UTC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything a server needs besides its own data. `tag` marks its command line."""

    data_dir: Path
    account: Account | None
    binaries: Binaries
    sockets: Place
    passwords: Passwords
    tag: str
    die_with_parent: bool

    def log(self, name: str) -> Path:
        """Return the log file of server `name`."""
        return self.data_dir / "logs" / f"{name}.log"

    def command(
        self,
        argv: tuple[str, ...],
        place: Place,
        *,
        log: Path,
        death_signal: signal.Signals = signal.SIGTERM,
        stdin: int | None = None,
    ) -> Command:
        """Return a command that runs in `place` as the servers' account."""
        return Command(
            argv=argv,
            env=SERVER_ENVIRONMENT,
            cwd=place.path,
            log=log,
            stdin=stdin,
            pass_fds=(place.descriptor, self.sockets.descriptor),
            account=self.account,
            death_signal=death_signal if self.die_with_parent else None,
        )
