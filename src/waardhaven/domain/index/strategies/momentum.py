"""Weights by past return: in proportion to it, by its rank, or equal among the best."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import floor

import numpy as np

from waardhaven.domain.index.strategies.parameters import choice, optional, parameter
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.index.windows import normalised
from waardhaven.domain.types import Flags, Floats

Method = Callable[[Floats, Flags], Floats]


def proportional(momentum: Floats, kept: Flags) -> Floats:
    """Return the momentum of the names kept with a positive one, else 0, (r, k)."""
    return np.where(kept & (momentum > 0.0), momentum, 0.0)


def ranked(momentum: Floats, kept: Flags) -> Floats:
    """Return the rank among the names kept, 1 for the lowest, ties their mean rank, else 0, (r, k)."""
    ranks = np.zeros_like(momentum)
    for row, names, values in zip(ranks, kept, momentum, strict=True):
        seen = values[names]
        ordered = np.sort(seen)
        below = np.searchsorted(ordered, seen, side="left")
        row[names] = (below + np.searchsorted(ordered, seen, side="right") + 1) / 2.0
    return ranks


def equal(_: Floats, kept: Flags) -> Floats:
    """Return 1 for the names kept, else 0, (r, k)."""
    return kept.astype(np.float64)


METHODS: dict[str, Method] = {"proportional": proportional, "rank": ranked, "equal": equal}


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentumParams:
    """Window and entry rules of the momentum signal, and how it becomes weights."""

    lookback: int = parameter(20, minimum=1, maximum=252, doc="Sessions over which the return is measured.")
    threshold: float = parameter(
        0.0,
        minimum=-1.0,
        maximum=10.0,
        doc="Names with a return at or below it (a fraction) are left out.",
    )
    skip: int = parameter(
        0, minimum=0, maximum=252, doc="Sessions before the selection day that are left out of the window."
    )
    method: str = choice(
        "proportional",
        options=tuple(METHODS),
        doc="Weights in proportion to a positive return, to the rank of the return, or equal.",
    )
    top: float | None = optional(
        None,
        minimum=0.0001,
        maximum=10_000.0,
        doc=(
            "Only the highest returns are kept: below 1 a fraction of the names with a full window (rounded "
            "down, at least one), from 1 on a whole number of names; null keeps all."
        ),
    )

    def places(self, names: int) -> int:
        """Return how many of ``names`` may be kept."""
        if self.top is None or self.top >= 1.0:
            return names if self.top is None else int(self.top)
        return max(floor(self.top * names + 1e-9), 1)


def broken_rules(params: MomentumParams) -> Iterator[tuple[str, str]]:
    """Yield the rule of ``top`` that is neither a fraction nor a number of names."""
    if params.top is not None and params.top > 1.0 and params.top != int(params.top):
        rule = f"must be a fraction below 1 or a whole number of names, e.g. {round(params.top)}"
        yield "top", rule


def weigh(params: MomentumParams, signals: Signals) -> Floats:
    """Return weights of the names above the threshold and among the ``top``, (r, k).

    The return is growth over ``lookback`` sessions that end ``skip`` sessions before the selection day
    (Jegadeesh & Titman 1993 leave out the most recent days). No name above the threshold: equal weight over
    the eligible names with a full window. A name without a full window of returns is left out; nothing with
    one: a zero row. Equal returns enter in order of asset id.
    """
    momentum = signals.growth(params.lookback, skip=params.skip)
    known = signals.eligible & np.isfinite(momentum)
    kept = known & (momentum > params.threshold)
    if params.top is not None:
        kept &= _among_the_first(params, momentum, known)
    weights = METHODS[params.method](momentum, kept)
    none_kept = ~weights.any(axis=1)
    weights[none_kept] = known[none_kept]
    return normalised(weights)


def _among_the_first(params: MomentumParams, momentum: Floats, known: Flags) -> Flags:
    """Return the names (r, k) with the highest momentum, equal ones in order of asset id."""
    lowest_first = np.where(known, -momentum, np.inf)
    places = np.array([params.places(int(count)) for count in known.sum(axis=1)])[:, None]
    last = np.minimum(places, known.shape[1]) - 1
    cut = np.take_along_axis(np.sort(lowest_first, axis=1), last, axis=1)
    better, tied = lowest_first < cut, lowest_first == cut
    left = places - better.sum(axis=1, keepdims=True)
    first: Flags = better | (tied & (np.cumsum(tied, axis=1) <= left))
    return first


STRATEGY = Strategy(
    name="momentum",
    title="Momentum",
    description=(
        "Weights by the return over the lookback, for names whose return is above the threshold: in "
        "proportion to it, by its rank, or equal. If there is none, every name with a full window gets "
        "the same weight."
    ),
    params=MomentumParams,
    lookback=lambda params: params.lookback + params.skip,
    weigh=weigh,
    figures=lambda params, signals: {"momentum": signals.growth(params.lookback, skip=params.skip)},
    broken_rules=broken_rules,
)
