"""How one review came to its weights: who was eligible, what was measured, mixed, and constrained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from waardhaven.domain.index.constraints.apply import Effect
from waardhaven.domain.index.review import UNCONSTRAINED, Reviewer, price_floor
from waardhaven.domain.index.strategies.estimation import Preflight
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import BoundStrategy
from waardhaven.domain.index.treatments import drifted
from waardhaven.domain.types import Flags, Floats, Ids


class Refusal(StrEnum):
    """Why a name can not enter at a review."""

    NOT_A_MEMBER = "not_a_member"
    NO_PRICE = "no_price"
    PRICE_TOO_OLD = "price_too_old"
    BELOW_PRICE_FLOOR = "below_price_floor"
    NOT_TRADED = "not_traded"
    MARKET_CAP_UNKNOWN = "market_cap_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleeve:
    """A strategy at work: its ``share`` of the whole, ``weights`` (k,) and ``figures`` by name, each (k,).

    ``preflight``: what its covariance is worth, None where it reads none. ``sleeves``: those it is put
    together from, their shares fractions of this one.
    """

    strategy: str
    share: float
    weights: Floats
    figures: Mapping[str, Floats]
    preflight: Preflight | None
    sleeves: "tuple[Sleeve, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """One review over all names (k,), in the order it is done.

    ``refusals``: who could not enter, and why; MARKET_CAP_UNKNOWN alone keeps nobody out of a sleeve that
    does not ask for it. ``target``: weights of the strategy; ``effects``: of each constraint that is set;
    ``constrained``: after them; ``weights``: as held after the effective close (they differ in an index that
    fixes units at the selection day). ``held``: weights held into the effective close.
    """

    selection: np.datetime64
    effective: np.datetime64
    assets: Ids
    refusals: Mapping[Refusal, Flags]
    strategy: Sleeve
    target: Floats
    effects: tuple[Effect, ...]
    constrained: Floats
    weights: Floats
    held: Floats

    @property
    def turnover(self) -> float:
        """Sum of absolute changes of weight, from what is held."""
        return float(np.add.accumulate(np.abs(self.weights - self.held))[-1])

    def refused(self, column: int) -> tuple[Refusal, ...]:
        """Return why one name could not enter, empty if it could."""
        return tuple(reason for reason, names in self.refusals.items() if names[column])


def weighing(reviewer: Reviewer, selection: int, effective: int, units: Floats) -> Weighing:
    """Weigh the review of two rows as the engine does; ``units`` (k,) are held into it."""
    rows = np.array([selection]), np.array([effective])
    reviews = reviewer.weigh(*rows)
    review = reviews.at(0)
    free = reviewer.definition.constraints == UNCONSTRAINED
    effects = () if free else reviewer.constrain(review, units).effects
    days = reviewer.inputs.panel.days
    return Weighing(
        selection=days[selection],
        effective=days[effective],
        assets=reviewer.inputs.panel.assets,
        refusals=dict(_refusals(reviewer, selection, effective, review.unknown)),
        strategy=_sleeve(reviews.strategy, 1.0, reviews.signals),
        target=review.weights,
        effects=effects,
        constrained=effects[-1].after if effects else review.weights,
        weights=reviewer.constrained(review, units),
        held=drifted(units, reviewer.prices.price[effective]),
    )


def _sleeve(strategy: BoundStrategy, share: float, signals: Signals) -> Sleeve:
    return Sleeve(
        strategy=strategy.name,
        share=share,
        weights=strategy.weigh(signals)[0],
        figures={name: values[0] for name, values in strategy.figures(signals).items()},
        preflight=strategy.preflight(signals),
        sleeves=tuple(_sleeve(one.strategy, one.share, one.signals) for one in strategy.components(signals)),
    )


def _refusals(
    reviewer: Reviewer, selection: int, effective: int, unknown: Flags
) -> Iterator[tuple[Refusal, Flags]]:
    rows, prices = np.array([selection]), reviewer.prices
    member = reviewer.inputs.member[selection]
    priced = prices.price[selection] > 0.0
    fresh = prices.known(rows, reviewer.definition.guards.max_forward_fill_days)[0]
    floor = price_floor(reviewer.definition)
    yield Refusal.NOT_A_MEMBER, ~member
    yield Refusal.NO_PRICE, ~priced
    yield Refusal.PRICE_TOO_OLD, priced & ~fresh
    yield Refusal.BELOW_PRICE_FLOOR, priced & (floor > 0.0) & (reviewer.last_closes(rows)[0] < floor)
    yield Refusal.NOT_TRADED, ~(effective < reviewer.gone)
    yield Refusal.MARKET_CAP_UNKNOWN, unknown
