from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from waardhaven.application.ports.file_store import FileStore, FilesUnavailable, UnknownFile


@dataclass
class FakeFileStore(FileStore):
    """Files by key; ``failing`` makes it behave as a full disk does."""

    files: dict[str, bytes] = field(default_factory=dict)
    failing: bool = False

    async def put(self, key: str, content: bytes) -> None:
        self._check(key)
        self.files[key] = content

    async def read(self, key: str) -> AsyncIterator[bytes]:
        self._check(key)
        if key not in self.files:
            raise UnknownFile(f"There is no file {key!r}.")
        yield self.files[key]

    async def remove(self, key: str) -> None:
        self._check(key)
        self.files.pop(key, None)

    def _check(self, key: str) -> None:
        if ".." in key or key.startswith(("/", ".")) or "\\" in key or "\0" in key:
            raise UnknownFile(f"{key!r} is not the key of a file.")
        if self.failing:
            raise FilesUnavailable("Files can not be read or written.")
