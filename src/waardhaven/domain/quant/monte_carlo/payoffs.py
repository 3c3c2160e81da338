"""Payoffs at maturity and of averages, and the registry of all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from waardhaven.domain.quant.monte_carlo.american import American
from waardhaven.domain.quant.monte_carlo.barriers import Barrier
from waardhaven.domain.quant.monte_carlo.market import Setting
from waardhaven.domain.quant.monte_carlo.payoff import AtMaturity, Follower, Payoff
from waardhaven.domain.quant.monte_carlo.refusals import AMOUNT, Rules, within
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class European(Payoff):
    """max(sign (S_T - strike), 0) at maturity."""

    controls: ClassVar[tuple[str, ...]] = ("spot",)

    def follower(self, setting: Setting, width: int, prepared: object) -> Follower:  # noqa: ARG002
        """Return a follower of the last step."""
        return _European(setting, terms=self)


@dataclass(slots=True)
class _European(AtMaturity):
    terms: European = field(kw_only=True)

    def worth(self) -> Floats:
        return self.terms.exercised(self.prices()[0], self.setting.discount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digital(Payoff):
    """``cash`` at maturity if S_T is above the strike (call) or below it (put); at the strike nothing."""

    cash: float = 1.0
    controls: ClassVar[tuple[str, ...]] = ("spot", "european")

    def rules(self, setting: Setting) -> Rules:
        """Return the rules of its terms."""
        most = f"must be from 0 to {AMOUNT:g}"
        # the name of the parent is written out: slots make a new class that super() does not know
        return {**Payoff.rules(self, setting), "payoff.cash": (within(self.cash, 0.0, AMOUNT), most)}

    def follower(self, setting: Setting, width: int, prepared: object) -> Follower:  # noqa: ARG002
        """Return a follower of the last step."""
        return _Digital(setting, terms=self)


@dataclass(slots=True)
class _Digital(AtMaturity):
    terms: Digital = field(kw_only=True)

    def worth(self) -> Floats:
        ahead = (self.prices()[0] - self.terms.strike) * self.terms.kind.sign
        return np.where(ahead > 0.0, self.terms.cash * self.setting.discount, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket(Payoff):
    """max(sign (sum of weights × S_T - strike), 0) at maturity; weights (n,) are units of each asset."""

    weights: tuple[float, ...]
    controls: ClassVar[tuple[str, ...]] = ("spot",)

    def rules(self, setting: Setting) -> Rules:
        """Return the rules of its terms."""
        count = setting.market.assets
        is_right = len(self.weights) == count and within(np.array(self.weights), -1e6, 1e6)
        rule = f"must have one number for each of the {count} assets, from -1e6 to 1e6"
        rules = dict(Payoff.rules(self, setting))
        del rules["market.spot"]
        return {**rules, "payoff.weights": (is_right, rule)}

    def follower(self, setting: Setting, width: int, prepared: object) -> Follower:  # noqa: ARG002
        """Return a follower of the last step."""
        return _Basket(setting, terms=self)


@dataclass(slots=True)
class _Basket(AtMaturity):
    terms: Basket = field(kw_only=True)

    def worth(self) -> Floats:
        whole = weighted(self.prices(), self.terms.weights)
        return self.terms.exercised(whole, self.setting.discount)


def weighted(prices: Floats, weights: tuple[float, ...]) -> Floats:
    """Return the sum (width,) of weights × prices (n, width), from left to right."""
    whole: Floats = np.einsum("i,im->m", np.array(weights), prices)
    return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class ArithmeticAsian(Payoff):
    """max(sign (A - strike), 0) at maturity, A the mean of the prices at the fixings (not of today's)."""

    controls: ClassVar[tuple[str, ...]] = ("geometric", "spot", "european")
    monitored: ClassVar[bool] = True

    def follower(self, setting: Setting, width: int, prepared: object) -> Follower:  # noqa: ARG002
        """Return a follower that adds prices."""
        return _ArithmeticAsian(self, setting, np.zeros(width), np.empty(width))


@dataclass(slots=True)
class _ArithmeticAsian:
    terms: ArithmeticAsian
    setting: Setting
    total: Floats
    price: Floats

    def see(self, step: int, growth: Floats) -> None:  # noqa: ARG002
        np.exp(growth[0], out=self.price)
        self.total += self.price

    def worth(self) -> Floats:
        mean = self.total * (float(self.setting.market.spot[0]) / self.setting.steps)
        return self.terms.exercised(mean, self.setting.discount)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometricAsian(Payoff):
    """max(sign (G - strike), 0) at maturity, G the geometric mean of the prices at the fixings."""

    controls: ClassVar[tuple[str, ...]] = ("spot", "european")
    monitored: ClassVar[bool] = True

    def follower(self, setting: Setting, width: int, prepared: object) -> Follower:  # noqa: ARG002
        """Return a follower that adds logarithms."""
        return _GeometricAsian(self, setting, np.zeros(width))


@dataclass(slots=True)
class _GeometricAsian:
    terms: GeometricAsian
    setting: Setting
    total: Floats

    def see(self, step: int, growth: Floats) -> None:  # noqa: ARG002
        self.total += growth[0]

    def worth(self) -> Floats:
        mean = np.exp(self.total / self.setting.steps)
        mean *= float(self.setting.market.spot[0])
        return self.terms.exercised(mean, self.setting.discount)


PAYOFFS: Mapping[str, type[Payoff]] = MappingProxyType(
    {
        "european": European,
        "digital": Digital,
        "arithmetic_asian": ArithmeticAsian,
        "geometric_asian": GeometricAsian,
        "barrier": Barrier,
        "basket": Basket,
        "american": American,
    }
)
