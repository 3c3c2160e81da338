"""Rules over a whole history beside bt and skfolio: equal levels first, then CPU time.

    python -m benchmarks peers_engine [20] [500] [3000]

20 x 8,313 is the packaged sample market, 500 and 3,000 x 5,000 a seeded factor model. Every rule is
reviewed monthly and takes effect at the close of the month's first session; between reviews weights drift;
fractional units, no cost. Ours is timed without the search for outliers and stale prices, which a stored
build pays for and no peer does; the time with it stands below. Weights are selected from data up to the
session before: bt selects and trades at one close, so its own selectors and weighers (ffn's functions,
PyPortfolioOpt) are given the window that ends one session earlier. The work is the same, only the window
is cut by sessions instead of by calendar.

skfolio's WalkForward trades at the last close before the month and can not select a session earlier, so
only its time stands here, with the drift of weights switched on. Peers that take long run once or over the
last months alone, and the figure is scaled: it is said so. Of 500 names PyPortfolioOpt's solver leaves the
level of minimum variance about 4e-5 off, so there bt is given our weights; the weights themselves are held
against Clarabel's by `peers_optimisers`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.factories import a_definition

from benchmarks.peers import Board, beside_ms, cpu_ms, market, one_thread
from waardhaven.domain.index.build import IndexHistory, build_index, compute
from waardhaven.domain.index.definition import Adjustment, Constraints, Guards, IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.types import Floats

WINDOW, MOMENTUM, BEST, CAP = 252, 126, 0.2, 0.1
EQUAL_LEVELS = 1e-9
SKFOLIO = 500
"""Names up to which skfolio is timed, too."""
OPEN_GUARDS = Guards(min_price=0.0, min_daily_return=-1.0, max_daily_return=10.0)
"""Nothing a peer does not do: signals see every return as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of ours and what peers call it; goals by number of assets: how many times faster than bt."""

    title: str
    strategy: str
    params: dict[str, object]
    goals: dict[int, float]
    skfolio: str | None
    max_weight: float = 1.0
    part: int | None = None

    def definition(self, inputs: IndexInputs) -> IndexDefinition:
        """Return the definition, from the first session of the month after a window and some."""
        months = inputs.panel.days.astype("datetime64[M]")
        firsts = np.flatnonzero(months[1:] != months[:-1]) + 1
        base = inputs.panel.days[firsts[firsts > WINDOW + 12][0]]
        return a_definition(
            self.strategy,
            self.params,
            base=base,
            frequency=Frequency.MONTHLY,
            adjustment=Adjustment.ALL,
            guards=OPEN_GUARDS,
            constraints=Constraints(max_weight=self.max_weight),
        )


_COVARIANCE: dict[str, object] = {"lookback": WINDOW, "covariance": "ledoit_wolf"}
RULES = (
    Rule(
        title="equal weight",
        strategy="equal_weight",
        params={},
        goals={20: 200, 500: 500, 3000: 500},
        skfolio="EqualWeighted",
    ),
    Rule(
        title="momentum, best fifth of 126 sessions",
        strategy="momentum",
        params={"lookback": MOMENTUM, "threshold": -1.0, "method": "equal", "top": BEST},
        goals={20: 200, 500: 500, 3000: 500},
        skfolio=None,
    ),
    Rule(
        title="inverse volatility, 252",
        strategy="inverse_volatility",
        params={"lookback": WINDOW},
        goals={20: 100, 500: 300},
        skfolio="InverseVolatility",
    ),
    Rule(
        title="equal risk contributions, 252",
        strategy="equal_risk",
        params=_COVARIANCE,
        goals={20: 30, 500: 10},
        skfolio="RiskBudgeting",
        part=6,
    ),
    Rule(
        title="minimum variance, 0-10 %, 252",
        strategy="minimum_variance",
        params=_COVARIANCE,
        goals={20: 30, 500: 20},
        skfolio="MeanRisk",
        max_weight=CAP,
        part=12,
    ),
)


def frame(inputs: IndexInputs) -> Any:
    """Return closes as a pandas DataFrame."""
    import pandas as pd

    names = [f"A{one}" for one in inputs.panel.assets.tolist()]
    return pd.DataFrame(inputs.panel.close, index=pd.DatetimeIndex(inputs.panel.days), columns=names)


def weigher(rule: Rule, tolerance: float) -> Callable[[Any], Any]:
    """Return what gives weights (a pandas Series) from the prices of a window, by ffn or PyPortfolioOpt."""
    import ffn
    import pandas as pd

    def inverse_volatility(prices: Any) -> Any:
        return ffn.calc_inv_vol_weights(prices.to_returns().dropna())

    def equal_risk(prices: Any) -> Any:
        most = 100 if tolerance >= 1e-8 else 10_000
        return ffn.calc_erc_weights(
            prices.to_returns().dropna(), maximum_iterations=most, tolerance=tolerance
        )

    def minimum_variance(prices: Any) -> Any:
        from pypfopt import EfficientFrontier
        from pypfopt.risk_models import CovarianceShrinkage

        covariance = CovarianceShrinkage(prices).ledoit_wolf()
        frontier = EfficientFrontier(None, covariance, weight_bounds=(0.0, CAP))
        frontier.min_volatility()
        return pd.Series(frontier.weights, index=prices.columns)

    return {
        "inverse_volatility": inverse_volatility,
        "equal_risk": equal_risk,
        "minimum_variance": minimum_variance,
    }[rule.strategy]


def given(result: IndexHistory, names: Any) -> dict[Any, Any]:
    """Return our weights by the day they take effect."""
    import pandas as pd

    held = result.compositions
    places = zip(held.offset[:-1], held.offset[1:], held.effective, strict=True)
    return {
        pd.Timestamp(day): pd.Series(held.weight[a:b], index=names[held.asset[a:b] - 1])
        for a, b, day in places
    }


def bt_levels(
    rule: Rule,
    prices: Any,
    base: Any,
    *,
    tolerance: float = 1e-8,
    weights: dict[Any, Any] | None = None,
) -> Floats:
    """Return bt's levels of a rule from the base date on; ``weights`` by day: those and no others."""
    import bt
    import ffn
    import pandas as pd

    def before(target: Any, rows: int) -> Any:
        return target.universe[prices.columns].iloc[-rows - 2 : -1]  # its last row is today's

    class PastReturn(bt.Algo):
        """bt's StatTotalReturn, over sessions."""

        def __call__(self, target: Any) -> bool:
            target.temp["stat"] = ffn.calc_total_return(before(target, MOMENTUM))
            return True

    class WeighPast(bt.Algo):
        """bt's weighers, over sessions."""

        def __call__(self, target: Any) -> bool:
            if weights is not None:
                target.temp["weights"] = weights[target.now]
            else:
                target.temp["weights"] = weigh(before(target, WINDOW)).dropna()
            return True

    if rule.strategy == "equal_weight":
        select = [bt.algos.SelectAll(), bt.algos.WeighEqually()]
    elif rule.strategy == "momentum":
        count = max(int(BEST * prices.shape[1] + 1e-9), 1)
        select = [bt.algos.SelectAll(), PastReturn(), bt.algos.SelectN(count), bt.algos.WeighEqually()]
    else:
        weigh = weigher(rule, tolerance)
        select = [WeighPast()]
    when = [bt.algos.RunMonthly(), bt.algos.RunAfterDate(pd.Timestamp(base) - pd.Timedelta(days=1))]
    strategy = bt.Strategy(rule.title, [*when, *select, bt.algos.Rebalance()])
    test = bt.Backtest(strategy, prices, integer_positions=False, progress_bar=False)
    found = bt.run(test).prices[rule.title]
    levels: Floats = found.loc[pd.Timestamp(base) :].to_numpy()
    return levels


