"""The efficient frontier: least variance for every expected return, from corner portfolios.

Between two corners weights are linear in lambda, the return m(lambda) too and the variance is a square of it:
v + (m' - m) / (l' - l) (lambda^2 - l^2). So a portfolio of a given return, a given risk or the highest Sharpe
ratio is found in closed form, without a search. Where corners can not be walked each portfolio is a quadratic
programme, and lambda is found by a root search.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.quant.markowitz.constraints import Constraints
from waardhaven.domain.quant.markowitz.critical_line import CriticalLine, critical_line
from waardhaven.domain.quant.markowitz.standard_form import StandardForm
from waardhaven.domain.quant.optimal_weights import NothingGained
from waardhaven.domain.quant.qp import minimise
from waardhaven.domain.quant.quadratic_programme import (
    MOST_VIOLATION,
    NotSolved,
    Point,
    Points,
    Programme,
    Solution,
    residuals,
    solution,
    violations,
)
from waardhaven.domain.types import Floats

ROUNDING = 1e-12
MOST_RESIDUAL = 1e-10
DRIFTED = "The critical line has drifted from the optimum."


class OutOfReach(Invalid):
    """No portfolio within the limits has the return or the risk asked for; the message names the range."""


def out_of_reach(field: str, value: float, least: float, most: float) -> OutOfReach:
    """Return the error of a target outside what can be reached."""
    rule = f"between {least:.10g} and {most:.10g}, the range within the limits; got {value:.10g}"
    return OutOfReach(f"{field}: {rule}", errors=[FieldError(field=field, rule=rule)])


def solved(programme: Programme) -> Solution:
    """Return the solution of a programme, by an active set or PIQP."""
    return minimise(
        programme.hessian,
        programme.linear,
        equalities=programme.equalities,
        totals=programme.totals,
        inequalities=programme.inequalities,
        ceilings=programme.ceilings,
        lower=programme.lower,
        upper=programme.upper,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """All efficient portfolios of a market within limits, but for one on the number of names.

    ``covariance`` (n, n), ``expected`` (n,): annual. ``corners`` (c, n): weights of the corner portfolios
    from least variance to highest return, ``prices`` (c,): lambda at each, ``returns``, ``variances`` (c,).
    ``least``: the programme at lambda = 0; ``line``: the corners with all multipliers.
    """

    covariance: Floats
    expected: Floats
    form: StandardForm
    least: Programme
    line: CriticalLine
    corners: Floats
    returns: Floats
    variances: Floats

    @classmethod
    def of(cls, covariance: Floats, expected: Floats, limits: Constraints) -> Self:
        """Return the frontier; raises Infeasible, or NotSolved where no corners can be walked."""
        form = StandardForm.of(limits)
        least = form.programme(covariance, expected, 0.0)
        found = solved(least)
        start = Point(x=form.netted(found.x), equality=found.equality, inequality=found.inequality)
        line = critical_line(least, form.gain(expected), start)
        weights = form.weights(line.unknowns[:, : len(form.lower)])
        return cls(
            covariance=covariance,
            expected=expected,
            form=form,
            least=least,
            line=line,
            corners=weights,
            returns=np.maximum.accumulate(weights @ expected),
            variances=np.maximum.accumulate(variances(covariance, weights)),
        )

    @property
    def prices(self) -> Floats:
        """Lambda (c,) of each corner: the variance given up for a return, half by half."""
        return self.line.prices

    def residuals(self) -> Floats:
        """Return the Karush-Kuhn-Tucker residual (c,) of each corner."""
        moved = self.least.linear - self.prices[:, None] * self.form.gain(self.expected)
        return residuals(self.least, moved, self._corner_points())

    def checked(self) -> float:
        """Return the largest residual of all corners; NotSolved where one breaks a limit or is no optimum."""
        largest = float(self.residuals().max())
        broken = float(violations(self.least, self._corner_points().x).max())
        if not (largest <= MOST_RESIDUAL and broken <= MOST_VIOLATION):
            raise NotSolved(DRIFTED)
        return largest

    def _programme(self, price: float) -> Programme:
        return replace(self.least, linear=self.least.linear - price * self.form.gain(self.expected))

    def _corner_points(self) -> Points:
        return self._points(self.line.unknowns)

    def _points(self, unknowns: Floats) -> Points:
        names, equal = len(self.form.lower), len(self.form.totals)
        return Points(
            x=np.clip(unknowns[:, :names], self.form.lower, self.form.upper),
            equality=unknowns[:, names : names + equal],
            inequality=np.maximum(unknowns[:, names + equal :], 0.0),
        )

    def _point(self, price: float) -> Point:
        one = self._points(self.line.at(price)[None, :])
        return Point(x=one.x[0], equality=one.equality[0], inequality=one.inequality[0])

    def at(self, price: float) -> Solution:
        """Return the solution at lambda = ``price``, checked to 1e-10; NotSolved if it is not that good."""
        found = solution(self._programme(price), self._point(price), "critical_line")
        if found is None or found.residual > MOST_RESIDUAL:
            raise NotSolved(DRIFTED)
        return found

    def points(self, count: int) -> Floats:
        """Return the weights (count, n) of portfolios evenly spaced in expected return, both ends included.

        Each is the exact mix of the corners beside it. ``count`` >= 2.
        """
        wanted = np.linspace(self.returns[0], self.returns[-1], count)
        last = len(self.returns) - 1
        after = np.clip(np.searchsorted(self.returns, wanted, side="right"), min(1, last), last)
        low, high = self.returns[after - 1], self.returns[after]
        part = np.zeros(count)
        np.divide(wanted - low, high - low, out=part, where=high > low)
        part = np.clip(part, 0.0, 1.0)[:, None]
        mixed: Floats = self.corners[after - 1] + part * (self.corners[after] - self.corners[after - 1])
        return mixed

    def price_of_return(self, target: float) -> float:
        """Return lambda of the portfolio with expected return ``target``; OutOfReach beyond the ends."""
        low, high = float(self.returns[0]), float(self.returns[-1])
        if not low - _room(low, high) <= target <= high + _room(low, high):
            raise out_of_reach("target_return", target, low, high)
        if target <= low:
            return 0.0
        after = min(int(np.searchsorted(self.returns, target)), len(self.returns) - 1)
        first, second = self.returns[after - 1], self.returns[after]
        part = min((target - first) / (second - first), 1.0)
        return float((1.0 - part) * self.prices[after - 1] + part * self.prices[after])

    def price_of_risk(self, target: float) -> float:
        """Return lambda of the portfolio with volatility ``target``; OutOfReach beyond the ends."""
        low, high = float(np.sqrt(self.variances[0])), float(np.sqrt(self.variances[-1]))
        if not low - _room(low, high) <= target <= high + _room(low, high):
            raise out_of_reach("target_risk", target, low, high)
        if target <= low:
            return 0.0
        after = min(int(np.searchsorted(self.variances, target**2)), len(self.variances) - 1)
        first, second = self.prices[after - 1], self.prices[after]
        steep = (self.returns[after] - self.returns[after - 1]) / (second - first)
        square = first**2 + (target**2 - self.variances[after - 1]) / steep
        return float(np.sqrt(min(max(square, first**2), second**2)))

    def price_of_highest_ratio(self, risk_free: float) -> float:
        """Return lambda of the portfolio of the highest (return - risk_free) / volatility.

        At the tangent variance = lambda (return - risk_free), which is linear in lambda between two corners.
        Raises NothingGained if no return is above ``risk_free``, or the ratio has no bound.
        """
        excess = self.returns - risk_free
        if not excess[-1] > ROUNDING * max(1.0, float(np.abs(self.returns).max())):
            raise NothingGained(f"No weights within the limits have a return above {risk_free:.6g}.")
        gap = self.variances - self.prices * excess
        room = ROUNDING * float(self.variances.max())
        if self.variances[0] <= room and excess[0] > ROUNDING * max(1.0, abs(risk_free)):
            raise NothingGained("A portfolio without risk returns more than risk_free: no ratio is highest.")
        at = int(np.flatnonzero(gap >= -room)[-1])
        last = at == len(gap) - 1
        steep = 0.0 if last else _rise(self.returns, self.prices, at)
        flat_variance = self.variances[at] - steep * self.prices[at] ** 2
        price = float(flat_variance / (excess[at] - steep * self.prices[at]))
        ceiling = np.inf if last else float(self.prices[at + 1])
        return min(max(price, float(self.prices[at])), ceiling)


def variances(covariance: Floats, weights: Floats) -> Floats:
    """Return w'Sw (c,) of each row of ``weights`` (c, n), over the names held alone."""
    held = np.flatnonzero(weights.any(axis=0))
    some = weights[:, held]
    found: Floats = np.einsum("ij,ij->i", some @ covariance[np.ix_(held, held)], some)
    return np.maximum(found, 0.0)


def _rise(values: Floats, along: Floats, at: int) -> float:
    return float((values[at + 1] - values[at]) / (along[at + 1] - along[at]))


def _room(low: float, high: float) -> float:
    return ROUNDING * max(abs(low), abs(high))
