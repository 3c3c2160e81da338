"""Files for the browser: our own, and those that ``scripts/vendor_assets.py`` put beside them."""

import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from waardhaven.adapters.inbound.http.packed import Packed, plain
from waardhaven.domain.errors import Unavailable

OWN = Path(__file__).parent / "static" / "docs"
MANIFEST = "manifest.json"


class MissingAssets(Unavailable):
    """The browser files of the API pages were never installed."""


class VendoredFile(msgspec.Struct):
    """A third-party file: its hashed name and its digest as browsers check it."""

    file: str
    integrity: str


@dataclass(frozen=True)
class Assets:
    """Looks files up by name in a fixed list, so no name can lead outside."""

    vendored: Path

    @cached_property
    def _own(self) -> dict[str, Packed]:
        return {path.name: plain(path.read_bytes()) for path in OWN.iterdir()}

    @cached_property
    def _manifest(self) -> dict[str, VendoredFile]:
        try:
            raw = (self.vendored / MANIFEST).read_bytes()
        except FileNotFoundError as error:
            raise MissingAssets(
                "The files of the API pages are not installed: run `python scripts/vendor_assets.py`."
            ) from error
        return msgspec.json.decode(raw, type=dict[str, VendoredFile])

    @cached_property
    def _third_party(self) -> dict[str, Packed]:
        return {
            entry.file: plain((self.vendored / entry.file).read_bytes()) for entry in self._manifest.values()
        }

    def vendored_file(self, name: str) -> VendoredFile:
        """Return where a third-party file is; raise MissingAssets."""
        try:
            return self._manifest[name]
        except KeyError as error:
            raise MissingAssets(f"{name} is not installed: run `python scripts/vendor_assets.py`.") from error

    def read(self, name: str) -> Packed | None:
        """Return a file, None when there is none of that name (reads from disk the first time)."""
        return self._own.get(name) or self._third_party.get(name)

    def is_hashed(self, name: str) -> bool:
        """Tell whether the name changes with the content, so that it may be kept for ever."""
        return name not in self._own


def media_of(name: str) -> str:
    """Return the media type of a file by its name."""
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return "text/javascript; charset=utf-8" if name.endswith(".js") else guessed