def skfolio_run(rule: Rule, returns: Any) -> Callable[[], object]:
    """Return a walk forward of skfolio: monthly, one year of sessions, weights that drift."""
    from skfolio import optimization
    from skfolio.model_selection import WalkForward, cross_val_predict
    from skfolio.moments import LedoitWolf
    from skfolio.prior import EmpiricalPrior

    params: dict[str, object] = {"portfolio_params": {"weight_drift": True}}
    if rule.skfolio in {"RiskBudgeting", "MeanRisk"}:
        params["prior_estimator"] = EmpiricalPrior(covariance_estimator=LedoitWolf())
    if rule.skfolio == "MeanRisk":
        params["max_weights"] = CAP
    model = getattr(optimization, str(rule.skfolio))(**params)
    walk = WalkForward(test_size=1, train_size=12, freq="MS")
    return lambda: cross_val_predict(model, returns, cv=walk)


def apart(ours: IndexHistory, peer: Floats) -> float:
    """Return the largest relative difference of two histories that begin at the same base."""
    level = ours.levels.level / ours.levels.level[0]
    return float(np.abs(level / (peer / peer[0]) - 1.0).max())


def beside_bt(board: Board, rule: Rule, inputs: IndexInputs) -> float:
    """Print time and distance beside bt; return our milliseconds."""
    prices, definition, count = frame(inputs), rule.definition(inputs), len(inputs.panel.assets)
    result, found = compute(definition, inputs).history, []
    base = definition.base_date

    def run() -> None:
        found.append(bt_levels(rule, prices, base))

    runs = 3 if count == 20 else 1
    ours, peer = beside_ms(lambda: compute(definition, inputs), run, runs=runs)
    board.speed(f"{count} {rule.title}: bt", ours, peer, rule.goals[count], note="" if runs > 1 else "once")
    levels, name = found[-1], "level, relative to bt"
    if rule.strategy == "equal_risk":
        levels, name = bt_levels(rule, prices, base, tolerance=1e-24), "level, relative to bt at 1e-24"
    if rule.strategy == "minimum_variance" and count > 20:
        own = given(result, prices.columns)
        levels, name = bt_levels(rule, prices, base, weights=own), "level, relative to bt with our weights"
    board.bound(f"{count} {rule.title}: {name}", apart(result, levels), EQUAL_LEVELS)
    flagged = cpu_ms(lambda: build_index(definition, inputs), runs=3)
    print(f"    {'with the flags of its data, which no peer looks for':64} {flagged:9.2f} ms")
    return ours


