"""Weights written down in the definition."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.strategies.parameters import weights
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.index.windows import normalised
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedParams:
    """The weight of each name as (asset id, fraction), in order of id; they sum to 1 within 0.001."""

    weights: tuple[tuple[int, float], ...] = weights(
        doc="Required: asset id as text to weight, from 0 to 1; the weights sum to 1 (within 0.001)."
    )


def weigh(params: FixedParams, signals: Signals) -> Floats:
    """Return the stated weights of the eligible names, scaled to 1, (r, k).

    A name that is not eligible leaves its share to the others in proportion; none eligible: a zero row.
    """
    stated = dict(params.weights)
    row = np.array([stated.get(asset, 0.0) for asset in signals.assets.tolist()])
    return normalised(np.where(signals.eligible, row, 0.0))


STRATEGY = Strategy(
    name="fixed",
    title="Fixed weights",
    description=(
        "Weights written down in the definition, restored at every review. A name that is not eligible "
        "leaves its share to the others in proportion."
    ),
    params=FixedParams,
    lookback=lambda _: 0,
    weigh=weigh,
)
