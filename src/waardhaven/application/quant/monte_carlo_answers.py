"""From what a run found to what it is answered with."""

from collections.abc import Iterator, Sequence
from typing import Final

from waardhaven.application.quant.monte_carlo_portfolio import assets_of
from waardhaven.application.quant.monte_carlo_views import (
    ConvergenceView,
    MonteCarloView,
    PastView,
    SimulatedAssetView,
    SimulatedDerivativeView,
    SimulatedDistributionView,
    SimulatedEstimateView,
    SimulatedFanView,
    SimulatedHistogramView,
    SimulatedLossView,
    SimulatedPortfolioView,
    SimulatedProbabilityView,
    SimulatedQuantileView,
    SimulatedRateView,
)
from waardhaven.application.quant.read_returns import StoredReturns
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion, PayoffPart
from waardhaven.domain.quant.monte_carlo.convergence import convergence
from waardhaven.domain.quant.monte_carlo.estimates import Estimate, Probability
from waardhaven.domain.quant.monte_carlo.portfolio import PortfolioPlan
from waardhaven.domain.quant.monte_carlo.portfolio_result import (
    Distribution,
    Fan,
    PortfolioResult,
    Quantile,
    TailLoss,
    merge,
)
from waardhaven.domain.quant.monte_carlo.portfolio_run import PortfolioPart
from waardhaven.domain.quant.monte_carlo.pricing import PricingPart, PricingPlan, SoFar
from waardhaven.domain.quant.monte_carlo.pricing import merge as merge_prices

METHODS: Final = {
    "gbm": "lognormal returns, independent from period to period",
    "student_t": "simple returns with a multivariate Student-t law, independent from period to period",
    "stationary_bootstrap": "days of the past drawn anew in blocks of random length, all assets together",
    "plain": "independent paths",
    "antithetic": "paths in mirrored pairs",
    "sobol": "scrambled Sobol points over a Brownian bridge",
}
"""Laws of returns and ways to draw, in words."""


def portfolio_view(
    question: MonteCarloQuestion,
    read: StoredReturns | None,
    plan: PortfolioPlan,
    parts: Sequence[PortfolioPart],
) -> MonteCarloView:
    """Return the answer about a portfolio; all chunks once, in any order."""
    found, problem = merge(plan, parts), plan.problem
    return MonteCarloView(
        kind=question.kind,
        method=METHODS[found.model],
        seed=found.seed,
        simulations=found.paths,
        time_steps=problem.steps,
        numbers=plan.numbers,
        interval=found.interval,
        convergence=tuple(map(_so_far, convergence(plan, parts))),
        notes=(*_named(found.notes), *(() if read is None else read.notes)),
        portfolio=_portfolio(question, read, plan, found),
        derivative=None,
    )


def derivative_view(
    question: MonteCarloQuestion, read: StoredReturns | None, plan: PricingPlan, parts: Sequence[PricingPart]
) -> MonteCarloView:
    """Return the answer about a derivative; all chunks once, in any order."""
    del read
    found = merge_prices(plan, parts)
    control = "" if found.control is None else f", controlled by the {found.control}"
    return MonteCarloView(
        kind=question.kind,
        method=METHODS[found.sampling] + control,
        seed=found.seed,
        simulations=found.paths,
        time_steps=found.steps,
        numbers=plan.numbers,
        interval=found.confidence,
        convergence=tuple(map(_so_far, found.convergence)),
        notes=_named(found.notes),
        portfolio=None,
        derivative=SimulatedDerivativeView(
            payoff=(question.payoff or PayoffPart()).type,
            sampling=found.sampling,
            control=found.control,
            price=_estimate(found.price),
        ),
    )


def _named(notes: Sequence[str]) -> tuple[str, ...]:
    """Return notes with fields by the names of the question."""
    return tuple(one.replace("market.", "").replace("model.", "") for one in notes)


