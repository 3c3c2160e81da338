"""Models of the returns of assets, and their registry: what one period multiplies each price by."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import lgamma
from types import MappingProxyType
from typing import ClassVar, Final, Protocol

import numpy as np

from waardhaven.domain.quant.monte_carlo.correlation import combined, factor
from waardhaven.domain.quant.monte_carlo.refusals import GROWTH, VARIANCE, insist, within
from waardhaven.domain.quant.monte_carlo.returns_law import AnnualMoments, checked_history
from waardhaven.domain.resampling import block_length, stationary_rows
from waardhaven.domain.types import Floats

FEWEST_DEGREES: Final = 2.05
MOST_DEGREES: Final = 200.0
ANY: Final = 1 << 62
CELLS: Final = 1 << 20
"""Positions in the past (periods × paths) that are drawn together."""
GRID: Final = 60
"""Degrees of freedom that are looked at between the ends, equally far apart in their inverses, twice."""


class Drawer(Protocol):
    """A model made ready for a number of periods."""

    @property
    def widest(self) -> int:
        """Most paths that may be drawn together, so that memory stays bounded."""
        ...  # pragma: no cover

    @property
    def notes(self) -> tuple[str, ...]:
        """What was repaired to make it ready, in words."""
        ...  # pragma: no cover

    def growth(self, rng: "np.random.Generator", width: int) -> Iterator[Floats]:
        """Yield 1 + return (n, width) of each period, at least 0; the array is used again."""
        ...  # pragma: no cover


class Model(ABC):
    """A law of returns."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def assets(self) -> int:
        """How many assets it has."""

    @abstractmethod
    def drawer(self, steps: int, periods_per_year: float) -> Drawer:
        """Return the model made ready. Raises UnusableSimulation."""

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """What was repaired or fitted, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometricBrownian(Model):
    """Lognormal returns, independent from period to period."""

    name: ClassVar[str] = "gbm"
    moments: AnnualMoments

    @property
    def assets(self) -> int:
        """How many assets it has."""
        return len(self.moments.mean)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was repaired."""
        return self.moments.repairs

    def drawer(self, steps: int, periods_per_year: float) -> Drawer:
        """Return normal log returns of a period."""
        mean, covariance, repairs = self.moments.lognormal(periods_per_year)
        _insist_on_size(mean, covariance, steps)
        return _Lognormal(mean, factor(covariance), steps, repairs)


def _insist_on_size(mean: Floats, covariance: Floats, steps: int) -> None:
    variance = float(covariance.diagonal().max()) * steps
    insist(
        {
            "model.mean": (
                float(np.abs(mean).max()) * steps <= GROWTH,
                f"log growth over the whole time must be from -{GROWTH:g} to {GROWTH:g}",
            ),
            "model.covariance": (
                variance <= VARIANCE,
                f"variance over the whole time must be at most {VARIANCE:g}",
            ),
        }
    )


