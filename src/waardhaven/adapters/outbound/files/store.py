"""DirectoryFileStore: one file a key below a directory of our own."""

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

from waardhaven.application.ports.file_store import FileStore, FilesUnavailable, UnknownFile

KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,149}(?:/[a-z0-9][a-z0-9._-]{0,149}){0,5}")
PART = 256 * 1024


class DirectoryFileStore(FileStore):
    """Writes beside, forces to disk, renames: a file is whole or not there.

    Several machines need a directory they share. Keys can not leave the directory: their parts begin
    with a letter or a digit.
    """

    def __init__(self, root: Path) -> None:
        """Keep files below ``root``, which is made when the first one comes."""
        self._root = root

    async def put(self, key: str, content: bytes) -> None:
        """See FileStore."""
        await asyncio.to_thread(self._write, self._path(key), content)

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """See FileStore."""
        path = self._path(key)
        file = await asyncio.to_thread(_open, path, key)
        try:
            while part := await asyncio.to_thread(file.read, PART):
                yield part
        finally:
            file.close()

    async def remove(self, key: str) -> None:
        """See FileStore."""
        path = self._path(key)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            raise _unavailable(error) from error

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise UnknownFile(f"{key!r} is not the key of a file.")
        return self._root / key

    def _write(self, path: Path, content: bytes) -> None:
        beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            _sync(path.parent)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise _unavailable(error) from error


def _open(path: Path, key: str) -> BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise UnknownFile(f"There is no file {key!r}.", context={"key": key}) from None
    except OSError as error:
        raise _unavailable(error) from error


def _sync(directory: Path) -> None:
    """Force a rename to disk, too."""
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unavailable(error: OSError) -> FilesUnavailable:
    return FilesUnavailable(f"Files can not be read or written ({type(error).__name__}: {error.strerror}).")
