"""Where random numbers come from: one seed a run, one independent stream a chunk.

The stream with key ``(k,)`` is the k-th child of the seed (``SeedSequence(seed).spawn``), made without its
siblings. No number is drawn that the caller's seed does not determine.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from numpy.random import Generator

CHUNK: Final = 0
PILOT: Final = 1
SCRAMBLING: Final = 2


def stream(seed: int, purpose: int, *numbers: int) -> "Generator":
    """Return the generator (SFC64) of one purpose and number of a run."""
    from numpy.random import SFC64, Generator, SeedSequence

    key = numbers if purpose == CHUNK else (purpose, *numbers, 0)
    return Generator(SFC64(SeedSequence(seed, spawn_key=key)))
