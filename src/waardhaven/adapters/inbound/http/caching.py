"""Representations by generation: this process, then the shared cache, then the use case."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from waardhaven.adapters.inbound.http.lru import BoundedMap
from waardhaven.adapters.inbound.http.negotiation import IDENTITY, Encoding
from waardhaven.adapters.inbound.http.packed import Packed, compressed, plain, unpacked
from waardhaven.application.ports.cache import Cache

SMALLEST_COMPRESSED = 512
"""Fewer bytes than this are not worth compressing."""
LARGEST_INLINE = 64 * 1024
"""More bytes than this are compressed off the event loop."""
ENTRY_OVERHEAD = 300

Produce = Callable[[], Awaitable[bytes]]


class LocalCache(Cache):
    """A cache inside this process, bounded by bytes, least recently used out first."""

    def __init__(self, capacity: int, now: Callable[[], float] = time.monotonic) -> None:
        """Bound the cache by ``capacity`` bytes."""
        self._kept: BoundedMap[str, bytes] = BoundedMap(
            capacity, lambda value: len(value) + ENTRY_OVERHEAD, now
        )

    def __len__(self) -> int:
        """Return how many entries are kept."""
        return len(self._kept)

    @property
    def weight(self) -> int:
        """Bytes kept, an allowance for each entry included."""
        return self._kept.weight

    async def get(self, key: str) -> bytes | None:
        """Return the bytes or None."""
        return self._kept.get(key)

    async def put(self, key: str, value: bytes, *, ttl_seconds: int) -> None:
        """Keep the bytes for at most ``ttl_seconds``."""
        self._kept.put(key, value, ttl_seconds=ttl_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What tells one representation from another. ``audience``: whom the answer may be shown to."""

    namespace: str
    generation: int
    audience: str
    resource: str
    media: str
    encoding: Encoding

    def __str__(self) -> str:
        """Return the key as caches take it."""
        forced = "!" if self.encoding.forced else ""
        return (
            f"{self.namespace}:{self.generation}:{self.audience}:{self.resource}:{self.media}:"
            f"{self.encoding.name}{forced}"
        )


@dataclass(slots=True)
class Representations:
    """Makes every representation once: equal requests under way wait for the same work."""

    shared: Cache
    local: Cache
    ttl_seconds: int
    hits: int = field(default=0, init=False)
    misses: int = field(default=0, init=False)
    _under_way: dict[tuple[str, bool], asyncio.Task[Packed]] = field(default_factory=dict)

    async def get(self, key: Key, produce: Produce, *, use_local: bool) -> Packed:
        """Return the representation, made by ``produce`` (plain bytes) when no cache has it.

        Without ``use_local`` this process's own cache is neither read nor written.
        """
        if use_local and (found := _whole(await self.local.get(str(key)))):
            self.hits += 1
            return found
        self.misses += 1
        return await self._get(key, produce, use_local=use_local)

    async def _get(self, key: Key, produce: Produce, *, use_local: bool) -> Packed:
        ticket = (str(key), use_local)
        task = self._under_way.get(ticket)
        if task is None:
            task = asyncio.create_task(self._load(key, produce, use_local=use_local))
            self._under_way[ticket] = task
            task.add_done_callback(lambda done: self._finished(ticket, done))
        return await asyncio.shield(task)

    def _finished(self, ticket: tuple[str, bool], task: asyncio.Task[Packed]) -> None:
        self._under_way.pop(ticket, None)
        if not task.cancelled():
            task.exception()

    async def _load(self, key: Key, produce: Produce, *, use_local: bool) -> Packed:
        kept = await self.shared.get(str(key))
        packed = _whole(kept)
        if packed is None or kept is None:
            packed = await self._make(key, produce, use_local=use_local)
            kept = packed.to_bytes()
            await self.shared.put(str(key), kept, ttl_seconds=self.ttl_seconds)
        if use_local:
            await self.local.put(str(key), kept, ttl_seconds=self.ttl_seconds)
        return packed

    async def _make(self, key: Key, produce: Produce, *, use_local: bool) -> Packed:
        if key.encoding.name == IDENTITY:
            return plain(await produce())
        source = await self._source(replace(key, encoding=Encoding(IDENTITY)), produce, use_local=use_local)
        if len(source.body) < SMALLEST_COMPRESSED and not key.encoding.forced:
            return source
        if len(source.body) <= LARGEST_INLINE:
            return compressed(source, key.encoding.name)
        return await asyncio.to_thread(compressed, source, key.encoding.name)

    async def _source(self, key: Key, produce: Produce, *, use_local: bool) -> Packed:
        """Return what another representation is made from: a question of ours, not of a client."""
        kept = _whole(await self.local.get(str(key))) if use_local else None
        return kept or await self._get(key, produce, use_local=use_local)


def _whole(kept: bytes | None) -> Packed | None:
    return None if kept is None else unpacked(kept)
