"""What benches beside peers share: a made-up market, CPU time, one line for each figure, bounds."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from tests.factories import sample_inputs, sessions, some_inputs

from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.types import Floats

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
FACTORS, SEED = 10, 2026
QUICK = 0.2
"""Seconds of CPU that quick work is measured for at least."""


def cpu_ms(work: Callable[[], object], *, runs: int = 5) -> float:
    """Return the median CPU milliseconds of the process for ``work``; several runs come after one more.

    What is quick runs more often, a fifth of a second in all. One run is for peers that take long: theirs
    includes what the first run alone does.
    """
    if runs > 1:
        work()
    times: list[float] = []
    while len(times) < runs or (runs > 1 and sum(times) < QUICK * 1e3):
        times.append(_once(work))
    return statistics.median(times)


def beside_ms(ours: Callable[[], object], peer: Callable[[], object], *, runs: int) -> tuple[float, float]:
    """Return the median CPU milliseconds of both, ``runs`` of the peer with ours before and after each.

    A machine that others use is slow at some times and fast at others: both are measured at the same ones.
    """
    ours()
    own, others = _repeated(ours), []
    for _ in range(runs):
        others.append(_once(peer))
        own += _repeated(ours)
    return statistics.median(own), statistics.median(others)


def _repeated(work: Callable[[], object]) -> list[float]:
    times = [_once(work)]
    while sum(times) < QUICK * 1e3:
        times.append(_once(work))
    return times


def _once(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1e3


def one_thread() -> None:
    """Let every library compute in one thread, now and in what is imported later."""
    for name in ONE_THREAD:
        os.environ[name] = "1"
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


def factor_returns(assets: int, rows: int, *, seed: int = SEED) -> Floats:
    """Return daily log returns (rows, assets) of a market of 10 factors with Student-t moves.

    Annual volatility about 0.32 in the middle, mean correlation about 0.23.
    """
    rng = np.random.default_rng(seed)
    factors = rng.standard_t(5, (rows, FACTORS)) * np.sqrt(3 / 5)
    loading = np.abs(rng.normal(0.5, 0.2, (FACTORS, assets))) * 0.0055
    loading[0] += 0.004
    own = rng.standard_t(5, (rows, assets)) * np.sqrt(3 / 5) * rng.uniform(0.012, 0.022, assets)
    return np.clip(factors @ loading * 0.7 + own + 0.0003, -0.4, 0.4)


def market(assets: int) -> IndexInputs:
    """Return the sample market (20 x 8,313) or a made-up one of 5,000 sessions."""
    if assets == 20:
        return sample_inputs()
    close = 50.0 * np.exp(np.add.accumulate(factor_returns(assets, 5000), axis=0))
    return some_inputs(close, axis=sessions(5000, "2000-01-03"))


@dataclass(slots=True)
class Board:
    """Prints figures as they come and remembers the bounds that were passed."""

    broken: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def speed(self, name: str, ours: float, peer: float, goal: float | None, *, note: str = "") -> None:
        """Print CPU milliseconds of both and how many times longer the peer takes."""
        ratio = peer / ours
        verdict = "" if goal is None else f"goal {goal:4g} x  {'met' if ratio >= goal else 'missed'}"
        if goal is not None and ratio < goal:
            self.missed.append(name)
        print(
            f"{name:46} {ours:10.2f} ms {peer:12.1f} ms {ratio:8.1f} x  {verdict:20} {note}".rstrip(),
            flush=True,
        )

    def bound(self, name: str, value: float, limit: float, *, note: str = "") -> None:
        """Print a figure beside the largest value it may have."""
        kept = value <= limit
        if not kept:
            self.broken.append(f"{name}: {value:.2g} > {limit:g}")
        print(
            f"    {name:64} {value:9.2g}  bound {limit:g}{'' if kept else '  BROKEN'}  {note}".rstrip(),
            flush=True,
        )

    def close(self) -> None:
        """Print the goals of speed that were missed; raise SystemExit where a bound was passed."""
        print(f"speed goals missed: {', '.join(self.missed) or 'none'}; load {os.getloadavg()[0]:.1f}")
        if self.broken:
            raise SystemExit(f"Beyond its bound: {'; '.join(self.broken)}")
