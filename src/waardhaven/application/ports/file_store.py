"""Files that jobs leave."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Protocol

from waardhaven.domain.errors import NotFound, Unavailable


class UnknownFile(NotFound):
    """There is no such file."""


class FilesUnavailable(Unavailable):
    """Files can not be read or written at this moment."""


class FileStore(Protocol):
    """Whole files under keys such as ``jobs/<id>/<name>``; a key is written once and then only read."""

    @abstractmethod
    async def put(self, key: str, content: bytes) -> None:
        """Keep a file, whole or not at all, also through a crash; the same key again replaces it."""

    @abstractmethod
    def read(self, key: str) -> AsyncIterator[bytes]:
        """Yield a file in parts; raise UnknownFile."""

    @abstractmethod
    async def remove(self, key: str) -> None:
        """Remove a file; one that is not there is fine."""
