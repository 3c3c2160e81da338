"""The objectives of mean and variance; each is: minimise w'Sw / 2 - lambda m'w at some lambda >= 0."""

from dataclasses import dataclass, replace

import numpy as np

from waardhaven.domain.quant.active_set import FREE, HIGH, LOW, ActiveSet, settled
from waardhaven.domain.quant.markowitz.frontier import Frontier, out_of_reach, solved
from waardhaven.domain.quant.markowitz.portfolio import Duals, Portfolio, duals_of
from waardhaven.domain.quant.markowitz.problem import Problem, refuse
from waardhaven.domain.quant.markowitz.searched import Searched
from waardhaven.domain.quant.markowitz.standard_form import StandardForm, reach
from waardhaven.domain.quant.optimal_weights import NothingGained, highest_ratio
from waardhaven.domain.quant.quadratic_programme import NotSolved, Programme, Solution, solution
from waardhaven.domain.types import Flags, Floats

REACHED = 1e-9
"""What a linear programme finds the ends of the returns to, relative."""


def minimum_variance(problem: Problem) -> Portfolio:
    """Return the portfolio of least variance."""
    form = problem.form
    programme = form.programme(problem.moments.covariance, problem.moments.expected, 0.0)
    return _answer(problem, "minimum_variance", form, programme, solved(programme), 0.0)


def risk_aversion(problem: Problem) -> Portfolio:
    """Return the portfolio of the highest quadratic utility m'w - delta w'Sw / 2; lambda is 1 / delta."""
    price = 1.0 / problem.need("risk_aversion")
    form = problem.form
    programme = form.programme(problem.moments.covariance, problem.moments.expected, price)
    found = solved(programme)
    answer = _answer(problem, "risk_aversion", form, programme, found, price)
    utility = answer.expected_return - answer.volatility**2 / (2.0 * price)
    return replace(answer, figures={**answer.figures, "utility": utility})


def target_return(problem: Problem) -> Portfolio:
    """Return the portfolio of least variance among those with the expected return asked for.

    Below the return of the portfolio of least variance the answer is not efficient, and says so: lambda is
    negative. OutOfReach names the range.
    """
    target = problem.need("target_return")
    form = problem.form
    searched = Searched(covariance=problem.moments.covariance, expected=problem.moments.expected, form=form)
    programme, found = searched.of_return(target)
    price = -float(found.equality[1])
    answer = _answer(problem, "target_return", form, programme, found, price, target=True)
    if price >= -1e-12 * float(problem.moments.covariance.diagonal().max()):
        return answer
    told = "The portfolio of least variance has a higher return: no portfolio of this return is efficient."
    return replace(answer, warnings=(*answer.warnings, told))


def insist_on_return(problem: Problem) -> None:
    """Raise OutOfReach if no weights within the limits have the expected return asked for."""
    target = problem.need("target_return")
    low, high = reach(problem.form, problem.moments.expected)
    if not low - REACHED * max(1.0, abs(low)) <= target <= high + REACHED * max(1.0, abs(high)):
        raise out_of_reach("target_return", target, low, high)


def target_risk(problem: Problem) -> Portfolio:
    """Return the portfolio of the highest return among those with the volatility asked for.

    OutOfReach names the range from the least volatility to that of the highest return.
    """
    target = problem.need("target_risk")
    return _efficient(problem, "target_risk", problem.moments.expected, risk=target)


def maximum_sharpe(problem: Problem) -> Portfolio:
    """Return the portfolio of the highest (return - risk_free) / volatility.

    Lambda is variance / (return - risk_free). NothingGained if nothing within the limits earns more than
    ``risk_free``.
    """
    return _tangent(problem, "maximum_sharpe", problem.moments.expected, problem.risk_free)


def maximum_diversification(problem: Problem) -> Portfolio:
    """Return the portfolio of the highest ratio of the average volatility to its own.

    Choueifaty & Coignard (2008). The programme is that of the highest Sharpe ratio with volatilities in place
    of expected returns and no riskless rate; so are lambda and the dual values.
    """
    gain = problem.moments.volatilities
    if not gain.all():
        raise refuse("covariance", f"no name without volatility: {_still(problem)} has none")
    answer = _tangent(problem, "maximum_diversification", gain, 0.0)
    ratio = float(gain @ answer.weights) / answer.volatility
    return replace(answer, figures={**answer.figures, "diversification_ratio": ratio})


