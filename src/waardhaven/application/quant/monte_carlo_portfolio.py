"""From a question about a portfolio to the problem that is simulated."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from waardhaven.application.quant.monte_carlo_rules import (
    Rule,
    array,
    correlated,
    foreign,
    left_out,
    square,
    told_as_sent,
)
from waardhaven.application.quant.read_returns import ReturnsOrder, StoredReturns
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.quant.monte_carlo.correlation import examined
from waardhaven.domain.quant.monte_carlo.flows import Flow, Timing
from waardhaven.domain.quant.monte_carlo.models import (
    CELLS,
    GeometricBrownian,
    Model,
    StationaryBootstrap,
    StudentT,
    fitted_degrees,
)
from waardhaven.domain.quant.monte_carlo.portfolio import BLOCK, NARROWEST, PortfolioProblem
from waardhaven.domain.quant.monte_carlo.returns_law import (
    AnnualMoments,
    Convention,
    checked_history,
    moments_of,
)
from waardhaven.domain.types import Floats

SOURCES: Final = ("symbols", "returns", "expected_returns")
"""Where returns may come from: exactly one of them."""
STORED: Final = ("start", "end", "frequency", "currency")
STATED: Final = ("covariance", "volatilities", "convention", "correlation")
USUAL_YEAR: Final[Mapping[str, float]] = MappingProxyType({"daily": 252.0, "weekly": 52.0, "monthly": 12.0})
"""Periods of a year by frequency; those of symbols are told by their days, which may be every day."""


def portfolio_rules(question: MonteCarloQuestion) -> Iterator[Rule]:
    """Yield every rule that the question alone decides."""
    yield from foreign(question)
    given = [name for name in SOURCES if getattr(question, name) is not None]
    yield "symbols", "must be given, or returns or expected_returns", not given
    for name in given[1:]:
        yield name, f"must be left out beside {given[0]}", True
    yield from _of_symbols(question)
    yield from _of_returns(question)
    yield from _of_moments(question)
    yield from _of_model(question)
    both = question.time_steps is not None and question.horizon_years is not None
    yield "horizon_years", "must be left out beside time_steps", both
    count = assets_of(question)
    named = question.names is not None and len(question.names) != count
    yield "names", f"must be {count}, one for each asset", named


def _of_symbols(question: MonteCarloQuestion) -> Iterator[Rule]:
    if question.symbols is None:
        yield from left_out(question, STORED, "symbols alone have one")
    else:
        yield from left_out(question, ("names", "periods_per_year"), "symbols tell it themselves")


def _of_returns(question: MonteCarloQuestion) -> Iterator[Rule]:
    rows = question.returns
    if rows is None:
        return
    width = len(rows[0]) if rows else 0
    ragged = any(len(row) != width for row in rows)
    yield "returns", f"must have rows of equal length: {width}, as the first has", ragged
    yield "periods_per_year", "must be given with returns: rows a year", question.periods_per_year is None


def _of_moments(question: MonteCarloQuestion) -> Iterator[Rule]:
    if question.expected_returns is None:
        yield from left_out(question, STATED, "of expected_returns alone")
        return
    count = assets_of(question)
    stated, spread = question.covariance is not None, question.volatilities is not None
    yield "covariance", "must be given, or volatilities", not (stated or spread)
    yield "volatilities", "must be left out beside covariance", stated and spread
    yield "correlation", "must be left out beside covariance", stated and question.correlation is not None
    yield from square(question, "covariance", count)
    yield from correlated(question, count)
    short = question.volatilities is not None and len(question.volatilities) != count
    yield "volatilities", f"must be {count}, one for each asset", short
    drawn = question.model == StationaryBootstrap.name
    yield "model", f"must be another: {question.model} draws from returns or symbols", drawn
    unfitted = question.model == StudentT.name and question.degrees is None
    yield "degrees", "must be given: there is no past to fit them to", unfitted


def _of_model(question: MonteCarloQuestion) -> Iterator[Rule]:
    for name, model in (("degrees", StudentT.name), ("block_length", StationaryBootstrap.name)):
        is_foreign = getattr(question, name) is not None and question.model != model
        yield name, f"must be left out: {model} alone has it", is_foreign


def assets_of(question: MonteCarloQuestion) -> int:
    """Return how many assets there are; 1 where nothing tells."""
    if question.returns:
        return len(question.returns[0])
    return len(question.symbols or question.expected_returns or ("",))


def year_of(question: MonteCarloQuestion) -> float:
    """Return the periods of a year, the usual ones where the days of symbols tell."""
    return question.periods_per_year or USUAL_YEAR[question.frequency or "daily"]


def steps_of(question: MonteCarloQuestion, periods_per_year: float) -> int:
    """Return the number of periods that are simulated."""
    if question.time_steps is not None:
        return question.time_steps
    years = 1.0 if question.horizon_years is None else question.horizon_years
    return max(round(years * periods_per_year), 1)


def width_of(question: MonteCarloQuestion, steps: int, assets: int) -> int:
    """Return the most paths of a block; a past that is drawn anew has all steps of a block at once."""
    usual = max(BLOCK // max(assets, 1), NARROWEST)
    return min(usual, max(CELLS // steps, 1)) if question.model == StationaryBootstrap.name else usual


def names_of_portfolio(question: MonteCarloQuestion) -> dict[str, str]:
    """Return what the fields of the problem were sent as."""
    source = next((name for name in SOURCES if getattr(question, name) is not None), SOURCES[0])
    spread = "volatilities" if question.volatilities is not None else "covariance"
    return {
        "paths": "simulations",
        "steps": "time_steps" if question.time_steps is not None else "horizon_years",
        "assets": source,
        "capital": "initial_value",
        "confidence": "confidence_level",
        "dates": "fan_dates",
        "model.mean": source,
        "model.history": source,
        "model.covariance": spread if source == "expected_returns" else source,
        "model.degrees": "degrees",
        "model.block": "block_length",
    }


def order_of(question: MonteCarloQuestion) -> ReturnsOrder | None:
    """Return which stored returns are needed; None: none are."""
    if question.symbols is None:
        return None
    return ReturnsOrder(
        symbols=question.symbols,
        start=question.start,
        end=question.end,
        frequency=Frequency(question.frequency or "daily"),
        currency=question.currency,
    )


def portfolio_problem(
    question: MonteCarloQuestion, seed: int, read: StoredReturns | None
) -> PortfolioProblem:
    """Return the problem; raise UnusableSimulation under the names of the question."""
    year = year_of(question) if read is None else read.periods_per_year
    count = assets_of(question)
    with told_as_sent(names_of_portfolio(question)):
        return PortfolioProblem(
            weights=(1.0 / count,) * count if question.weights is None else question.weights,
            model=_model(question, read, year),
            capital=question.initial_value,
            steps=steps_of(question, year),
            periods_per_year=year,
            paths=question.simulations,
            seed=seed,
            rebalance_every=question.rebalance_every or None,
            flows=tuple(_flows(question)),
            goal=question.goal,
            confidence=question.confidence_level,
            interval=question.interval,
            quantiles=question.quantiles,
            dates=question.fan_dates,
            bins=question.bins,
        )


def _flows(question: MonteCarloQuestion) -> Iterator[Flow]:
    for one in question.flows:
        yield Flow(
            amount=one.amount,
            every=one.every,
            first=one.first,
            last=one.last,
            growth=one.growth,
            timing=Timing(one.timing),
        )


def _model(question: MonteCarloQuestion, read: StoredReturns | None, year: float) -> Model:
    if question.expected_returns is not None:
        moments, history = _stated(question), None
    else:
        history = checked_history(np.array(question.returns) if read is None else read.values)
        moments = moments_of(history, year, repair=question.repair)
    if question.model == StationaryBootstrap.name and history is not None:
        return StationaryBootstrap(history=history, block=question.block_length)
    if question.model == StudentT.name:
        return _student(question, moments, history)
    return GeometricBrownian(moments=moments)


def _student(question: MonteCarloQuestion, moments: AnnualMoments, history: Floats | None) -> StudentT:
    if question.degrees is not None or history is None:
        return StudentT(moments=moments, degrees=question.degrees or np.nan)
    return StudentT(moments=moments, degrees=fitted_degrees(history), is_fitted=True)


def _stated(question: MonteCarloQuestion) -> AnnualMoments:
    mean = array(question.expected_returns, assets_of(question))
    covariance, repairs = _covariance(question, len(mean))
    return AnnualMoments(
        mean=mean,
        covariance=covariance,
        convention=Convention(question.convention or Convention.SIMPLE),
        repair=question.repair,
        repairs=repairs,
    )


def _covariance(question: MonteCarloQuestion, count: int) -> tuple[Floats, tuple[str, ...]]:
    if question.covariance is not None:
        return np.array(question.covariance, dtype=np.float64), ()
    sent = np.eye(count) if question.correlation is None else np.array(question.correlation, dtype=np.float64)
    correlation, repairs = examined(sent, "correlation", repair=question.repair)
    spread = array(question.volatilities, count)
    return correlation * np.outer(spread, spread), repairs
