"""Simulated prices beside QuantLib's engines: the same paths and steps, then the time to one thousandth.

    python -m benchmarks monte_carlo

An option at the money, 100, one year, rate 3 %, volatility 20 %, 252 steps. Times are linear in paths:
100,000 of both are timed, and a million of ours for its memory.
"""

import tracemalloc
from math import erf, exp, log, sqrt
from typing import Any

import numpy as np

from benchmarks.peers import Board, beside_ms, cpu_ms, one_thread
from waardhaven.domain.quant.monte_carlo import portfolio, portfolio_result, pricing
from waardhaven.domain.quant.monte_carlo.american import American
from waardhaven.domain.quant.monte_carlo.barriers import Barrier, Direction, Effect
from waardhaven.domain.quant.monte_carlo.market import Market
from waardhaven.domain.quant.monte_carlo.models import GeometricBrownian
from waardhaven.domain.quant.monte_carlo.payoff import Kind, Payoff
from waardhaven.domain.quant.monte_carlo.payoffs import ArithmeticAsian, European
from waardhaven.domain.quant.monte_carlo.returns_law import AnnualMoments, Convention

SPOT, RATE, VOLATILITY, STEPS = 100.0, 0.03, 0.2, 252
PATHS, MILLION = 100_000, 1_000_000
SEEDS = 16
ASIAN = 5.29997
"""Arithmetic Asian of 252 fixings, ± 1e-4: long runs of ours and of QuantLib's with a control variate."""
GOAL = 8.0
THOUSANDTH = 1e-3
CALL = European(kind=Kind.CALL, strike=100.0)
AVERAGE = ArithmeticAsian(kind=Kind.CALL, strike=100.0)
KNOCK_OUT = Barrier(kind=Kind.CALL, strike=100.0, barrier=130.0, direction=Direction.UP, effect=Effect.OUT)
PUT = American(kind=Kind.PUT, strike=100.0)


def price(payoff: Payoff, *, seed: int = 1, **changes: Any) -> pricing.PricingResult:
    """Return the price of a payoff; plain paths without a control unless told."""
    market = Market(spot=np.array([SPOT]), volatility=np.array([VOLATILITY]), rate=RATE)
    settings = {"steps": STEPS, "paths": PATHS, "sampling": "plain", "control": "none", **changes}
    problem = pricing.PricingProblem(payoff=payoff, market=market, maturity=1.0, seed=seed, **settings)
    return pricing.simulated(problem)


class Peer:
    """QuantLib's instruments over its Black-Scholes process."""

    def __init__(self) -> None:
        import QuantLib as ql  # noqa: N813 its own documents name it so

        self.ql = ql
        today = ql.Date(2, 1, 2023)
        ql.Settings.instance().evaluationDate = today
        self.today, self.count = today, ql.Actual365Fixed()
        curve = ql.YieldTermStructureHandle(ql.FlatForward(today, RATE, self.count))
        none = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, self.count))
        spread = ql.BlackVolTermStructureHandle(
            ql.BlackConstantVol(today, ql.NullCalendar(), VOLATILITY, self.count)
        )
        spot = ql.QuoteHandle(ql.SimpleQuote(SPOT))
        self.process = ql.BlackScholesMertonProcess(spot, none, curve, spread)
        self.end = today + 365

    def _priced(self, option: Any, engine: Any) -> float:
        option.setPricingEngine(engine)
        return float(option.NPV())

    def european(self, seed: int = 1) -> float:
        """Return the price of the call."""
        ql = self.ql
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, 100.0), ql.EuropeanExercise(self.end))
        engine = ql.MCEuropeanEngine(
            self.process, "pseudorandom", timeSteps=STEPS, requiredSamples=PATHS, seed=seed
        )
        return self._priced(option, engine)

    def asian(self, seed: int = 1, paths: int = PATHS, *, control: bool = False) -> float:
        """Return the price of the call on the mean of 252 fixings."""
        ql = self.ql
        days = [self.today + round(365 * step / STEPS) for step in range(1, STEPS + 1)]
        option = ql.DiscreteAveragingAsianOption(
            ql.Average.Arithmetic,
            0.0,
            0,
            days,
            ql.PlainVanillaPayoff(ql.Option.Call, 100.0),
            ql.EuropeanExercise(self.end),
        )
        engine = ql.MCDiscreteArithmeticAPEngine(
            self.process, "pseudorandom", requiredSamples=paths, seed=seed, controlVariate=control
        )
        return self._priced(option, engine)

    def barrier(self, seed: int = 1) -> float:
        """Return the price of the knock-out call."""
        ql = self.ql
        option = ql.BarrierOption(
            ql.Barrier.UpOut,
            130.0,
            0.0,
            ql.PlainVanillaPayoff(ql.Option.Call, 100.0),
            ql.EuropeanExercise(self.end),
        )
        engine = ql.MCBarrierEngine(
            self.process, "pseudorandom", timeSteps=STEPS, requiredSamples=PATHS, seed=seed, isBiased=True
        )
        return self._priced(option, engine)

    def american(self, seed: int = 1) -> float:
        """Return the price of the American put, 50 exercises, by the method of Longstaff and Schwartz."""
        ql = self.ql
        option = ql.VanillaOption(
            ql.PlainVanillaPayoff(ql.Option.Put, 100.0), ql.AmericanExercise(self.today, self.end)
        )
        engine = ql.MCAmericanEngine(
            self.process,
            "pseudorandom",
            timeSteps=50,
            requiredSamples=PATHS,
            seed=seed,
            polynomOrder=4,
            nCalibrationSamples=1 << 15,
        )
        return self._priced(option, engine)


