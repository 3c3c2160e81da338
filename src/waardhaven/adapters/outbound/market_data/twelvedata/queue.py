"""What is still to be asked of Twelve Data, and how much of it fits into one request."""

from collections import deque
from dataclasses import dataclass
from typing import Final

Params = tuple[tuple[str, str], ...]
STREAK: Final = 8
"""Answered requests in a row after which one symbol more is put into the next."""


@dataclass(slots=True, kw_only=True, eq=False)
class Item:
    """One symbol to be asked for; ``place`` tells the caller which, ``params`` are shared in a request.

    ``alone``: in a request of its own. ``doubted``: came back as not found, which is asked once more.
    """

    place: int
    symbol: str
    params: Params = ()
    alone: bool = False
    doubted: bool = False
    tries: int = 0


class Queue:
    """Items by what they may share a request with, in the order they came."""

    def __init__(self) -> None:
        """Begin empty."""
        self._groups: dict[object, deque[Item]] = {}

    def __len__(self) -> int:
        """Return how many items could share the next request."""
        return len(next(iter(self._groups.values()), ()))

    def add(self, item: Item) -> None:
        """Put an item at the end of its group."""
        self._groups.setdefault(item if item.alone else item.params, deque()).append(item)

    def put_back(self, items: list[Item]) -> None:
        """Put items where they were taken from."""
        if items:
            key = items[0] if items[0].alone else items[0].params
            group = self._groups.pop(key, deque())
            group.extendleft(reversed(items))
            self._groups = {key: group, **self._groups}

    def take(self, number: int) -> list[Item]:
        """Return at most ``number`` items of the first group, no symbol twice."""
        key, group = next(iter(self._groups.items()))
        taken: dict[str, Item] = {}
        while group and len(taken) < number and group[0].symbol.lower() not in taken:
            item = group.popleft()
            taken[item.symbol.lower()] = item
        if not group:
            del self._groups[key]
        return list(taken.values())

    def rest(self) -> list[Item]:
        """Take everything."""
        rest = [item for group in self._groups.values() for item in group]
        self._groups.clear()
        return rest


@dataclass(slots=True)
class BatchSize:
    """How many symbols a request holds: less after a refusal, slowly more while all goes well."""

    largest: int
    now: int = 0
    streak: int = 0

    def __post_init__(self) -> None:
        """Begin with the largest."""
        self.now = self.now or self.largest

    def shrink(self, refused: int) -> None:
        """Note that a request of so many symbols was too much."""
        self.now, self.streak = max(1, min(self.now, refused // 2)), 0

    def answered(self) -> None:
        """Note that a request was answered."""
        self.streak += 1
        if self.streak >= STREAK and self.now < self.largest:
            self.now, self.streak = self.now + 1, 0
