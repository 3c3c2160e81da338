"""Sixteen risk figures beside empyrical, quantstats and ffn: equal figures first, then CPU time.

    python -m benchmarks peers_metrics

1 x 8,000 and 500 x 5,000 daily returns of the seeded factor model with the mean of all as benchmark. Every
row of ``metric_peers`` is held to 1e-9: equal, or equal once worked out of ours the way it differs. Peers
that take long are run on a part of the series and scaled: it is said so.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.metric_peers import ROWS, Case
from benchmarks.peers import Board, beside_ms, cpu_ms, factor_returns, one_thread
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.measuring import Measures, measure
from waardhaven.domain.metrics.rolling import rolling
from waardhaven.domain.metrics.sample import Sample

FIGURES = (
    "annual_return", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "var_historical",
    "es_historical", "beta", "alpha", "tracking_error", "information_ratio", "up_capture", "down_capture",
    "skew", "kurtosis",
)  # fmt: skip
EQUAL = 1e-9


def returns_of(series: int, days: int) -> tuple[Sample, Any]:
    """Return a sample and the same returns as a pandas DataFrame, the benchmark in its last column."""
    import pandas as pd

    returns = np.expm1(factor_returns(max(series, 20), days))
    benchmark, own = returns.mean(axis=1, keepdims=True), np.ascontiguousarray(returns[:, :series])
    axis = pd.bdate_range("2000-01-04", periods=days)
    sample = Sample(
        returns=own,
        benchmark=benchmark,
        periods_per_year=252.0,
        days=axis.to_numpy().astype("datetime64[D]"),
        base=np.datetime64("2000-01-03"),
    )
    return sample, pd.DataFrame(np.c_[own, benchmark], index=axis)


def sixteen(sample: Sample) -> Measures:
    """Return the sixteen figures, ours."""
    return measure(sample, [METRICS[name] for name in FIGURES])


def by_empyrical(own: Any, market: Any) -> tuple[float, ...]:
    """Return the sixteen figures of one series, each by its function of empyrical (skew, kurtosis: scipy)."""
    import empyrical as ep
    from scipy import stats

    active = own - market
    return (
        ep.annual_return(own), ep.annual_volatility(own), ep.sharpe_ratio(own), ep.sortino_ratio(own),
        ep.calmar_ratio(own), ep.max_drawdown(own), -ep.value_at_risk(own),
        -ep.conditional_value_at_risk(own), ep.beta(own, market), ep.alpha(own, market),
        ep.annual_volatility(active),
        ep.excess_sharpe(own, market) * np.sqrt(252), ep.up_capture(own, market),
        ep.down_capture(own, market), stats.skew(own), stats.kurtosis(own),
    )  # fmt: skip


def by_quantstats(own: Any, market: Any) -> tuple[float, ...]:
    """Return those of the sixteen that quantstats has (no capture), by its own definitions."""
    import quantstats as qs

    q = qs.stats
    greeks = q.greeks(own, market)
    return (
        q.cagr(own), q.volatility(own), q.sharpe(own), q.sortino(own), q.calmar(own), q.max_drawdown(own),
        q.value_at_risk(own), q.expected_shortfall(own), greeks["beta"], greeks["alpha"],
        q.volatility(own - market), q.information_ratio(own, market), q.skew(own), q.kurtosis(own),
    )  # fmt: skip


def by_ffn(own: Any, _: Any) -> object:
    """Return ffn's statistics of one series; it has no benchmark."""
    import ffn

    return ffn.PerformanceStats((1.0 + own).cumprod())


def each(work: Callable[[Any, Any], object], table: Any, count: int) -> Callable[[], object]:
    """Return ``work`` over the first ``count`` series of a table."""
    return lambda: [work(table[one], table.iloc[:, -1]) for one in range(count)]


def furthest(sample: Sample, table: Any) -> float:
    """Return the largest relative difference of the sixteen to empyrical, over the first twenty series."""
    ours, worst = sixteen(sample), 0.0
    count = min(20, sample.returns.shape[1])
    for series in range(count):
        found = np.array([ours.value(name)[series] for name in FIGURES])
        place = FIGURES.index("alpha")  # compounded there
        found[place] = (1.0 + found[place] / 252.0) ** 252 - 1.0
        theirs = np.array(by_empyrical(table[series], table.iloc[:, -1]), dtype=float)
        worst = max(worst, float(np.abs(found / theirs - 1.0).max()))
    return worst


def definitions(board: Board) -> None:
    """Hold every row of the peers to 1e-9."""
    import empyrical
    import ffn
    import pandas as pd
    import quantstats

    sample, table = returns_of(1, 2500)
    own, market = table[0], table.iloc[:, -1]
    first = pd.Series([1.0], index=[pd.Timestamp("2000-01-03")])
    levels = pd.concat([first, (1.0 + own).cumprod()])
    case = Case(
        sample=sample,
        returns=own,
        benchmark=market,
        statistics=ffn.PerformanceStats(levels),
        levels=levels,
    )
    peers = {"empyrical": empyrical, "quantstats": quantstats, "ffn": ffn}
    for row in ROWS:
        theirs = float(row.theirs(peers[row.peer], case))
        ours = case.ours(row.metric) if row.restated is None else row.restated(case)
        told = f"{row.peer}.{row.call} beside {row.metric}"
        board.bound(told, abs(ours - theirs) / max(abs(theirs), 1e-12), EQUAL, note=row.why)


def main(_: list[str]) -> None:
    """Print differences and ratios."""
    warnings.simplefilter("ignore")
    one_thread()
    board = Board()
    definitions(board)
    print(f"{'series x days: peer; CPU medians, one thread':46} {'ours':>13} {'peer':>15} {'peer/ours':>10}")
    for series, days, goals, parts in (
        (1, 8000, (5, None, None), (1, 1, 1)),
        (500, 5000, (25, 150, None), (500, 50, 25)),
    ):
        sample, table = returns_of(series, days)
        board.bound(
            f"{series} x {days}: sixteen figures, relative to empyrical", furthest(sample, table), EQUAL
        )
        for name, work, goal, part in zip(
            ("empyrical, the same 16", "quantstats.stats, 14 of 16", "ffn PerformanceStats"),
            (by_empyrical, by_quantstats, by_ffn),
            goals,
            parts,
            strict=True,
        ):
            runs = 3 if part < 100 else 1
            ours, peer = beside_ms(lambda sample=sample: sixteen(sample), each(work, table, part), runs=runs)
            peer *= series / part
            note = "" if part == series else f"scaled from {part} series"
            board.speed(f"{series} x {days}: {name}", ours, peer, goal, note=note)
        every = cpu_ms(lambda sample=sample: measure(sample, list(METRICS.values())), runs=5)
        print(f"{series} x {days}: all {len(METRICS)} metrics {every:.1f} ms CPU")
    sample, table = returns_of(1, 5000)
    import empyrical

    ours = cpu_ms(lambda: rolling(sample, [METRICS["sharpe"]], 252))
    peer = cpu_ms(lambda: empyrical.roll_sharpe_ratio(table[0], window=252), runs=1)
    board.speed("1 x 5000: rolling Sharpe, 252: empyrical", ours, peer, None, note="once")
    board.close()


if __name__ == "__main__":
    main([])
