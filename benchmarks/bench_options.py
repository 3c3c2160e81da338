"""Options beside QuantLib: prices and Greeks in closed form, implied volatility, American exercise.

    python -m benchmarks options

A million random options (strike 60 to 160 beside a spot of 100, 0.05 to 3 years, volatility 0.08 to 0.8).
QuantLib's calculators and engines take one at a time: they run over a part, and the time is scaled, it is
said so. Figures of both are held to each other.
"""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers import Board, beside_ms, cpu_ms, one_thread
from waardhaven.domain.quant.options.american import american
from waardhaven.domain.quant.options.contracts import Options
from waardhaven.domain.quant.options.implied_volatility import implied_volatility
from waardhaven.domain.quant.options.valuation import FIRST_ORDER, evaluate
from waardhaven.domain.types import Floats

MILLION, PART, EARLY, ENGINES = 1_000_000, 20_000, 2_000, 200
SPOT, RATE, YIELD = 100.0, 0.03, 0.01
GREEKS_GOAL, IMPLIED_GOAL = 50.0, 4.0
MEBIBYTE = 1 << 20


def options(count: int) -> Options:
    random = np.random.default_rng(2026)
    return Options.of(
        spot=SPOT,
        strike=random.uniform(60.0, 160.0, count),
        time=random.uniform(0.05, 3.0, count),
        volatility=random.uniform(0.08, 0.8, count),
        rate=RATE,
        dividend_yield=YIELD,
        is_call=random.random(count) < 0.5,
    )


class Peer:
    """QuantLib, one option at a time."""

    def __init__(self) -> None:
        import QuantLib as ql  # noqa: N813 its own documents name it so

        self.ql = ql

    def rows(self, of: Options) -> list[tuple[Any, float, float, float]]:
        """Return kind, strike, years and volatility of each option."""
        kinds = [self.ql.Option.Call if one else self.ql.Option.Put for one in of.is_call]
        return list(zip(kinds, of.strike.tolist(), of.time.tolist(), of.volatility.tolist(), strict=True))

    def figures(self, rows: list[tuple[Any, float, float, float]]) -> Floats:
        """Return price and five Greeks of each option by its BlackCalculator."""
        found = np.empty((len(rows), 6))
        for place, (kind, strike, years, volatility) in enumerate(rows):
            forward = SPOT * np.exp((RATE - YIELD) * years)
            discount = np.exp(-RATE * years)
            payoff = self.ql.PlainVanillaPayoff(kind, strike)
            at = self.ql.BlackCalculator(payoff, forward, volatility * years**0.5, discount)
            found[place] = (
                at.value(),
                at.delta(SPOT),
                at.gamma(SPOT),
                at.vega(years),
                at.theta(SPOT, years),
                at.rho(years),
            )
        return found

    def implied(self, rows: list[tuple[Any, float, float, float]], prices: Floats) -> Floats:
        """Return implied volatilities, NaN where its solver fails."""
        found = np.full(len(rows), np.nan)
        for place, (kind, strike, years, _) in enumerate(rows):
            forward, discount = SPOT * np.exp((RATE - YIELD) * years), np.exp(-RATE * years)
            try:
                total = self.ql.blackFormulaImpliedStdDev(
                    kind, strike, forward, float(prices[place]), discount, 0.0, 0.3, 1e-12
                )
            except RuntimeError:
                continue
            found[place] = total / years**0.5
        return found

    def early(self, of: Options) -> Callable[[], Floats]:
        """Return what prices American options by its engine of the same method, whole days to expiry."""
        ql, count = self.ql, self.ql.Actual365Fixed()
        today = ql.Date(2, 1, 2023)
        ql.Settings.instance().evaluationDate = today
        spot = ql.QuoteHandle(ql.SimpleQuote(SPOT))
        rate = ql.YieldTermStructureHandle(ql.FlatForward(today, RATE, count))
        paid = ql.YieldTermStructureHandle(ql.FlatForward(today, YIELD, count))

        def priced() -> Floats:
            found = np.empty(len(of))
            for place, (kind, strike, years, volatility) in enumerate(self.rows(of)):
                curve = ql.BlackConstantVol(today, ql.NullCalendar(), volatility, count)
                process = ql.BlackScholesMertonProcess(
                    spot, paid, rate, ql.BlackVolTermStructureHandle(curve)
                )
                exercise = ql.AmericanExercise(today, today + round(years * 365.0))
                option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), exercise)
                option.setPricingEngine(ql.QdFpAmericanEngine(process))
                found[place] = option.NPV()
            return found

        return priced


