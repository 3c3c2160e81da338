"""One optimisation beside the libraries people use: accuracy against Clarabel first, then CPU time.

    python -m benchmarks peers_optimisers [20] [100] [500] [frontier]

Windows of 756 sessions of a seeded factor model, Ledoit-Wolf covariance, long only. Peers include the set-up
of their model, which is what a user waits for; skfolio and ffn estimate the covariance inside, so their
rows let ours estimate it too. Accuracy: the relative gap of the objective, the largest difference of a
weight and the largest violation of a constraint, against Clarabel at 1e-12 with the Hessian scaled to a
unit diagonal, and the active set it ends at solved exactly. PyPortfolioOpt rounds correlations to six digits
before it builds its tree, which changes the order of many names; its allocation is compared along the tree
of the correlations as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers import Board, beside_ms, cpu_ms, factor_returns, one_thread
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.quant.covariance import ledoit_wolf
from waardhaven.domain.quant.hierarchy import hierarchical_risk_parity
from waardhaven.domain.quant.markowitz.constraints import Constraints
from waardhaven.domain.quant.markowitz.efficient_frontier import efficient_frontier
from waardhaven.domain.quant.markowitz.moments import Moments
from waardhaven.domain.quant.markowitz.objectives import optimise
from waardhaven.domain.quant.markowitz.problem import Problem
from waardhaven.domain.quant.optimal_weights import highest_ratio, minimum_variance
from waardhaven.domain.quant.risk_budgeting import contributions, equal_risk
from waardhaven.domain.types import Floats

WINDOW, YEAR = 756, 252
SECTORS, SECTOR_CAP, CAP = 11, 0.12, 0.1
GAP, WEIGHT, SPREAD, VIOLATION = 1e-9, 1e-8, 1e-9, 1e-12
POINTS, RESIDUAL, PEER_GAP = 50, 1e-10, 1e-7
FEW = {20: 9, 100: 7, 500: 3}
"""Runs of ours and, where they are quick, of peers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A window of n names: returns (T, n), their covariance a session, expected returns a session."""

    returns: Floats
    covariance: Floats
    expected: Floats

    @classmethod
    def of(cls, names: int) -> "Case":
        """Return the case of n names."""
        returns = np.expm1(factor_returns(names, WINDOW))
        return cls(returns=returns, covariance=ledoit_wolf(returns), expected=returns.mean(axis=0))

    @property
    def size(self) -> int:
        return len(self.covariance)

    @property
    def frame(self) -> Any:
        """Returns as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.returns, columns=[f"A{i}" for i in range(self.size)])


def sectors(names: int) -> Limits:
    """Return a cap on every name and on each of 11 sectors."""
    member = np.arange(names) % SECTORS == np.arange(SECTORS)[:, None]
    return Limits(
        lower=np.zeros(names),
        upper=np.full(names, max(CAP, 2.0 / names)),
        member=member,
        cap=np.full(SECTORS, SECTOR_CAP),
    )


def clarabel(
    hessian: Floats, row: Floats, rows: Floats, ceilings: Floats, upper: Floats | None = None
) -> Floats:
    """Minimise x'Hx / 2 with row'x = 1, rows x <= ceilings, 0 <= x (<= upper), by Clarabel at 1e-12."""
    import clarabel as solver
    from scipy import sparse

    n = len(hessian)
    scale = 1.0 / np.sqrt(hessian.diagonal())
    unit, scale = scale.mean(), scale / scale.mean()
    above = np.zeros((0, n)) if upper is None else np.eye(n)
    tops = np.zeros(0) if upper is None else upper
    matrix = np.vstack([row[None, :], rows, above, -np.eye(n)]) * scale
    bounds = np.concatenate([[1.0], ceilings, tops, np.zeros(n)])
    settings = solver.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    scaled = np.triu(hessian * scale * scale[:, None]) * unit**2
    cones = [solver.ZeroConeT(1), solver.NonnegativeConeT(len(bounds) - 1)]
    found = solver.DefaultSolver(
        sparse.csc_matrix(scaled), np.zeros(n), sparse.csc_matrix(matrix), bounds, cones, settings
    ).solve()
    x = _polished(scaled + np.triu(scaled, 1).T, matrix, bounds, found)
    solved: Floats = x * scale
    return solved


