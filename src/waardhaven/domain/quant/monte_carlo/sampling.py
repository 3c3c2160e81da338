"""Ways to draw paths: each yields blocks of Brownian motions, step after step, and says what is independent.

A block is at most ``BLOCK`` numbers wide where paths are drawn step by step, so that what a step touches
stays in the cache; a low-discrepancy block has all its steps at once, at most ``CELLS`` numbers. Both are
part of what a seed means: another size draws other numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np

from waardhaven.domain.quant.monte_carlo.bridge import bridged, links
from waardhaven.domain.quant.monte_carlo.estimates import Moments
from waardhaven.domain.quant.monte_carlo.refusals import Rules
from waardhaven.domain.quant.monte_carlo.seeds import CHUNK, SCRAMBLING, stream
from waardhaven.domain.types import Floats

PATHS_OF_CHUNK: Final = 1 << 14
BLOCK: Final = 1 << 13
NARROWEST: Final = 256
CELLS: Final = 1 << 19
DIMENSIONS: Final = 21_201
"""Dimensions that the direction numbers of S. Joe and F. Kuo (2008) have."""
BITS: Final = 30
MOST_CHUNKS: Final = 64
"""Chunks of Sobol points: each has to pass all points before its own, so that many cost their square."""
FEWEST_SCRAMBLES: Final = 8
MOST_SCRAMBLES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """How many paths of how many steps and assets a run draws, from which seed, in how many scrambles."""

    paths: int
    steps: int
    assets: int
    seed: int
    scrambles: int


class Block(Protocol):
    """A block of paths: ``width`` of them, whose motion is read once, from the first step to the last."""

    @property
    def width(self) -> int:
        """How many paths there are."""
        ...  # pragma: no cover

    def motion(self) -> Iterator[Floats]:
        """Yield the Brownian motion (assets, width) after each step; the array is used again."""
        ...  # pragma: no cover


class Sampling(Protocol):
    """A way to draw."""

    @property
    def is_replicated(self) -> bool:
        """Observations are dependent within each of ``draws.scrambles`` sets, which are independent."""
        ...  # pragma: no cover

    @property
    def paths_an_observation(self) -> int:
        """Paths whose mean is one observation."""
        ...  # pragma: no cover

    def rules(self, draws: Draws) -> Rules:
        """Return what it needs."""
        ...  # pragma: no cover

    def chunks(self, draws: Draws) -> int:
        """Return the number of chunks."""
        ...  # pragma: no cover

    def paths(self, draws: Draws) -> int:
        """Return the number of paths that are drawn: at least those asked for."""
        ...  # pragma: no cover

    def width(self, draws: Draws) -> int:
        """Return the most paths of a block: each of its steps costs something whatever the width."""
        ...  # pragma: no cover

    def blocks(self, draws: Draws, chunk: int) -> Iterator[Block]:
        """Yield the blocks of a chunk."""
        ...  # pragma: no cover

    def observed(self, values: tuple[Floats, ...], draws: Draws) -> tuple[Moments, ...]:
        """Return the moments of what a block observed (m,): one, or one for each scramble."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True)
class Stepwise:
    """Normals drawn as the steps need them; ``mirrored``: the second half of a block mirrors the first."""

    rng: "np.random.Generator"
    width: int
    steps: int
    assets: int
    mirrored: bool

    def motion(self) -> Iterator[Floats]:
        """Yield the Brownian motion after each step."""
        half = self.width // 2 if self.mirrored else self.width
        moved, drawn = np.zeros((self.assets, self.width)), np.empty((self.assets, half))
        for _ in range(self.steps):
            self.rng.standard_normal(out=drawn)
            moved[:, :half] += drawn
            if self.mirrored:
                moved[:, half:] -= drawn
            yield moved


