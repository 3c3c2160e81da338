"""A map bounded by what it weighs; the least recently used goes first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedMap(Generic[K, V]):
    """Keeps values for a while, up to ``capacity`` in total weight; a heavier value is not kept at all."""

    def __init__(self, capacity: int, weigh: Callable[[V], int], now: Callable[[], float]) -> None:
        """Bound the map by ``capacity`` in the unit of ``weigh``; ``now`` in seconds of any origin."""
        self.capacity = capacity
        self.weight = 0
        self._weigh = weigh
        self._now = now
        self._items: OrderedDict[K, tuple[V, int, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many values are kept."""
        return len(self._items)

    def get(self, key: K) -> V | None:
        """Return the value unless it is unknown or its time is over."""
        found = self._items.get(key)
        if found is None:
            return None
        if found[2] <= self._now():
            self._drop(key)
            return None
        self._items.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, *, ttl_seconds: float) -> None:
        """Keep the value for ``ttl_seconds``, dropping the oldest until all fit."""
        self._drop(key)
        weight = self._weigh(value)
        if weight > self.capacity or ttl_seconds <= 0:
            return
        self._items[key] = (value, weight, self._now() + ttl_seconds)
        self.weight += weight
        while self.weight > self.capacity:
            self._drop(next(iter(self._items)))

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self.weight = 0

    def _drop(self, key: K) -> None:
        found = self._items.pop(key, None)
        if found is not None:
            self.weight -= found[1]
