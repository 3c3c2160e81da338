"""Figures of weights instead of returns: turnover and concentration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from waardhaven.domain.errors import FieldError
from waardhaven.domain.metrics.metric import Direction, Unit, finite
from waardhaven.domain.metrics.rows import ratio
from waardhaven.domain.metrics.sample import UnusableSample
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSample:
    """Weights (day, asset) after trading, as fractions; 0 for what is not held, NaN where not known.

    ``before`` are the weights of the same days before trading, drifted since the last one: unknown without
    them is what was traded. The first day's purchase counts only where its ``before`` says so.
    """

    weights: Floats
    before: Floats | None = None

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or (self.before is not None and self.before.shape != self.weights.shape):
            rule = FieldError(field="before", rule="must have the shape of weights, (day, asset)")
            raise UnusableSample("Weights before and after trading must stand side by side.", errors=[rule])


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightMetric:
    """A figure of weights: ``of`` gives one value for each day, NaN where a weight is not known."""

    name: str
    title: str
    unit: Unit
    direction: Direction
    formula: str
    source: str
    of: Callable[[WeightSample], Floats]

    def compute(self, sample: WeightSample) -> Floats:
        """Return one value for each day (day,), NaN where unknown; never infinite."""
        return finite(self.of(sample))


def turnover(sample: WeightSample) -> Floats:
    """Sum of the absolute changes: what is bought and what is sold."""
    if sample.before is None:
        return np.full(len(sample.weights), np.nan)
    traded: Floats = np.abs(sample.weights - sample.before).sum(axis=1)
    return traded


def herfindahl(sample: WeightSample) -> Floats:
    """Sum of the squared shares of the sizes of all positions."""
    sizes = np.abs(sample.weights)
    whole = sizes.sum(axis=1)
    return ratio((sizes * sizes).sum(axis=1), whole * whole)


def effective_names(sample: WeightSample) -> Floats:
    """How many equal positions would be as concentrated."""
    return ratio(np.ones(len(sample.weights)), herfindahl(sample))


WEIGHT_METRICS: Mapping[str, WeightMetric] = MappingProxyType(
    {
        one.name: one
        for one in (
            WeightMetric(
                name="turnover",
                title="Turnover of a review",
                unit=Unit.FRACTION,
                direction=Direction.LOWER,
                formula="sum(|w after - w before|), purchases and sales both counted",
                source="DeMiguel, Garlappi & Uppal 2009, Review of Financial Studies 22(5)",
                of=turnover,
            ),
            WeightMetric(
                name="concentration",
                title="Concentration (Herfindahl–Hirschman)",
                unit=Unit.FRACTION,
                direction=Direction.LOWER,
                formula="sum(w ^ 2) / sum(|w|) ^ 2",
                source="Hirschman 1964, American Economic Review 54(5)",
                of=herfindahl,
            ),
            WeightMetric(
                name="effective_names",
                title="Effective number of names",
                unit=Unit.COUNT,
                direction=Direction.HIGHER,
                formula="1 / concentration",
                source="Adelman 1969, Review of Economics and Statistics 51(1)",
                of=effective_names,
            ),
        )
    }
)
"""Every figure of weights by name."""


def annual_turnover(traded: Floats, years: float) -> float:
    """Return what was traded (day,) in a year; NaN with a day unknown or ``years`` not above 0."""
    return float(traded.sum() / years) if years > 0.0 else float("nan")