@dataclass(frozen=True, slots=True)
class _Lognormal:
    mean: Floats
    loading: Floats
    steps: int
    notes: tuple[str, ...]
    widest: int = ANY

    def growth(self, rng: "np.random.Generator", width: int) -> Iterator[Floats]:
        drawn, found = np.empty((len(self.mean), width)), np.empty((len(self.mean), width))
        for _ in range(self.steps):
            rng.standard_normal(out=drawn)
            combined(self.loading, drawn, out=found)
            found += self.mean[:, None]
            np.exp(found, out=found)
            yield found


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentT(Model):
    """Simple returns with a multivariate Student-t law: large moves of all assets come together.

    Mean and covariance are those stated, whatever the ``degrees`` of freedom (above 2). A return below
    -100 % counts as -100 %. Log returns with this law would have no mean: E[exp(t)] is infinite.
    """

    name: ClassVar[str] = "student_t"
    moments: AnnualMoments
    degrees: float
    is_fitted: bool = False

    def __post_init__(self) -> None:
        """Check the degrees of freedom."""
        low, high = FEWEST_DEGREES, 1e6
        rule = f"must be from {low} to {high:g}: at 2 or below there is no covariance"
        insist({"model.degrees": (within(self.degrees, low, high), rule)})

    @property
    def assets(self) -> int:
        """How many assets it has."""
        return len(self.moments.mean)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was repaired or fitted."""
        fitted = (f"degrees of freedom fitted to the history: {self.degrees:.4g}",) if self.is_fitted else ()
        return (*self.moments.repairs, *fitted)

    def drawer(self, steps: int, periods_per_year: float) -> Drawer:
        """Return scaled normals over the root of a common chi-square."""
        mean, covariance = self.moments.simple(periods_per_year)
        insist({"model.mean": (bool((mean > -1.0).all()), "must be above -100 % a period")})
        _insist_on_size(np.log1p(mean), covariance, steps)
        return _Student(mean, factor(covariance), steps, self.degrees)


@dataclass(frozen=True, slots=True)
class _Student:
    mean: Floats
    loading: Floats
    steps: int
    degrees: float
    widest: int = ANY
    notes: tuple[str, ...] = ()

    def growth(self, rng: "np.random.Generator", width: int) -> Iterator[Floats]:
        count = len(self.mean)
        drawn, found, common = np.empty((count, width)), np.empty((count, width)), np.empty(width)
        middle = (1.0 + self.mean)[:, None]
        for _ in range(self.steps):
            rng.standard_normal(out=drawn)
            rng.standard_gamma(0.5 * self.degrees, out=common)
            np.divide(0.5 * (self.degrees - 2.0), common, out=common)
            np.sqrt(common, out=common)
            combined(self.loading, drawn, out=found)
            found *= common
            found += middle
            np.maximum(found, 0.0, out=found)
            yield found


def fitted_degrees(history: Floats) -> float:
    """Return the degrees of freedom that make a history (T, n) of simple returns most likely.

    The multivariate t density with the sample mean and covariance (divisor T) as its own, maximised over
    nu from 2.05 to 200 (S. Kotz and S. Nadarajah, Multivariate t Distributions and Their Applications,
    2004, chapter 10). Raises UnusableSimulation: a bad history, or no more rows than columns + 1.
    """
    returns = checked_history(history)
    rows, count = returns.shape
    insist({"model.history": (rows > count + 1, f"must have more than {count + 1} rows to fit to")})
    apart = returns - returns.mean(axis=0)
    covariance = apart.T @ apart / rows
    insist(
        {
            "model.history": (
                np.linalg.matrix_rank(covariance, hermitian=True) == count,
                "must have columns of which none is a combination of others",
            )
        }
    )
    distance = (apart * np.linalg.solve(covariance, apart.T).T).sum(axis=1)
    low, high = 1.0 / MOST_DEGREES, 1.0 / FEWEST_DEGREES
    for _ in range(3):
        inverses = np.linspace(low, high, GRID)
        likely = [_likelihood(1.0 / one, distance, count) for one in inverses]
        best = int(np.argmax(likely))
        low, high = inverses[max(best - 1, 0)], inverses[min(best + 1, GRID - 1)]
    return float(1.0 / inverses[best])


def _likelihood(degrees: float, distance: Floats, count: int) -> float:
    """Return the mean log density up to what ``degrees`` does not change."""
    constant = lgamma(0.5 * (degrees + count)) - lgamma(0.5 * degrees) - 0.5 * count * np.log(degrees - 2.0)
    return float(constant - 0.5 * (degrees + count) * np.log1p(distance / (degrees - 2.0)).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class StationaryBootstrap(Model):
    """Days of the past drawn anew in blocks (see ``resampling``), all assets of a day together.

    ``history`` (T, n) are simple returns a period. ``block``: mean periods of a block; left out, the mean
    over assets of the automatic length (Politis and White).
    """

    name: ClassVar[str] = "stationary_bootstrap"
    history: Floats
    block: float | None = None

    def __post_init__(self) -> None:
        """Check the history and complete the length of blocks."""
        history = checked_history(self.history)
        object.__setattr__(self, "history", history)
        if self.block is None:
            object.__setattr__(self, "block", float(np.mean([block_length(one) for one in history.T])))
        rule = f"must be from 1 to the {len(history)} rows of the history"
        insist({"model.block": (within(self.mean_block, 1.0, len(history)), rule)})

    @property
    def mean_block(self) -> float:
        """Mean periods of a block."""
        return 1.0 if self.block is None else self.block

    @property
    def assets(self) -> int:
        """How many assets it has."""
        return int(self.history.shape[1])

    @property
    def notes(self) -> tuple[str, ...]:
        """How long blocks are."""
        return (f"blocks of {self.mean_block:.4g} periods in the mean, from {len(self.history)} of the past",)

    def drawer(self, steps: int, periods_per_year: float) -> Drawer:  # noqa: ARG002
        """Return draws of the past. Raises UnusableSimulation where its mean return goes too far."""
        grown = float((1.0 + self.history).mean(axis=0).max())
        rule = f"log growth over the whole time must be at most {GROWTH:g}"
        insist({"model.history": (np.log(max(grown, 1.0)) * steps <= GROWTH, rule)})
        return _Past(np.ascontiguousarray(1.0 + self.history.T), steps, self.mean_block)


@dataclass(frozen=True, slots=True)
class _Past:
    table: Floats
    steps: int
    block: float
    notes: tuple[str, ...] = ()

    @property
    def widest(self) -> int:
        return max(CELLS // self.steps, 1)

    def growth(self, rng: "np.random.Generator", width: int) -> Iterator[Floats]:
        found = np.empty((len(self.table), width))
        days = self.table.shape[1]
        drawn = stationary_rows(
            rng, days=days, draws=width, block_length=self.block, cells=width * self.steps, length=self.steps
        )
        for positions in next(drawn):
            np.take(self.table, positions, axis=1, out=found, mode="clip")
            yield found


MODELS: Mapping[str, type[Model]] = MappingProxyType(
    {one.name: one for one in (GeometricBrownian, StudentT, StationaryBootstrap)}
)