def closed_form() -> float:
    """Return the price of the call."""
    up = log(SPOT / 100.0) / VOLATILITY + (RATE + 0.5 * VOLATILITY**2) / VOLATILITY
    first, second = (0.5 * (1.0 + erf(one / sqrt(2.0))) for one in (up, up - VOLATILITY))
    return SPOT * first - 100.0 * exp(-RATE) * second


def products(board: Board) -> None:
    """Time each product with the same paths and steps, and hold ours and theirs together."""
    peer = Peer()
    cases = (
        ("European call, 252 steps", CALL, peer.european, {}),
        ("arithmetic Asian call, 252 fixings", AVERAGE, peer.asian, {}),
        ("knock-out call, 252 fixings", KNOCK_OUT, peer.barrier, {}),
        ("American put, 50 exercises", PUT, peer.american, {"steps": 50}),
    )
    for name, payoff, theirs, changes in cases:
        found = price(payoff, **changes).price
        apart = abs(found.value - theirs()) / found.standard_error
        board.bound(f"{name}: apart, in standard errors of one", apart, 6.0)
        ours, others = beside_ms(lambda: price(payoff, **changes), theirs, runs=3)  # noqa: B023 timed here
        steps = changes.get("steps", STEPS)
        note = f"{ours * 1e6 / PATHS / steps:.1f} and {others * 1e6 / PATHS / steps:.0f} ns a step"
        board.speed(f"{name}: QuantLib", ours, others, GOAL, note=note)


def thousandth(board: Board) -> None:
    """Time what reaches a thousandth, as the root mean square error of 16 seeds."""
    peer = Peer()
    cases = (
        ("arithmetic Asian, sobol + bridge + geometric", AVERAGE, ASIAN, 50.0, 1024, 8),
        ("European, 252 steps, sobol + bridge + spot", CALL, closed_form(), 100.0, 4096, 8),
    )
    for name, payoff, truth, limit, paths, scrambles in cases:
        settings = {"sampling": "sobol", "control": "automatic", "paths": paths, "scrambles": scrambles}
        values = np.array([price(payoff, seed=seed, **settings).price.value for seed in range(SEEDS)])
        error = sqrt(float(((values / truth - 1.0) ** 2).mean()))
        board.bound(f"{name}, {paths} paths: relative error", error, THOUSANDTH)
        ours = cpu_ms(lambda: price(payoff, **settings))  # noqa: B023 timed here
        board.bound(f"{name}, {paths} paths: ms", ours, limit)
    values = np.array([peer.asian(seed, 2258, control=True) for seed in range(1, SEEDS + 1)])
    error = sqrt(float(((values / ASIAN - 1.0) ** 2).mean()))
    settings = {"sampling": "sobol", "control": "automatic", "paths": 1024, "scrambles": 8}
    ours, others = beside_ms(
        lambda: price(AVERAGE, **settings), lambda: peer.asian(1, 2258, control=True), runs=5
    )
    board.speed("Asian: QuantLib with its control", ours, others, None, note=f"its error {error:.1e}")


def memory(board: Board) -> None:
    """Measure what a million paths of 252 steps allocate at most, beside paths × steps of 2,000 MB."""
    tracemalloc.start()
    price(AVERAGE, paths=MILLION)
    most = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    board.bound("a million paths × 252 steps: MB at most", most, 8.0)


def portfolios() -> None:
    """Print what a path of a portfolio costs; no peer simulates the same thing."""
    for assets in (2, 20):
        covariance = 0.04 * (0.3 + 0.7 * np.eye(assets))
        moments = AnnualMoments(
            mean=np.full(assets, 0.06), covariance=covariance, convention=Convention.SIMPLE
        )
        problem = portfolio.PortfolioProblem(
            weights=(1.0 / assets,) * assets,
            model=GeometricBrownian(moments=moments),
            capital=1000.0,
            steps=120,
            periods_per_year=12.0,
            paths=20_000,
            seed=1,
        )
        spent = cpu_ms(lambda: portfolio_result.simulated(problem))  # noqa: B023 timed here
        each = spent * 1e6 / (problem.paths * problem.steps * assets)
        print(f"portfolio, {assets} assets, 20,000 × 120 months: {spent:.0f} ms, {each:.0f} ns a number")


def main() -> None:
    """Print speed, accuracy and memory; SystemExit where a bound is passed."""
    one_thread()
    board = Board()
    products(board)
    thousandth(board)
    memory(board)
    portfolios()
    board.close()
