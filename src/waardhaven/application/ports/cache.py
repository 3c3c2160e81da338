"""Bytes kept for a while; losing them costs time, never truth."""

from abc import abstractmethod
from typing import Protocol


class Cache(Protocol):
    """A bounded store of bytes by key. A failing cache behaves like an empty one."""

    @abstractmethod
    async def get(self, key: str) -> bytes | None:
        """Return the bytes or None."""

    @abstractmethod
    async def put(self, key: str, value: bytes, *, ttl_seconds: int) -> None:
        """Keep the bytes for at most ``ttl_seconds``."""