def _polished(hessian: Floats, matrix: Floats, bounds: Floats, found: Any) -> Floats:
    """Return the exact solution of the active set that the solver ended at, if it keeps every constraint."""
    x, slack, dual = (np.array(one) for one in (found.x, found.s, found.z))
    active = dual > slack
    active[0] = True
    rows, n = matrix[active], len(x)
    system = np.block([[hessian, rows.T], [rows, np.zeros((len(rows), len(rows)))]])
    exact: Floats = np.linalg.lstsq(system, np.concatenate([np.zeros(n), bounds[active]]), rcond=None)[0][:n]
    kept = (matrix[1:] @ exact <= bounds[1:] + 1e-12).all()
    return exact if kept else x


def apart(board: Board, name: str, ours: Floats, exact: Floats, worth: Callable[[Floats], float]) -> None:
    """Hold our weights against Clarabel's: the gap is how much worse ours is than the reference."""
    gap = (worth(ours) - worth(exact)) / abs(worth(exact))
    board.bound(f"{name}: objective gap", gap, GAP)
    board.bound(f"{name}: weights", float(np.abs(ours - exact).max()), WEIGHT)


def broken(weights: Floats, limits: Limits) -> float:
    """Return the largest violation of the sum, the bounds or the groups."""
    gaps = [abs(weights.sum() - 1.0), (limits.lower - weights).max(), (weights - limits.upper).max()]
    return float(max(*gaps, *(limits.member @ weights - limits.cap), 0.0))


def frontier(case: Case, *, upper: float = 1.0, solver: str | None = None) -> Any:
    """Return PyPortfolioOpt's model of a case, a year being 252 sessions."""
    from pypfopt import EfficientFrontier

    return EfficientFrontier(
        case.expected * YEAR, case.covariance * YEAR, weight_bounds=(0.0, upper), solver=solver
    )


def lowest_variance(board: Board, case: Case) -> None:
    """Minimum variance beside PyPortfolioOpt."""
    n, free = case.size, Limits.free(case.size)
    runs = FEW[n]
    ours = minimum_variance(case.covariance, free)
    exact = clarabel(case.covariance, np.ones(n), np.zeros((0, n)), np.zeros(0))
    took = cpu_ms(lambda: minimum_variance(case.covariance, free), runs=runs)
    peer = cpu_ms(lambda: frontier(case).min_volatility(), runs=runs)
    board.speed(f"{n} minimum variance: PyPortfolioOpt", took, peer, 10 if n <= 100 else 50)
    apart(board, f"{n} minimum variance", ours, exact, lambda w: float(w @ case.covariance @ w))
    board.bound(f"{n} minimum variance: violation", broken(ours, free), VIOLATION)


def highest_sharpe(board: Board, case: Case) -> None:
    """Highest Sharpe ratio beside PyPortfolioOpt, without a riskless rate."""
    n, free = case.size, Limits.free(case.size)
    runs = FEW[n]
    ours = highest_ratio(case.covariance, case.expected, free)
    best = case.expected.max()
    exact = clarabel(case.covariance, case.expected / best, np.zeros((0, n)), np.zeros(0))
    exact = exact / exact.sum()
    took = cpu_ms(lambda: highest_ratio(case.covariance, case.expected, free), runs=runs)
    peer = cpu_ms(lambda: frontier(case).max_sharpe(risk_free_rate=0.0), runs=1 if n == 500 else runs)
    note = "once" if n == 500 else ""
    board.speed(f"{n} highest Sharpe: PyPortfolioOpt", took, peer, 10 if n <= 100 else 50, note=note)

    def worth(weights: Floats) -> float:
        return float(-(case.expected @ weights) / np.sqrt(weights @ case.covariance @ weights))

    apart(board, f"{n} highest Sharpe", ours, exact, worth)
    board.bound(f"{n} highest Sharpe: violation", broken(ours, free), VIOLATION)