def _still(problem: Problem) -> str:
    return problem.moments.names[int(np.flatnonzero(problem.moments.volatilities == 0.0)[0])]


def _tangent(problem: Problem, objective: str, gain: Floats, risk_free: float) -> Portfolio:
    answer = _highest_ratio(problem, objective, gain, risk_free)
    if not answer.volatility > 0.0:
        raise NothingGained(f"{objective}: a portfolio without risk has a gain, so that no ratio is highest.")
    return answer


def _highest_ratio(problem: Problem, objective: str, gain: Floats, risk_free: float) -> Portfolio:
    if not problem.limits.is_long_only or not gain.max() > risk_free:
        return _efficient(problem, objective, gain, risk_free=risk_free)
    count = len(gain)
    weights = highest_ratio(problem.moments.covariance, gain - risk_free, _Free.of(count))
    variance = float(weights @ problem.moments.covariance @ weights)
    price = variance / float((gain - risk_free) @ weights)
    form = problem.form
    programme = form.programme(problem.moments.covariance, gain, price)
    side = np.where(weights <= 0.0, LOW, np.where(weights >= 1.0, HIGH, FREE)).astype(np.float64)
    side[int(weights.argmax())] = FREE
    start = ActiveSet(side=side, tight=np.zeros(0, dtype=np.bool_))
    found = solution(programme, settled(programme, start), "active_set")
    if found is None:
        return _efficient(problem, objective, gain, risk_free=risk_free)
    return _answer(problem, objective, form, programme, found, price)


def _efficient(
    problem: Problem, objective: str, gain: Floats, *, risk: float | None = None, risk_free: float = 0.0
) -> Portfolio:
    """Return the efficient portfolio of a risk, or of the highest ratio, from corners or by a search."""
    covariance, form = problem.moments.covariance, problem.form
    walked: Frontier | Searched
    try:
        walked = Frontier.of(covariance, gain, problem.limits)
        walked.checked()
        price, found = _priced(walked, risk, risk_free)
    except NotSolved:
        walked = Searched(covariance=covariance, expected=gain, form=form)
        price, found = _priced(walked, risk, risk_free)
    programme = form.programme(covariance, gain, price)
    return _answer(problem, objective, form, programme, found, price)


def _priced(walked: Frontier | Searched, risk: float | None, risk_free: float) -> tuple[float, Solution]:
    price = walked.price_of_highest_ratio(risk_free) if risk is None else walked.price_of_risk(risk)
    return price, walked.at(price)


def _answer(
    problem: Problem,
    objective: str,
    form: StandardForm,
    programme: Programme,
    found: Solution,
    price: float,
    *,
    target: bool = False,
) -> Portfolio:
    duals: Duals = duals_of(form, problem.limits, programme, found, target=target)
    return Portfolio.of(
        objective,
        problem.moments,
        form.weights(found.x),
        risk_free=problem.risk_free,
        method=found.method,
        residual=found.residual,
        duals=duals,
        figures={"lambda": price},
        warnings=repair_told(problem),
    )


def repair_told(problem: Problem) -> tuple[str, ...]:
    """Return what was done to the covariance, in words; nothing if nothing was."""
    repair = problem.moments.repair
    if repair is None:
        return ()
    told = (
        f"The covariance was repaired by {repair.method}: its smallest eigenvalue was {repair.before[0]:.6g} "
        f"and is {repair.after[0]:.6g}; entries changed by up to {repair.largest_change:.3g} of the largest."
    )
    return (told,)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Free:
    """Limits that forbid nothing a long-only weight can be."""

    lower: Floats
    upper: Floats
    member: Flags
    cap: Floats

    @classmethod
    def of(cls, names: int) -> "_Free":
        return cls(
            lower=np.zeros(names),
            upper=np.ones(names),
            member=np.zeros((0, names), dtype=np.bool_),
            cap=np.zeros(0),
        )