@dataclass(frozen=True, slots=True)
class Pseudorandom:
    """Independent paths; ``mirrored``: in pairs, the second with all normals of the first negated.

    The mean of a pair is one observation (P. Glasserman, 2004, section 4.2).
    """

    mirrored: bool
    is_replicated: bool = False

    @property
    def paths_an_observation(self) -> int:
        """2 in pairs."""
        return 2 if self.mirrored else 1

    def rules(self, draws: Draws) -> Rules:  # noqa: ARG002
        """Return nothing: any numbers do."""
        return {}

    def chunks(self, draws: Draws) -> int:
        """Return the number of chunks of at most ``PATHS_OF_CHUNK`` paths."""
        return ceil(draws.paths / PATHS_OF_CHUNK)

    def paths(self, draws: Draws) -> int:
        """Return the number of paths, even where they are drawn in pairs."""
        return ceil(draws.paths / self.paths_an_observation) * self.paths_an_observation

    def width(self, draws: Draws) -> int:
        """Return the most paths of a block."""
        return max(BLOCK // draws.assets // 2 * 2, NARROWEST)

    def blocks(self, draws: Draws, chunk: int) -> Iterator[Block]:
        """Yield the blocks of a chunk, all from one stream."""
        rng = stream(draws.seed, CHUNK, chunk)
        left = min(PATHS_OF_CHUNK, self.paths(draws) - chunk * PATHS_OF_CHUNK)
        widest = self.width(draws)
        while left > 0:
            width = min(widest, left)
            yield Stepwise(rng, width, draws.steps, draws.assets, self.mirrored)
            left -= width

    def observed(self, values: tuple[Floats, ...], draws: Draws) -> tuple[Moments, ...]:  # noqa: ARG002
        """Return the moments of paths, or of the means of pairs."""
        if not self.mirrored:
            return (Moments.of(*values),)
        half = len(values[0]) // 2
        return (Moments.of(*(0.5 * (one[:half] + one[half:]) for one in values)),)


@dataclass(frozen=True, slots=True)
class Bridged:
    """Points of all scrambles, turned into paths; scramble after scramble."""

    points: Floats
    """(dimensions, scrambles × points), in (0, 1)."""
    steps: int
    assets: int

    @property
    def width(self) -> int:
        """How many paths there are."""
        return int(self.points.shape[1])

    def motion(self) -> Iterator[Floats]:
        """Yield the Brownian motion after each step."""
        from scipy.special import ndtri

        normals = ndtri(self.points, out=self.points).reshape(self.steps, self.assets, self.width)
        yield from bridged(normals, links(self.steps))


@dataclass(frozen=True, slots=True)
class Sobol:
    """Scrambled Sobol points over a Brownian bridge, in independent replicates.

    One linear matrix scramble (J. Matousek, Journal of Complexity 14, 1998) of the points of S. Joe and
    F. Kuo (SIAM Journal on Scientific Computing 30, 2008), and for each replicate a digital shift of its
    own: given the matrix, replicates are independent, and each is unbiased. Points lie in the middle of
    their cells of 2^-30, so that none is 0.
    """

    is_replicated: bool = True
    paths_an_observation: int = 1

    def rules(self, draws: Draws) -> Rules:
        """Return the bounds of dimensions, points and scrambles."""
        low, high = FEWEST_SCRAMBLES, MOST_SCRAMBLES
        return {
            "sampling": (
                draws.steps * draws.assets <= DIMENSIONS,
                f"sobol has {DIMENSIONS} dimensions: steps × assets must not be more",
            ),
            "scrambles": (low <= draws.scrambles <= high, f"must be from {low} to {high}"),
        }

    def paths(self, draws: Draws) -> int:
        """Return the number of paths: a power of 2 in every scramble."""
        return self._points(draws) * draws.scrambles

    def chunks(self, draws: Draws) -> int:
        """Return the number of chunks; each has a range of points, in all scrambles."""
        return ceil(self._points(draws) / self._of_chunk(draws))

    def width(self, draws: Draws) -> int:
        """Return the paths of a block, those of all scrambles."""
        most = _power_below(CELLS // (draws.steps * draws.assets * draws.scrambles))
        return min(self._of_chunk(draws), most) * draws.scrambles

    def blocks(self, draws: Draws, chunk: int) -> Iterator[Block]:
        """Yield the blocks of a chunk."""
        from scipy.stats.qmc import Sobol as Points

        dimensions, points = draws.steps * draws.assets, self._of_chunk(draws)
        rng = stream(draws.seed, SCRAMBLING, 0)
        engine = Points(dimensions, scramble=True, bits=BITS, rng=rng)
        engine.fast_forward(chunk * points) if chunk else None
        shifts = rng.integers(1 << BITS, size=(dimensions, draws.scrambles, 1), dtype=np.uint32)
        width = self.width(draws) // draws.scrambles
        for _ in range(points // width):
            cells = np.ldexp(engine.random(width).T, BITS).astype(np.uint32)[:, None, :] ^ shifts
            inside = np.ldexp(cells.reshape(dimensions, -1) + 0.5, -BITS)
            yield Bridged(inside, draws.steps, draws.assets)

    def observed(self, values: tuple[Floats, ...], draws: Draws) -> tuple[Moments, ...]:
        """Return the moments of each scramble."""
        parts = [one.reshape(draws.scrambles, -1) for one in values]
        return tuple(Moments.of(*(one[row] for one in parts)) for row in range(draws.scrambles))

    def _points(self, draws: Draws) -> int:
        return 1 << (ceil(draws.paths / draws.scrambles) - 1).bit_length()

    def _of_chunk(self, draws: Draws) -> int:
        points, usual = self._points(draws), _power_below(PATHS_OF_CHUNK // draws.scrambles)
        return min(points, max(usual, points // MOST_CHUNKS))


def _power_below(number: int) -> int:
    """Return the largest power of 2 that is at most ``number``; 1 below that."""
    return 1 << (max(number, 1).bit_length() - 1)


SAMPLINGS: Mapping[str, Sampling] = MappingProxyType(
    {"plain": Pseudorandom(mirrored=False), "antithetic": Pseudorandom(mirrored=True), "sobol": Sobol()}
)
