"""Parts of a run, put in order before they are merged."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from waardhaven.domain.quant.monte_carlo.refusals import insist


class Numbered(Protocol):
    """What a chunk returns."""

    @property
    def index(self) -> int:
        """The number of the chunk."""
        ...  # pragma: no cover


P = TypeVar("P", bound=Numbered)


def in_order(parts: Sequence[P], chunks: int) -> list[P]:
    """Return the parts by their numbers. Raises UnusableSimulation unless 0 to ``chunks`` - 1 come once."""
    ordered = sorted(parts, key=lambda part: part.index)
    is_whole = [part.index for part in ordered] == list(range(chunks))
    insist({"parts": (is_whole, f"must have each chunk from 0 to {chunks - 1} once")})
    return ordered