def beside_skfolio(board: Board, rule: Rule, inputs: IndexInputs, ours: float) -> None:
    """Print time beside skfolio's walk forward, of a part of the months where all would take long."""
    count = len(inputs.panel.assets)
    returns = frame(inputs).pct_change().dropna()
    months = len(np.unique(inputs.panel.days.astype("datetime64[M]"))) - 12
    part, note = months, "once"
    if rule.part is not None and count > 20:
        part, note = rule.part, f"scaled from {rule.part} of {months} months"
        returns = returns.iloc[-(part + 13) * 21 :]
        months_left = len(np.unique(returns.index.to_numpy().astype("datetime64[M]"))) - 12
        part = max(months_left - 1, 1)
        note = f"scaled from {part} of {months} months"
    peer = cpu_ms(skfolio_run(rule, returns), runs=1) * months / part
    board.speed(f"{count} {rule.title}: skfolio", ours, peer, 50, note=note)


def main(arguments: list[str]) -> None:
    """Run for the numbers of assets named, all three without; 3,000 names beside bt alone."""
    one_thread()
    board = Board()
    print(f"{'rule: peer; CPU medians, one thread':46} {'ours':>13} {'peer':>15} {'peer/ours':>10}")
    for count in [int(one) for one in arguments] or [20, 500, 3000]:
        inputs = market(count)
        for rule in (one for one in RULES if count in one.goals):
            ours = beside_bt(board, rule, inputs)
            if rule.skfolio is not None and count <= SKFOLIO:
                beside_skfolio(board, rule, inputs, ours)
    board.close()


if __name__ == "__main__":
    main([])