def _portfolio(
    question: MonteCarloQuestion, read: StoredReturns | None, plan: PortfolioPlan, found: PortfolioResult
) -> SimulatedPortfolioView:
    problem = plan.problem
    return SimulatedPortfolioView(
        model=found.model,
        assets=tuple(_assets(question, problem.weights)),
        periods_per_year=problem.periods_per_year,
        years=problem.steps / problem.periods_per_year,
        terminal=_distribution(found.worth),
        histogram=SimulatedHistogramView(
            edges=tuple(found.histogram.edges.tolist()), counts=tuple(found.histogram.counts.tolist())
        ),
        fan=_fan(found.fan, problem.periods_per_year),
        loss=_loss(found.loss),
        goal=None if found.goal is None else _probability(found.goal),
        ruin=_probability(found.ruin),
        growth=_distribution(found.growth),
        drawdown=_distribution(found.drawdown),
        annual_returns=tuple(_rates(found)),
        past=None if read is None else _past(read),
    )


def _assets(question: MonteCarloQuestion, weights: Sequence[float]) -> Iterator[SimulatedAssetView]:
    numbered = tuple(f"asset {at}" for at in range(1, assets_of(question) + 1))
    names = question.symbols or question.names or numbered
    for name, weight in zip(names, weights, strict=True):
        yield SimulatedAssetView(name=name, weight=weight)


def _past(read: StoredReturns) -> PastView:
    return PastView(
        first=read.first.isoformat(),
        last=read.last.isoformat(),
        returns=len(read.values),
        frequency=read.frequency,
        currency=read.currency,
        left_out=read.left_out,
        sources=read.sources,
    )


def _rates(found: PortfolioResult) -> Iterator[SimulatedRateView]:
    rates = found.returns
    columns = zip(rates.levels, rates.money_weighted, rates.time_weighted, found.worth.quantiles, strict=True)
    for level, money, time, worth in columns:
        why = "ruined" if worth.value <= 0.0 else "no_rate"
        reason = why if money is None else "no_rate" if time is None else None
        yield SimulatedRateView(level=level, money_weighted=money, time_weighted=time, reason=reason)


def _fan(fan: Fan, periods_per_year: float) -> SimulatedFanView:
    return SimulatedFanView(
        steps=fan.steps,
        years=tuple(one / periods_per_year for one in fan.steps),
        levels=fan.levels,
        values=tuple(tuple(row) for row in fan.values.tolist()),
        mean=tuple(fan.mean.tolist()),
        paid_in=tuple(fan.paid_in.tolist()),
        ruined=tuple(fan.ruined.tolist()),
    )


def _loss(loss: TailLoss) -> SimulatedLossView:
    return SimulatedLossView(
        level=loss.level,
        value_at_risk=_quantile(loss.value_at_risk),
        expected_shortfall=_estimate(loss.expected_shortfall),
        invested=loss.invested,
        relative_value_at_risk=loss.relative_value_at_risk,
        relative_expected_shortfall=loss.relative_expected_shortfall,
    )


def _distribution(found: Distribution) -> SimulatedDistributionView:
    return SimulatedDistributionView(
        mean=_estimate(found.mean),
        standard_deviation=found.standard_deviation,
        minimum=found.minimum,
        maximum=found.maximum,
        quantiles=tuple(map(_quantile, found.quantiles)),
    )


def _estimate(one: Estimate) -> SimulatedEstimateView:
    return SimulatedEstimateView(
        estimate=one.value, standard_error=one.standard_error, low=one.low, high=one.high
    )


def _probability(one: Probability) -> SimulatedProbabilityView:
    return SimulatedProbabilityView(estimate=one.value, low=one.low, high=one.high, count=one.count)


def _quantile(one: Quantile) -> SimulatedQuantileView:
    return SimulatedQuantileView(level=one.level, value=one.value, low=one.low, high=one.high)


def _so_far(one: SoFar) -> ConvergenceView:
    return ConvergenceView(
        simulations=one.paths,
        estimate=one.estimate.value,
        standard_error=one.estimate.standard_error,
        low=one.estimate.low,
        high=one.estimate.high,
    )
