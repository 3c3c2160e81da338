"""Money-weighted returns of 10,000 sets beside pyxirr and scipy: what both find first, then CPU time.

    python -m benchmarks cash_flows

Sets of 5 to 60 payments on days of up to 15 years, nine of ten paid in; the last one is what makes the
payments worth nothing at a rate from -25 % to 50 %, so that this rate is known to be one. Where several
rates solve a set, ours tells the one nearest 0 and says how many there are; pyxirr tells one of them.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from benchmarks.peers import SEED, Board, beside_ms, cpu_ms, one_thread
from waardhaven.domain.metrics.cash_flows import CashFlows, MoneyWeightedColumns, money_weighted_returns
from waardhaven.domain.types import Days, Floats

SETS, FEWER = 10_000, 1_000
"""Sets of a run, and of scipy's, which is scaled."""
PAID_OUT = 0.1
RESIDUAL, RATE = 1e-12, 1e-9
LOWEST, HIGHEST = -0.999999, 1e6
"""The bracket that Brent's method is given, as rates."""

Lists = list[tuple[list[date], list[float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Flat columns, the same as arrays and as lists of each set, and a rate that solves each."""

    flows: CashFlows
    arrays: list[tuple[Days, Floats]]
    lists: Lists
    rate: Floats

    @classmethod
    def of(cls, sets: int) -> "Case":
        """Return a seeded case."""
        rng = np.random.default_rng(SEED)
        rate, arrays = rng.uniform(-0.25, 0.5, sets), []
        for count, grown in zip(rng.integers(5, 61, sets), rate, strict=True):
            day = np.sort(rng.integers(0, rng.integers(200, 365 * 15), count))
            flow = -np.round(rng.lognormal(7.0, 1.0, count), 2)
            flow[1:] *= np.where(rng.random(count - 1) < PAID_OUT, -1.0, 1.0)
            day[0], day[-1] = 0, day[-1] + 1
            flow[-1] = -(flow[:-1] * (1.0 + grown) ** ((day[-1] - day[:-1]) / 365.0)).sum()
            arrays.append((np.datetime64("2005-01-01") + day, flow))
        lists = [(day.tolist(), flow.tolist()) for day, flow in arrays]
        return cls(flows=CashFlows.of(arrays), arrays=arrays, lists=lists, rate=rate)


def residual(case: Case, found: MoneyWeightedColumns) -> float:
    """Return the largest present worth at the rate found, over the payments' sizes as they are paid."""
    of, first = case.flows.set_of, case.flows.offset[:-1]
    year = (case.flows.day - case.flows.day[first][of]).astype(np.float64) / 365.0
    worth = case.flows.amount * np.exp(-np.log1p(found.rate)[of] * year)
    left, paid = np.add.reduceat(worth, first), np.add.reduceat(np.abs(case.flows.amount), first)
    return float((np.abs(left) / paid).max())


def accuracy(board: Board, case: Case) -> None:
    """Hold our rates against the known ones, and count where pyxirr tells another."""
    import pyxirr

    found = money_weighted_returns(case.flows)
    board.bound("rate: residual over gross flows", residual(case, found), RESIDUAL)
    one = found.roots == 1
    board.bound(
        "rate: the known one, where ours says it is alone", _apart(found.rate[one], case.rate[one]), RATE
    )
    nearer = np.abs(found.rate) <= np.abs(case.rate) + RATE
    board.bound("sets where the rate told is not the nearest to 0", float((~nearer).sum()), 0.0)
    theirs = np.array([pyxirr.xirr(*one) for one in case.lists], dtype=np.float64)
    both = one & np.isfinite(theirs)
    print(
        f"    {SETS} sets, {len(case.flows.amount)} payments; several rates, all told: {int((~one).sum())}; "
        f"pyxirr tells another than the known rate in {int((np.abs(theirs - case.rate) > RATE).sum())}, "
        f"at most {_apart(theirs[both], found.rate[both]):.1e} from ours where there is one"
    )


def _apart(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).max())


def brent(case: Case, sets: int) -> int:
    """Solve the first sets one by one with scipy's brentq; return how many it can not bracket."""
    from scipy.optimize import brentq

    failed = 0
    for day, flow in case.arrays[:sets]:
        year = (day - day[0]).astype(np.float64) / 365.0
        try:
            brentq(lambda rate, f=flow, t=year: float((f * (1.0 + rate) ** -t).sum()), LOWEST, HIGHEST)
        except ValueError:
            failed += 1
    return failed


def speed(board: Board, case: Case) -> None:
    """Time the same sets as flat columns, as arrays of each set and as Python lists."""
    import pyxirr

    whole = case.flows

    def solved() -> MoneyWeightedColumns:
        return money_weighted_returns(CashFlows(amount=whole.amount, day=whole.day, offset=whole.offset))

    def over_arrays() -> object:
        return [pyxirr.xirr(*one) for one in case.arrays]

    def over_lists() -> object:
        return [pyxirr.xirr(*one) for one in case.lists]

    flat, peer = beside_ms(solved, over_arrays, runs=9)
    board.speed("flat columns: pyxirr over arrays", flat, peer, 1.0)
    ours, peer = beside_ms(lambda: money_weighted_returns(CashFlows.of(case.arrays)), over_arrays, runs=9)
    board.speed("arrays of each set: pyxirr", ours, peer, 0.7)
    ours, peer = beside_ms(lambda: money_weighted_returns(CashFlows.of(case.lists)), over_lists, runs=9)
    board.speed("lists of dates and floats: pyxirr", ours, peer, 0.7)
    failed, scale = brent(case, FEWER), SETS / FEWER
    loop = cpu_ms(lambda: brent(case, FEWER), runs=1) * scale
    board.speed("flat columns: brentq loop", flat, loop, 10.0, note=f"x {scale:g}; {failed} not bracketed")


def main() -> None:
    """Print accuracy, then times; SystemExit where a bound is passed."""
    one_thread()
    board, case = Board(), Case.of(SETS)
    accuracy(board, case)
    speed(board, case)
    board.close()