def closed_forms(board: Board, peer: Peer) -> None:
    every, part = options(MILLION), options(PART)
    rows = peer.rows(part)
    ours, others = beside_ms(lambda: evaluate(every), lambda: peer.figures(rows), runs=3)
    note = f"BlackCalculator, {PART:,} x {MILLION // PART}"
    board.speed("price, 5 Greeks, a million", ours, others * MILLION / PART, GREEKS_GOAL, note=note)
    prices = cpu_ms(lambda: evaluate(every, greeks=()))
    print(f"    price alone, a million: {prices:.0f} ms")
    theirs, found = peer.figures(rows), evaluate(part).values
    for place, name in enumerate(("price", *FIRST_ORDER)):
        scale = max(1.0, float(np.abs(theirs[:, place]).max()))
        gap = float(np.abs(found[name] - theirs[:, place]).max()) / scale
        board.bound(f"{name}: largest difference to QuantLib over the largest value", gap, 1e-12)


def implied(board: Board, peer: Peer) -> None:
    every, part = options(MILLION), options(PART)
    prices, few = (evaluate(one, greeks=()).values["price"] for one in (every, part))
    rows = peer.rows(part)
    ours, others = beside_ms(
        lambda: implied_volatility(every, prices), lambda: peer.implied(rows, few), runs=3
    )
    note = f"blackFormulaImpliedStdDev, {PART:,} x {MILLION // PART}"
    board.speed("implied volatility, a million", ours, others * MILLION / PART, IMPLIED_GOAL, note=note)
    found = implied_volatility(every, prices)
    known = found.reasons == 0
    again = evaluate(
        Options.of(
            spot=SPOT,
            strike=every.strike[known],
            time=every.time[known],
            volatility=found.volatility[known],
            rate=RATE,
            dividend_yield=YIELD,
            is_call=every.is_call[known],
        ),
        greeks=(),
    ).values["price"]
    error = float(np.abs(again - prices[known]).max()) / SPOT
    board.bound("repricing error over the spot", error, 1e-11)
    unknown = ~known & (prices - found.lowest > 1e-8)
    board.bound("options with time value above 1e-8 and no volatility", float(unknown.sum()), 0.0)
    print(f"    QuantLib finds none for {int(np.isnan(peer.implied(rows, few)).sum())} of {PART:,}")


def early_exercise(board: Board, peer: Peer) -> None:
    many, few = options(EARLY), options(ENGINES)
    days = np.round(few.time * 365.0) / 365.0
    few = Options.of(
        spot=SPOT,
        strike=few.strike,
        time=days,
        volatility=few.volatility,
        rate=RATE,
        dividend_yield=YIELD,
        is_call=few.is_call,
    )
    engine = peer.early(few)
    ours, others = beside_ms(lambda: american(many), engine, runs=3)
    note = f"QdFpAmericanEngine, {ENGINES} x {EARLY // ENGINES}"
    board.speed(f"American, {EARLY:,}", ours, others * EARLY / ENGINES, None, note=note)
    gap = float(np.abs(american(few).price - engine()).max()) / SPOT
    board.bound("American: largest difference to QuantLib over the spot", gap, 1e-6)


def memory(board: Board) -> None:
    every = options(MILLION)
    tracemalloc.start()
    evaluate(every)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    board.bound("MiB of price and 5 Greeks, a million (46 of them the answer)", peak / MEBIBYTE, 64.0)


def main() -> None:
    """Print speed, accuracy and memory; SystemExit where a bound is passed."""
    one_thread()
    board, peer = Board(), Peer()
    closed_forms(board, peer)
    implied(board, peer)
    early_exercise(board, peer)
    memory(board)
    board.close()
