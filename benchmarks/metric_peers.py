"""What empyrical, quantstats and ffn call our metrics, where they differ, and how theirs follows from ours.

Nothing of the peers is imported here: ``bench_peers_metrics`` hands them in and holds every row to 1e-9;
``docs/methodology/metrics.md`` is written from the same rows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.ratios import probability_above
from waardhaven.domain.metrics.sample import Sample


@dataclass(frozen=True, kw_only=True)
class Case:
    """One series and its benchmark as both sides take them; daily, a base day before the first return."""

    sample: Sample
    returns: Any
    benchmark: Any
    statistics: Any
    """ffn's PerformanceStats of the levels."""
    levels: Any

    def ours(self, name: str) -> float:
        """Return our figure."""
        return float(METRICS[name].compute(self.sample)[0])

    @property
    def values(self) -> np.ndarray:
        """The returns as they are."""
        return self.sample.returns[:, 0]

    @property
    def count(self) -> int:
        """How many returns there are."""
        return len(self.sample.returns)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A metric beside a peer's: ``restated`` works theirs out of ours where they differ."""

    metric: str
    peer: str
    call: str
    theirs: Callable[[Any, Case], float]
    restated: Callable[[Case], float] | None = None
    why: str = ""


def _unbiased_skew(case: Case) -> float:
    n = case.count
    return case.ours("skew") * math.sqrt(n * (n - 1)) / (n - 2)


def _unbiased_kurtosis(case: Case) -> float:
    n = case.count
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * case.ours("kurtosis") + 6)


def _smart_sharpe(case: Case) -> float:
    n, slope = case.count, abs(np.corrcoef(case.values[:-1], case.values[1:])[0, 1])
    lags = np.arange(1, n)
    return case.ours("sharpe") / math.sqrt(1 + 2 * ((n - lags) / n * slope**lags).sum())


def _probability(case: Case) -> float:
    plain = np.array([case.ours("sharpe") / math.sqrt(252)])
    skew, kurtosis = np.array([_unbiased_skew(case)]), np.array([_unbiased_kurtosis(case)])
    count = np.array([float(case.count)])
    return float(probability_above(0.0, plain, skew=skew, kurtosis=kurtosis, count=count)[0])


def _ffn_cagr(case: Case) -> float:
    years = (case.sample.days[-1] - case.sample.base).astype(np.int64) / 365.25
    return float((1 + case.ours("total_return")) ** (1 / years) - 1)


def _ffn_ulcer(case: Case) -> float:
    return 100 * case.ours("ulcer_index") * math.sqrt(case.count / (case.count + 1))


def _empyrical(name: str) -> Callable[[Any, Case], float]:
    return lambda peer, case: getattr(peer, name)(case.returns)


def _beside(name: str) -> Callable[[Any, Case], float]:
    return lambda peer, case: getattr(peer, name)(case.returns, case.benchmark)


def _quantstats(name: str) -> Callable[[Any, Case], float]:
    return lambda peer, case: getattr(peer.stats, name)(case.returns)


def _ffn(name: str) -> Callable[[Any, Case], float]:
    return lambda _, case: getattr(case.statistics, name)


def _equal(peer: str, of: Callable[[str], Callable[[Any, Case], float]], **metrics: str) -> tuple[Row, ...]:
    return tuple(
        Row(metric=metric, peer=peer, call=call, theirs=of(call)) for metric, call in metrics.items()
    )


