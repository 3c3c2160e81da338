"""The arithmetic of an answer: from a question and the returns of its symbols to the portfolio."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, cast

import numpy as np

from waardhaven.application.quant.markowitz_answer import markowitz_view
from waardhaven.application.quant.markowitz_rules import (
    bounds_of,
    group_name,
    names_of,
    refused,
    source_of,
    uses_market,
)
from waardhaven.application.quant.markowitz_views import MarkowitzView
from waardhaven.application.quant.read_returns import StoredReturns
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.quant.markowitz.black_litterman import View, black_litterman
from waardhaven.domain.quant.markowitz.constraints import Constraints, Group
from waardhaven.domain.quant.markowitz.efficient_frontier import EfficientFrontier, efficient_frontier
from waardhaven.domain.quant.markowitz.estimation import Estimation, estimated
from waardhaven.domain.quant.markowitz.moments import Moments, Returns, returns_of_levels
from waardhaven.domain.quant.markowitz.objectives import examine, optimise
from waardhaven.domain.quant.markowitz.portfolio import Portfolio
from waardhaven.domain.quant.markowitz.problem import Problem
from waardhaven.domain.types import Floats

USUAL_AVERSION: Final = 2.5
"""Risk aversion of the market where the caller does not say (He & Litterman 1999)."""
USUAL_TAU: Final = 0.05
USUAL_CONFIDENCE: Final = 0.95
SENT_AS: Final[Mapping[str, str]] = {
    "market": "market_weights",
    "budgets": "risk_budgets",
    "risk_free": "risk_free_rate",
    "points": "frontier",
    "limits": "objective",
}
"""Names of fields that the domain knows by others."""
BOUNDS: Final[Mapping[str, str]] = {"bounds.lower": "min_weight", "bounds.upper": "max_weight"}
"""The same of bounds, of all names unless each has its own."""


def solved(question: MarkowitzQuestion, stored: StoredReturns | None = None) -> MarkowitzView:
    """Return the answer to a checked question; see ``optimise_portfolio.answered``."""
    with _told_as_sent(question):
        problem = _sound(question, stored)
        found = optimise(question.objective, problem)
        points = question.frontier
        frontier = efficient_frontier(problem, points) if points else None
    return _told(question, stored, problem, found, frontier)


def examined(question: MarkowitzQuestion, stored: StoredReturns | None = None) -> None:
    """Raise what can be told of a checked question without solving it; see ``OptimisePortfolio.examine``."""
    with _told_as_sent(question):
        examine(question.objective, _sound(question, stored))


def _sound(question: MarkowitzQuestion, stored: StoredReturns | None) -> Problem:
    """Return the problem of a question; raise UnusablePortfolio where nothing moves."""
    problem = _problem(question, _returns(question, stored))
    if not problem.moments.volatilities.any():
        raise refused(source_of(question), "must have a name that moves: no volatility is above 0")
    return problem


def _told(
    question: MarkowitzQuestion,
    stored: StoredReturns | None,
    problem: Problem,
    found: Portfolio,
    frontier: EfficientFrontier | None,
) -> MarkowitzView:
    held = question.current_weights
    return markowitz_view(
        problem=problem,
        found=found,
        frontier=frontier,
        stored=stored,
        current=None if held is None else _by_name(held, problem.moments.names),
        with_covariance=question.with_covariance,
    )


def _returns(question: MarkowitzQuestion, stored: StoredReturns | None) -> Returns | None:
    """Return the returns of periods, None where moments were sent instead."""
    if stored is not None:
        return Returns(values=stored.values, names=stored.names, periods_per_year=stored.periods_per_year)
    if question.covariance is not None:
        return None
    names, year = names_of(question), question.periods_per_year or 0.0
    if question.levels is not None:
        return returns_of_levels(np.array(question.levels), names=names, periods_per_year=year)
    return Returns(values=np.array(question.returns), names=names, periods_per_year=year)


def _problem(question: MarkowitzQuestion, returns: Returns | None) -> Problem:
    names = names_of(question)
    shares = question.risk_budgets
    confidence = question.confidence
    return Problem(
        moments=_moments(question, returns),
        limits=_limits(question, names),
        risk_free=question.risk_free_rate,
        target_return=question.target_return,
        target_risk=question.target_risk,
        risk_aversion=question.risk_aversion,
        budgets=None if shares is None else _by_name(shares, names),
        confidence=USUAL_CONFIDENCE if confidence is None else confidence,
        returns=returns,
    )


def _moments(question: MarkowitzQuestion, returns: Returns | None) -> Moments:
    names = names_of(question)
    aversion = USUAL_AVERSION if question.risk_aversion is None else question.risk_aversion
    market = _by_name(question.market_weights or {}, names) if uses_market(question) else None
    if returns is None:
        own = question.expected_returns
        moments = Moments.given(
            expected=np.zeros(len(names)) if own is None else np.array(own),
            covariance=np.array(question.covariance),
            names=names,
            repair=question.repair,
        )
    else:
        how = Estimation(
            covariance=question.covariance_method,
            expected=question.expected_return_method,
            half_life=question.half_life,
            market=market,
            risk_aversion=aversion,
            risk_free=question.risk_free_rate,
            repair=question.repair,
        )
        moments = estimated(returns, how)
    if not question.views:
        return moments
    return black_litterman(
        moments,
        [
            View(
                weights=_by_name(one.weights, names),
                expected=cast("float", one.expected),
                confidence=one.confidence,
                variance=one.variance,
            )
            for one in question.views
        ],
        market=cast("Floats", market),
        risk_aversion=aversion,
        tau=USUAL_TAU if question.tau is None else question.tau,
        risk_free=question.risk_free_rate,
    )


def _limits(question: MarkowitzQuestion, names: tuple[str, ...]) -> Constraints:
    bounds = np.array([bounds_of(question, name) for name in names])
    held = question.current_weights
    return Constraints(
        lower=bounds[:, 0].copy(),
        upper=bounds[:, 1].copy(),
        groups=tuple(
            Group(
                name=group_name(question, at),
                member=np.array([name in one.members for name in names]),
                least=-np.inf if one.least is None else one.least,
                most=np.inf if one.most is None else one.most,
            )
            for at, one in enumerate(question.groups)
        ),
        budget=question.budget,
        current=None if held is None else _by_name(held, names),
        turnover=question.turnover,
        most_names=question.most_names,
    )


def _by_name(figures: Mapping[str, float], names: tuple[str, ...]) -> Floats:
    """Return figures (n,) in the order of the names, 0 where one is left out."""
    return np.array([figures.get(name, 0.0) for name in names])


@contextmanager
def _told_as_sent(question: MarkowitzQuestion) -> Iterator[None]:
    """Raise what the domain refuses under the names that the fields were sent by."""
    try:
        yield
    except Invalid as error:
        errors = [FieldError(field=_sent(one.field, question), rule=one.rule) for one in error.errors]
        message = error.message
        for before, after in zip(error.errors, errors, strict=True):
            message = message.replace(f"{before.field}: ", f"{after.field}: ", 1)
        errors = errors or [FieldError(field="objective", rule=message)]
        raise type(error)(message, context=error.context, errors=errors) from None


def _sent(field: str, question: MarkowitzQuestion) -> str:
    source = source_of(question)
    if field == "returns":
        return "objective" if source == "covariance" else source
    if field in {"covariance", "expected_returns"} and source != "covariance":
        return {"covariance": "covariance_method"}.get(field, "expected_return_method")
    if field.startswith("groups."):
        called = [group_name(question, at) for at in range(len(question.groups))]
        return f"groups.{called.index(field.removeprefix('groups.'))}"
    if field in BOUNDS and all(
        name in question.bounds and getattr(question.bounds[name], BOUNDS[field]) is not None
        for name in names_of(question)
    ):
        return "bounds"
    return BOUNDS.get(field) or SENT_AS.get(field, field)
