"""Barrier options: knocked in or out at the fixings, or at any time between them."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import log
from typing import ClassVar, Final

import numpy as np

from waardhaven.domain.quant.monte_carlo.market import LEAST, Setting
from waardhaven.domain.quant.monte_carlo.payoff import AtMaturity, Follower, Payoff
from waardhaven.domain.quant.monte_carlo.refusals import AMOUNT, Rules, within
from waardhaven.domain.types import Floats

CALM: Final = 1e-300
"""Variance of a step below which prices do not move: distances over it would leave double precision."""


class Direction(StrEnum):
    """From where the price comes to the barrier."""

    UP = "up"
    DOWN = "down"


class Effect(StrEnum):
    """What touching the barrier does to the option."""

    IN = "in"
    OUT = "out"


class Monitoring(StrEnum):
    """When the barrier is looked at."""

    FIXINGS = "fixings"
    """At the end of every step; today does not count."""
    CONTINUOUS = "continuous"
    """At any time: between two fixings by the probability that a Brownian bridge touches the barrier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier(Payoff):
    """An option that begins or ends to exist when the price touches the barrier.

    ``rebate`` is paid at maturity on paths whose option does not exist then. Monitored continuously, a path
    counts with the probability that it did not touch, exp(-2 (b - x)(b - y) / (sigma^2 dt)) taken from 1
    between fixings x and y (P. Glasserman, 2004, section 6.4): exact for any number of steps.
    """

    barrier: float
    direction: Direction
    effect: Effect
    rebate: float = 0.0
    monitoring: Monitoring = Monitoring.FIXINGS
    controls: ClassVar[tuple[str, ...]] = ("european", "spot")
    monitored: ClassVar[bool] = True

    def rules(self, setting: Setting) -> Rules:
        """Return the rules of its terms."""
        spot, is_up = float(setting.market.spot[0]), self.direction is Direction.UP
        is_ahead = self.barrier > spot if is_up else LEAST <= self.barrier < spot
        side = "above" if is_up else f"at least {LEAST:g} and below"
        return {
            **Payoff.rules(self, setting),
            "payoff.barrier": (
                is_ahead and within(self.barrier, 0.0, AMOUNT),
                f"must be {side} the price of today ({spot:g}), at most {AMOUNT:g}",
            ),
            "payoff.rebate": (within(self.rebate, 0.0, AMOUNT), f"must be from 0 to {AMOUNT:g}"),
        }

    def follower(self, setting: Setting, width: int, prepared: object) -> Follower:  # noqa: ARG002
        """Return a follower that keeps the probability of not having touched."""
        level = log(self.barrier / float(setting.market.spot[0]))
        sign = 1.0 if self.direction is Direction.UP else -1.0
        known = _Continuous if self.monitoring is Monitoring.CONTINUOUS else _AtFixings
        ahead = np.full(width, abs(level))
        return known(setting, terms=self, level=level, sign=sign, untouched=np.ones(width), ahead=ahead)


@dataclass(slots=True)
class _AtFixings(AtMaturity):
    terms: Barrier = field(kw_only=True)
    level: float = field(kw_only=True)
    sign: float = field(kw_only=True)
    untouched: Floats = field(kw_only=True)
    ahead: Floats = field(kw_only=True)

    def see(self, step: int, growth: Floats) -> None:
        AtMaturity.see(self, step, growth)
        self.untouched *= self.sign * (self.level - growth[0]) > 0.0

    def worth(self) -> Floats:
        terms, discount = self.terms, self.setting.discount
        exists = self.untouched if terms.effect is Effect.OUT else 1.0 - self.untouched
        paid = terms.exercised(self.prices()[0], discount) * exists
        paid += terms.rebate * discount * (1.0 - exists)
        return paid


@dataclass(slots=True)
class _Continuous(_AtFixings):
    def see(self, step: int, growth: Floats) -> None:
        AtMaturity.see(self, step, growth)
        ahead = np.maximum(self.sign * (self.level - growth[0]), 0.0)
        variance = float(self.setting.loading[0, 0]) ** 2
        if variance > CALM:
            self.untouched *= -np.expm1(self.ahead * ahead * (-2.0 / variance))
        else:
            self.untouched *= ahead > 0.0
        self.ahead = ahead