def capped_sectors(board: Board, case: Case) -> None:
    """Minimum variance with caps on names and sectors beside PyPortfolioOpt."""
    n, limits = case.size, sectors(case.size)
    runs = FEW[n]
    ours = minimum_variance(case.covariance, limits)
    exact = clarabel(case.covariance, np.ones(n), limits.member.astype(np.float64), limits.cap, limits.upper)
    took = cpu_ms(lambda: minimum_variance(case.covariance, limits), runs=runs)

    def run() -> None:
        model = frontier(case, upper=float(limits.upper[0]))
        for row, cap in zip(limits.member.astype(np.float64), limits.cap, strict=True):
            model.add_constraint(lambda w, row=row, cap=cap: row @ w <= cap)
        model.min_volatility()

    peer = cpu_ms(run, runs=runs)
    board.speed(f"{n} sector caps: PyPortfolioOpt", took, peer, 5 if n <= 100 else 3)
    apart(board, f"{n} sector caps", ours, exact, lambda w: float(w @ case.covariance @ w))
    board.bound(f"{n} sector caps: violation", broken(ours, limits), VIOLATION)


def equal_contributions(board: Board, case: Case) -> None:
    """Equal risk contributions beside ffn (what bt calls) and skfolio, covariance included for all."""
    import ffn
    from skfolio.moments import LedoitWolf
    from skfolio.optimization import RiskBudgeting
    from skfolio.prior import EmpiricalPrior

    n, frame = case.size, case.frame
    runs = FEW[n]
    alone = cpu_ms(lambda: equal_risk(case.covariance), runs=runs)
    took = cpu_ms(lambda: equal_risk(ledoit_wolf(case.returns)), runs=runs)
    peer = cpu_ms(lambda: ffn.calc_erc_weights(frame), runs=runs)
    board.speed(f"{n} equal risk, solver: bt/ffn", alone, peer, 10, note="theirs estimates too")
    board.speed(f"{n} equal risk, both estimate: bt/ffn", took, peer, None)
    model = RiskBudgeting(prior_estimator=EmpiricalPrior(covariance_estimator=LedoitWolf()))
    peer = cpu_ms(lambda: model.fit(frame), runs=1 if n == 500 else 3)
    board.speed(f"{n} equal risk: skfolio", took, peer, 50, note="once" if n == 500 else "")
    ours = equal_risk(case.covariance)
    share = contributions(case.covariance, ours)
    board.bound(f"{n} equal risk: spread of contributions, relative", float(np.ptp(share) * n), SPREAD)
    board.bound(f"{n} equal risk: violation", broken(ours, Limits.free(n)), VIOLATION)


def hierarchical(board: Board, case: Case) -> None:
    """Hierarchical risk parity beside PyPortfolioOpt and skfolio."""
    from pypfopt import HRPOpt
    from skfolio.optimization import HierarchicalRiskParity

    n, frame = case.size, case.frame
    runs = FEW[n]
    took = cpu_ms(lambda: hierarchical_risk_parity(case.covariance), runs=runs)
    labelled = frame.cov() * 0.0 + case.covariance
    goal = 10 if n == 20 else 25
    once = 1 if n == 500 else 3

    def run() -> Any:
        return HRPOpt(cov_matrix=labelled).optimize()

    peer = cpu_ms(run, runs=once)
    board.speed(f"{n} hierarchical: PyPortfolioOpt", took, peer, goal, note="once" if n == 500 else "")
    peer = cpu_ms(lambda: HierarchicalRiskParity().fit(frame), runs=once)
    board.speed(f"{n} hierarchical: skfolio", took, peer, goal, note="once" if n == 500 else "")
    ours, order = hierarchical_risk_parity(case.covariance), tree_order(case.covariance)
    theirs = HRPOpt._raw_hrp_allocation(labelled, [frame.columns[one] for one in order])  # noqa: SLF001
    exact = theirs[frame.columns].to_numpy()
    board.bound(f"{n} hierarchical: weights, PyPortfolioOpt's", float(np.abs(ours - exact).max()), WEIGHT)


