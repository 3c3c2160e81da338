"""Data files that come with the wheel, refused unless their checksums are right."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

from waardhaven.application.ports.market_data import CorruptSource


class PackagedFiles:
    """The files of a folder with a ``CHECKSUMS`` (SHA-256). Reading blocks: call it off the event loop."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet."""
        self._folder = folder

    @cached_property
    def _checksums(self) -> dict[str, str]:
        try:
            lines = (self._folder / "CHECKSUMS").read_text().splitlines()
        except OSError as error:
            raise CorruptSource(f"The packaged data has no readable CHECKSUMS: {error.strerror}.") from error
        return {name: digest for digest, name in (line.split() for line in lines if line.strip())}

    def content(self, name: str) -> bytes:
        """Return a file; raise CorruptSource."""
        try:
            data = (self._folder / name).read_bytes()
        except OSError as error:
            raise CorruptSource(f"The packaged file {name} can not be read: {error.strerror}.") from error
        if hashlib.sha256(data).hexdigest() != self._checksums.get(name):
            raise CorruptSource(
                f"The packaged file {name} is corrupt: its SHA-256 differs from CHECKSUMS. Install again."
            )
        return data

    def table(self, name: str) -> Any:
        """Return a CSV or Parquet file as a polars frame; raise CorruptSource."""
        import polars as pl

        read = pl.read_csv if name.endswith(".csv") else pl.read_parquet
        return read(self.content(name))