EMPYRICAL = (
    *_equal(
        "empyrical",
        _empyrical,
        total_return="cum_returns_final",
        annual_return="annual_return",
        volatility="annual_volatility",
        downside_deviation="downside_risk",
        sharpe="sharpe_ratio",
        sortino="sortino_ratio",
        calmar="calmar_ratio",
        max_drawdown="max_drawdown",
        omega="omega_ratio",
        tail_ratio="tail_ratio",
    ),
    *_equal("empyrical", _beside, beta="beta", up_capture="up_capture", down_capture="down_capture"),
    Row(
        metric="beta_up",
        peer="empyrical",
        call="up_alpha_beta",
        theirs=lambda peer, case: peer.up_alpha_beta(case.returns, case.benchmark)[1],
    ),
    Row(
        metric="beta_down",
        peer="empyrical",
        call="down_alpha_beta",
        theirs=lambda peer, case: peer.down_alpha_beta(case.returns, case.benchmark)[1],
    ),
    Row(
        metric="cagr",
        peer="empyrical",
        call="cagr",
        theirs=_empyrical("cagr"),
        restated=lambda case: case.ours("annual_return"),
        why="counts periods over 252; ours counts calendar days over 365 from the base date",
    ),
    Row(
        metric="var_historical",
        peer="empyrical",
        call="value_at_risk",
        theirs=_empyrical("value_at_risk"),
        restated=lambda case: -case.ours("var_historical"),
        why="a return; ours is a loss, positive",
    ),
    Row(
        metric="es_historical",
        peer="empyrical",
        call="conditional_value_at_risk",
        theirs=_empyrical("conditional_value_at_risk"),
        restated=lambda case: -case.ours("es_historical"),
        why="a return; ours is a loss, positive. Ours counts all values equal to the quantile",
    ),
    Row(
        metric="alpha",
        peer="empyrical",
        call="alpha",
        theirs=_beside("alpha"),
        restated=lambda case: (1 + case.ours("alpha") / 252) ** 252 - 1,
        why="compounds the intercept; ours multiplies it, as a mean is annualised",
    ),
    Row(
        metric="information_ratio",
        peer="empyrical",
        call="excess_sharpe",
        theirs=_beside("excess_sharpe"),
        restated=lambda case: case.ours("information_ratio") / math.sqrt(252),
        why="of one period; ours is annual",
    ),
)
QUANTSTATS = (
    *_equal(
        "quantstats",
        _quantstats,
        total_return="comp",
        volatility="volatility",
        sharpe="sharpe",
        sortino="sortino",
        calmar="calmar",
        max_drawdown="max_drawdown",
        omega="omega",
        gain_to_pain="gain_to_pain_ratio",
        tail_ratio="tail_ratio",
        best_return="best",
        worst_return="worst",
    ),
    Row(
        metric="beta",
        peer="quantstats",
        call="greeks",
        theirs=lambda peer, case: peer.stats.greeks(case.returns, case.benchmark)["beta"],
    ),
    Row(
        metric="alpha",
        peer="quantstats",
        call="greeks",
        theirs=lambda peer, case: peer.stats.greeks(case.returns, case.benchmark)["alpha"],
        restated=lambda case: case.ours("alpha"),
        why="knows no risk-free rate; the same where it is 0",
    ),
    Row(
        metric="r_squared",
        peer="quantstats",
        call="r_squared",
        theirs=lambda peer, case: peer.stats.r_squared(case.returns, case.benchmark),
    ),
    Row(
        metric="cagr",
        peer="quantstats",
        call="cagr",
        theirs=_quantstats("cagr"),
        restated=lambda case: case.ours("annual_return"),
        why="counts periods over 252 whatever the frequency; ours counts calendar days over 365",
    ),
    Row(
        metric="positive_share",
        peer="quantstats",
        call="win_rate",
        theirs=_quantstats("win_rate"),
        restated=lambda case: float((case.values > 0).sum() / (case.values != 0).sum()),
        why="of the returns that are not 0; ours of all",
    ),
    Row(
        metric="skew",
        peer="quantstats",
        call="skew",
        theirs=_quantstats("skew"),
        restated=_unbiased_skew,
        why="corrected for the size of the sample; ours is the population moment",
    ),
    Row(
        metric="kurtosis",
        peer="quantstats",
        call="kurtosis",
        theirs=_quantstats("kurtosis"),
        restated=_unbiased_kurtosis,
        why="corrected for the size of the sample; ours is the population moment",
    ),
    Row(
        metric="var_historical",
        peer="quantstats",
        call="value_at_risk",
        theirs=_quantstats("value_at_risk"),
        restated=lambda case: -case.ours("var_gaussian"),
        why="is the Gaussian one, as a return; ours has the method in its name and is a positive loss",
    ),
    Row(
        metric="es_historical",
        peer="quantstats",
        call="expected_shortfall",
        theirs=_quantstats("expected_shortfall"),
        restated=lambda case: -case.ours("es_gaussian"),
        why="is the Gaussian one, as a return; ours has the method in its name and is a positive loss",
    ),
    Row(
        metric="ulcer_index",
        peer="quantstats",
        call="ulcer_index",
        theirs=_quantstats("ulcer_index"),
        restated=lambda case: case.ours("ulcer_index") * math.sqrt(case.count / (case.count - 1)),
        why="divides by n - 1; a root mean square divides by n",
    ),
    Row(
        metric="martin",
        peer="quantstats",
        call="ulcer_performance_index",
        theirs=_quantstats("ulcer_performance_index"),
        restated=lambda case: (
            case.ours("total_return") / (case.ours("ulcer_index") * math.sqrt(case.count / (case.count - 1)))
        ),
        why="has the total return above; ours the annual one, so that a longer sample is not a better one",
    ),
    Row(
        metric="information_ratio",
        peer="quantstats",
        call="information_ratio",
        theirs=lambda peer, case: peer.stats.information_ratio(case.returns, case.benchmark),
        restated=lambda case: case.ours("information_ratio") / math.sqrt(252),
        why="of one period; ours is annual",
    ),
    Row(
        metric="treynor",
        peer="quantstats",
        call="treynor_ratio",
        theirs=lambda peer, case: peer.stats.treynor_ratio(case.returns, case.benchmark),
        restated=lambda case: case.ours("total_return") / case.ours("beta"),
        why="has the total return above; ours the annual mean excess",
    ),
    Row(
        metric="sharpe_autocorrelation",
        peer="quantstats",
        call="smart_sharpe",
        theirs=_quantstats("smart_sharpe"),
        restated=_smart_sharpe,
        why="takes the size of the autocorrelation, which always lowers; ours its sign",
    ),
    Row(
        metric="sharpe_probabilistic",
        peer="quantstats",
        call="probabilistic_sharpe_ratio",
        theirs=_quantstats("probabilistic_sharpe_ratio"),
        restated=_probability,
        why="corrects skew and kurtosis for the size of the sample; ours has the population moments",
    ),
)
FFN = (
    *_equal(
        "ffn",
        _ffn,
        total_return="total_return",
        volatility="daily_vol",
        sharpe="daily_sharpe",
        sortino="daily_sortino",
        max_drawdown="max_drawdown",
        best_return="best_day",
        worst_return="worst_day",
    ),
    Row(
        metric="cagr",
        peer="ffn",
        call="cagr",
        theirs=_ffn("cagr"),
        restated=_ffn_cagr,
        why="years have 365.25 days; ours 365, as in actual/365",
    ),
    Row(
        metric="calmar",
        peer="ffn",
        call="calmar",
        theirs=_ffn("calmar"),
        restated=lambda case: -_ffn_cagr(case) / case.ours("max_drawdown"),
        why="has its cagr above; ours the annual return by periods, as empyrical's",
    ),
    Row(
        metric="skew",
        peer="ffn",
        call="daily_skew",
        theirs=_ffn("daily_skew"),
        restated=_unbiased_skew,
        why="corrected for the size of the sample; ours is the population moment",
    ),
    Row(
        metric="kurtosis",
        peer="ffn",
        call="daily_kurt",
        theirs=_ffn("daily_kurt"),
        restated=_unbiased_kurtosis,
        why="corrected for the size of the sample; ours is the population moment",
    ),
    Row(
        metric="ulcer_index",
        peer="ffn",
        call="to_ulcer_index",
        theirs=lambda peer, case: peer.to_ulcer_index(case.levels),
        restated=_ffn_ulcer,
        why="in per cent, and the base counts as a day without drawdown",
    ),
    Row(
        metric="martin",
        peer="ffn",
        call="to_ulcer_performance_index",
        theirs=lambda peer, case: peer.to_ulcer_performance_index(case.levels),
        restated=lambda case: _ffn_cagr(case) / (_ffn_ulcer(case) / 100),
        why="has its own cagr and ulcer index",
    ),
)
ROWS: tuple[Row, ...] = (*EMPYRICAL, *QUANTSTATS, *FFN)
