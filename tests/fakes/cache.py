from dataclasses import dataclass, field

from waardhaven.application.ports.cache import Cache


@dataclass
class FakeCache(Cache):
    """A dictionary that counts; ``failing`` makes it behave as an unreachable server does."""

    items: dict[str, bytes] = field(default_factory=dict)
    failing: bool = False
    hits: int = 0
    puts: int = 0

    async def get(self, key: str) -> bytes | None:
        found = None if self.failing else self.items.get(key)
        self.hits += found is not None
        return found

    async def put(self, key: str, value: bytes, *, ttl_seconds: int) -> None:
        if not self.failing and ttl_seconds > 0:
            self.puts += 1
            self.items[key] = value
