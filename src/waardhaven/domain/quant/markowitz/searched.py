"""Efficient portfolios by one quadratic programme each, for limits whose corners can not be walked."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from waardhaven.domain.quant.active_set import FREE, HIGH, LOW, ActiveSet, settled
from waardhaven.domain.quant.markowitz.frontier import out_of_reach, solved
from waardhaven.domain.quant.markowitz.standard_form import StandardForm, reach
from waardhaven.domain.quant.optimal_weights import NothingGained
from waardhaven.domain.quant.quadratic_programme import (
    Infeasible,
    NotSolved,
    Point,
    Programme,
    Solution,
    solution,
)
from waardhaven.domain.types import Floats

DOUBLINGS = 40
ROUNDING, RISKLESS = 1e-12, 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """The efficient portfolios of a market within ``form``, found one by one."""

    covariance: Floats
    expected: Floats
    form: StandardForm

    def programme(self, price: float) -> Programme:
        """Return the programme at lambda = ``price``."""
        return self.form.programme(self.covariance, self.expected, price)

    def at(self, price: float) -> Solution:
        """Return the solution at lambda = ``price``."""
        return solved(self.programme(price))

    def _earned(self, price: float) -> tuple[float, float]:
        weights = self.form.weights(self.at(price).x)
        return float(self.expected @ weights), max(float(weights @ self.covariance @ weights), 0.0)

    def ends(self) -> tuple[float, float]:
        """Return the expected returns of the portfolio of least variance and of highest return."""
        return self._earned(0.0)[0], self._highest()

    def _highest(self) -> float:
        """Return the highest expected return, of weights that keep the limits to 1e-12.

        A linear programme, as exact as any other here: the return at the end must be that of a portfolio.
        """
        plain = self.programme(0.0)
        gain = self.form.gain(self.expected)
        straight = replace(plain, hessian=np.zeros_like(plain.hessian), linear=-gain)
        return float(self.expected @ self.form.weights(solved(straight).x))

    def price_of_risk(self, target: float) -> float:
        """Return lambda of the portfolio with volatility ``target``; OutOfReach beyond the ends."""
        low = float(np.sqrt(self._earned(0.0)[1]))
        top = self.form.weights(self.of_return(self.ends()[1])[1].x)
        high = float(np.sqrt(max(float(top @ self.covariance @ top), 0.0)))
        if not low * (1.0 - ROUNDING) <= target <= high * (1.0 + ROUNDING):
            raise out_of_reach("target_risk", target, low, high)
        wanted = min(target, high * (1.0 - ROUNDING))
        if wanted <= low:
            return 0.0
        return self._root(lambda price: self._earned(price)[1] - wanted**2, 0.0)

    def price_of_highest_ratio(self, risk_free: float) -> float:
        """Return lambda of the portfolio of the highest (return - risk_free) / volatility."""
        if not reach(self.form, self.expected)[1] - risk_free > ROUNDING * max(1.0, abs(risk_free)):
            raise NothingGained(f"No weights within the limits have a return above {risk_free:.6g}.")

        def beyond(price: float) -> float:
            earned, variance = self._earned(price)
            return price * (earned - risk_free) - variance

        least = RISKLESS * self._unit
        if beyond(least) >= 0.0:
            raise NothingGained("A portfolio without risk returns more than risk_free: no ratio is highest.")
        return self._root(beyond, least)

    @property
    def _unit(self) -> float:
        """A price at which risk and return weigh about the same."""
        return float(self.covariance.diagonal().mean() / (np.abs(self.expected).max() or 1.0))

    def _root(self, rising: Callable[[float], float], least: float) -> float:
        """Return where a function of lambda, below 0 at ``least``, meets 0; NotSolved if it does not."""
        from scipy.optimize import brentq

        price = self._unit / 16.0
        for _ in range(DOUBLINGS):
            if rising(price) >= 0.0:
                return float(brentq(rising, least, price, xtol=1e-16 * price, rtol=1e-14, maxiter=200))
            price *= 2.0
        raise NotSolved("The price of risk of the portfolio asked for was not found.")

    def _of_return(self, target: float) -> Programme:
        plain = self.programme(0.0)
        fixed = 0.0 if self.form.current is None else float(self.expected @ self.form.current)
        return replace(
            plain,
            equalities=np.vstack([plain.equalities, self.form.gain(self.expected)]),
            totals=np.append(plain.totals, target - fixed),
        )

    def of_return(self, target: float) -> tuple[Programme, Solution]:
        """Return the portfolio of least variance whose expected return is ``target``, efficient or not.

        The programme has the return as its second equality, scaled by the largest expected return; its
        multiplier is that of the return itself. Raises OutOfReach, naming the range.
        """
        programme = self._of_return(target)
        try:
            return programme, solved(programme)
        except (Infeasible, NotSolved):
            low, high = reach(self.form, self.expected)
            if low <= target <= high:
                raise
            raise out_of_reach("target_return", target, low, high) from None

    def _beside(self, target: float, neighbour: Solution | None) -> Solution:
        """Return the portfolio of a return; the limits that bind its neighbour are tried first."""
        if neighbour is None:
            return self.of_return(target)[1]
        programme = self._of_return(target)
        low, high = neighbour.x <= programme.lower, neighbour.x >= programme.upper
        active = ActiveSet(
            side=np.where(low, LOW, np.where(high, HIGH, FREE)).astype(np.float64),
            tight=neighbour.inequality > 0.0,
        )
        near = Point(x=neighbour.x, equality=neighbour.equality, inequality=neighbour.inequality)
        found = solution(programme, settled(programme, active, near=near), "active_set")
        return found or self.of_return(target)[1]

    def points(self, count: int) -> tuple[Floats, float]:
        """Return the weights (count, n) of portfolios evenly spaced in expected return, and their residual.

        Both ends are included; the residual is the largest of all. Where every portfolio has the same return,
        each point is the one of least variance.
        """
        low, high = self.ends()
        if not high - low > ROUNDING * float(np.abs(self.expected).max()):
            least = self.at(0.0)
            return self.form.weights(np.tile(least.x, (count, 1))), least.residual
        found: list[Solution] = []
        for target in np.linspace(low, high, count):
            found.append(self._beside(target, found[-1] if found else None))
        return self.form.weights(np.array([one.x for one in found])), max(one.residual for one in found)
