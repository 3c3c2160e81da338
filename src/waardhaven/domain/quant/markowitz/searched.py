"""Efficient portfolios by one quadratic programme each, for limits whose corners can not be walked."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.quant.markowitz.frontier import out_of_reach, solved
from waardhaven.domain.quant.markowitz.standard_form import StandardForm, reach
from waardhaven.domain.quant.optimal_weights import NothingGained
from waardhaven.domain.quant.quadratic_programme import Infeasible, NotSolved, Programme, Solution
from waardhaven.domain.types import Floats

DOUBLINGS = 40
ROUNDING = 1e-12


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
        return float(self.expected @ weights), float(weights @ self.covariance @ weights)

    def ends(self) -> tuple[float, float]:
        """Return the expected returns of the portfolio of least variance and of highest return."""
        return self._earned(0.0)[0], reach(self.form, self.expected)[1]

    def price_of_risk(self, target: float) -> float:
        """Return lambda of the portfolio with volatility ``target``; OutOfReach beyond the ends."""
        low = float(np.sqrt(self._earned(0.0)[1]))
        top = self.form.weights(self.of_return(self.ends()[1])[1].x)
        high = float(np.sqrt(top @ self.covariance @ top))
        if not low * (1.0 - ROUNDING) <= target <= high * (1.0 + ROUNDING):
            raise out_of_reach("target_risk", target, low, high)
        if target <= low:
            return 0.0
        wanted = min(target, high * (1.0 - ROUNDING)) ** 2
        return self._root(lambda price: self._earned(price)[1] - wanted)

    def price_of_highest_ratio(self, risk_free: float) -> float:
        """Return lambda of the portfolio of the highest (return - risk_free) / volatility."""
        if not self.ends()[1] - risk_free > ROUNDING * max(1.0, abs(risk_free)):
            raise NothingGained(f"No weights within the limits have a return above {risk_free:.6g}.")

        def beyond(price: float) -> float:
            earned, variance = self._earned(price)
            return price * (earned - risk_free) - variance

        return self._root(beyond)

    def _root(self, rising: Callable[[float], float]) -> float:
        """Return where a function of lambda, at most 0 at 0, meets 0; NotSolved if it does not."""
        from scipy.optimize import brentq

        price = float(self.covariance.diagonal().mean() / (np.abs(self.expected).max() or 1.0)) / 16.0
        for _ in range(DOUBLINGS):
            if rising(price) >= 0.0:
                return float(brentq(rising, 0.0, price, xtol=1e-16, rtol=1e-14, maxiter=200))
            price *= 2.0
        raise NotSolved("The price of risk of the portfolio asked for was not found.")

    def of_return(self, target: float) -> tuple[Programme, Solution]:
        """Return the portfolio of least variance whose expected return is ``target``, efficient or not.

        The programme has the return as its second equality, scaled by the largest expected return; its
        multiplier is that of the return itself. Raises OutOfReach, naming the range.
        """
        plain = self.programme(0.0)
        fixed = 0.0 if self.form.current is None else float(self.expected @ self.form.current)
        programme = Programme(
            hessian=plain.hessian,
            linear=plain.linear,
            equalities=np.vstack([plain.equalities, self.form.gain(self.expected)]),
            totals=np.append(plain.totals, target - fixed),
            inequalities=plain.inequalities,
            ceilings=plain.ceilings,
            lower=plain.lower,
            upper=plain.upper,
        )
        try:
            return programme, solved(programme)
        except (Infeasible, NotSolved):
            low, high = reach(self.form, self.expected)
            if low <= target <= high:
                raise
            raise out_of_reach("target_return", target, low, high) from None

    def points(self, count: int) -> tuple[Floats, float]:
        """Return the weights (count, n) of portfolios evenly spaced in expected return, and their residual.

        Both ends are included; the residual is the largest of all.
        """
        low, high = self.ends()
        found = [self.of_return(target)[1] for target in np.linspace(low, high, count)]
        return self.form.weights(np.array([one.x for one in found])), max(one.residual for one in found)
