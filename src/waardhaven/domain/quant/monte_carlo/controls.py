"""Control variates: payoffs with a known price, simulated on the same paths.

P. Glasserman, Monte Carlo Methods in Financial Engineering, 2004, section 4.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from types import MappingProxyType
from typing import Protocol

from waardhaven.domain.quant.monte_carlo.lognormal import expected_excess, geometric_mean
from waardhaven.domain.quant.monte_carlo.market import Setting
from waardhaven.domain.quant.monte_carlo.payoff import AtMaturity, Follower, Payoff
from waardhaven.domain.quant.monte_carlo.payoffs import Basket, European, GeometricAsian, weighted
from waardhaven.domain.types import Floats


class Control(Protocol):
    """A control variate."""

    def expected(self, payoff: Payoff, setting: Setting) -> float:
        """Return its price today."""
        ...  # pragma: no cover

    def follower(self, payoff: Payoff, setting: Setting, width: int) -> Follower:
        """Return a follower of a block."""
        ...  # pragma: no cover


class Spot:
    """The price itself at maturity, discounted; of a basket, its weighted sum."""

    def expected(self, payoff: Payoff, setting: Setting) -> float:
        """Return the sum of weights × spot × exp(-dividend yield × maturity)."""
        worth = setting.market.forward(setting.maturity)[:, None] * setting.discount
        return float(weighted(worth, _weights(payoff))[0])

    def follower(self, payoff: Payoff, setting: Setting, width: int) -> Follower:  # noqa: ARG002
        """Return a follower of the last step."""
        return _Spot(setting, weights=_weights(payoff))


def _weights(payoff: Payoff) -> tuple[float, ...]:
    return payoff.weights if isinstance(payoff, Basket) else (1.0,)


@dataclass(slots=True)
class _Spot(AtMaturity):
    weights: tuple[float, ...] = field(kw_only=True)

    def worth(self) -> Floats:
        found: Floats = weighted(self.prices(), self.weights) * self.setting.discount
        return found


class EuropeanControl:
    """The European option of the same kind and strike."""

    def expected(self, payoff: Payoff, setting: Setting) -> float:
        """Return its price by F. Black and M. Scholes (1973) with R. Merton's dividend yield."""
        deviation = float(setting.market.volatility[0]) * sqrt(setting.maturity)
        forward = float(setting.market.forward(setting.maturity)[0])
        return setting.discount * expected_excess(forward, payoff.strike, deviation, payoff.kind.sign)

    def follower(self, payoff: Payoff, setting: Setting, width: int) -> Follower:
        """Return a follower of the last step."""
        return European(kind=payoff.kind, strike=payoff.strike).follower(setting, width, None)


class GeometricControl:
    """The option on the geometric mean at the same fixings (A. Kemna and A. Vorst, 1990)."""

    def expected(self, payoff: Payoff, setting: Setting) -> float:
        """Return its price at discrete fixings."""
        spread = float(setting.market.volatility[0]) * sqrt(setting.step)
        mean, deviation = geometric_mean(
            float(setting.market.spot[0]), float(setting.drift[0]), spread, setting.steps
        )
        return setting.discount * expected_excess(mean, payoff.strike, deviation, payoff.kind.sign)

    def follower(self, payoff: Payoff, setting: Setting, width: int) -> Follower:
        """Return a follower that adds logarithms."""
        return GeometricAsian(kind=payoff.kind, strike=payoff.strike).follower(setting, width, None)


CONTROLS: Mapping[str, Control] = MappingProxyType(
    {"spot": Spot(), "european": EuropeanControl(), "geometric": GeometricControl()}
)
