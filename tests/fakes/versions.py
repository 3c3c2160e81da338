"""Rows that remember: every value of a key with the vintages between which it was known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Change(Generic[K, V]):
    """What a write would do; ``report`` counts it."""

    new: dict[K, V]
    other: dict[K, V]
    gone: set[K]
    same: int

    def __bool__(self) -> bool:
        return bool(self.new or self.other or self.gone)


@dataclass
class Versions(Generic[K, V]):
    """For each key its values, each as [value, known from, known until (None: still)]."""

    history: dict[K, list[list[Any]]] = field(default_factory=dict)

    def at(self, vintage: int | None) -> dict[K, V]:
        """Return what was known at a vintage (None: now), by key in order."""
        found = {}
        for key, versions in self.history.items():
            for value, since, until in versions:
                if (
                    until is None
                    if vintage is None
                    else since <= vintage and (until is None or vintage < until)
                ):
                    found[key] = value
        return dict(sorted(found.items()))

    def compare(self, offered: Mapping[K, V], gone: Iterable[K] = ()) -> Change[K, V]:
        present = self.at(None)
        new = {key: value for key, value in offered.items() if key not in present}
        other = {key: value for key, value in offered.items() if key in present and present[key] != value}
        return Change(new, other, set(gone) & set(present), len(offered) - len(new) - len(other))

    def apply(self, change: Change[K, V], vintage: int) -> None:
        for key in (*change.other, *change.gone):
            self.history[key][-1][2] = vintage
        for key, value in {**change.new, **change.other}.items():
            self.history.setdefault(key, []).append([value, vintage, None])


def _known(since: int, until: int | None, vintage: int | None) -> bool:
    if vintage is None:
        return until is None
    return since <= vintage and (until is None or vintage < until)