def portfolios(board: Board, case: Case) -> None:
    """Whole answers of least variance and highest Sharpe (risk, duals, residual) beside PyPortfolioOpt."""
    n, runs, problem = case.size, FEW[case.size], problem_of(case)
    goal = 10 if n <= 100 else 50
    for title, objective, run in (
        ("minimum variance", "minimum_variance", lambda: frontier(case).min_volatility()),
        ("highest Sharpe", "maximum_sharpe", lambda: frontier(case).max_sharpe(risk_free_rate=0.0)),
    ):
        once = n == 500 and objective == "maximum_sharpe"
        ours = partial(optimise, objective, problem)
        took, peer = beside_ms(ours, run, runs=1 if once else runs)
        name = f"{n} {title}, whole answer: PyPortfolioOpt"
        board.speed(name, took, peer, goal, note="once" if once else "")
        board.bound(f"{n} {title}: KKT residual", ours().residual or 0.0, RESIDUAL)


def problem_of(case: Case) -> Problem:
    """Return the long-only problem of a case, a year being 252 sessions."""
    names = tuple(f"A{at}" for at in range(case.size))
    moments = Moments.given(
        expected=case.expected, covariance=case.covariance, names=names, periods_per_year=YEAR
    )
    return Problem(moments=moments, limits=Constraints.long_only(case.size))


def whole_frontier(board: Board, case: Case) -> None:
    """50 points of the frontier beside PyPortfolioOpt (by Clarabel: OSQP stops early) and skfolio."""
    n, problem = case.size, problem_of(case)
    once = 1 if n == 500 else 3
    note = "once" if n == 500 else ""
    took = cpu_ms(lambda: efficient_frontier(problem, POINTS), runs=FEW[n])
    ours = efficient_frontier(problem, POINTS)
    theirs: list[Floats] = []

    def run() -> None:
        theirs.clear()
        model = frontier(case, solver="CLARABEL")
        for target in ours.expected_returns[:-1]:
            model.efficient_return(float(target))
            theirs.append(np.asarray(model.weights))

    peer = cpu_ms(run, runs=once)
    goal = {20: 5, 100: 20, 500: 200}[n]
    board.speed(f"{n} frontier of {POINTS}: PyPortfolioOpt", took, peer, goal, note=note)
    board.speed(f"{n} frontier of {POINTS}: skfolio", took, skfolio_frontier(case, once), None, note=note)
    spread = problem.moments.covariance
    gaps = [(ours.volatilities[at] ** 2 - w @ spread @ w) / (w @ spread @ w) for at, w in enumerate(theirs)]
    board.bound(f"{n} frontier: variance above PyPortfolioOpt's at its return", max(gaps), PEER_GAP)
    board.bound(f"{n} frontier: KKT residual of every corner", ours.residual, RESIDUAL)


def skfolio_frontier(case: Case, runs: int) -> float:
    """Return the CPU milliseconds of skfolio for a frontier of as many points."""
    from skfolio.moments import LedoitWolf
    from skfolio.optimization import MeanRisk
    from skfolio.prior import EmpiricalPrior

    frame = case.frame
    prior = EmpiricalPrior(covariance_estimator=LedoitWolf())
    model = MeanRisk(prior_estimator=prior, efficient_frontier_size=POINTS)
    return cpu_ms(lambda: model.fit(frame), runs=runs)


def tree_order(covariance: Floats) -> list[int]:
    """Return the order of PyPortfolioOpt's tree, of correlations that are not rounded."""
    from scipy.cluster.hierarchy import linkage, to_tree
    from scipy.spatial.distance import squareform

    deviation = np.sqrt(covariance.diagonal())
    distance = np.sqrt(np.clip((1.0 - covariance / np.outer(deviation, deviation)) / 2.0, 0.0, 1.0))
    order: list[int] = to_tree(linkage(squareform(distance, checks=False), "single")).pre_order()
    return order


WORKS = (lowest_variance, highest_sharpe, capped_sectors, equal_contributions, hierarchical)
OF_PORTFOLIOS = (portfolios, whole_frontier)


def main(arguments: list[str]) -> None:
    """Run for the numbers of names given, all without; ``frontier``: whole answers and frontiers alone."""
    one_thread()
    board = Board()
    print(f"{'problem: peer; CPU medians, one thread':46} {'ours':>13} {'peer':>15} {'peer/ours':>10}")
    works = OF_PORTFOLIOS if "frontier" in arguments else WORKS + OF_PORTFOLIOS
    for count in [int(one) for one in arguments if one.isdigit()] or list(FEW):
        case = Case.of(count)
        for work in works:
            work(board, case)
    board.close()


if __name__ == "__main__":
    main([])
