"""The stationary bootstrap: series of the past drawn anew in blocks, so that what depends in time still does.

D. N. Politis and J. P. Romano, "The Stationary Bootstrap", Journal of the American Statistical Association
89 (1994), section 2: a block begins at a random row and goes on for a random number of rows, geometric with
a given mean; after the last row comes the first. Rows are drawn with replacement: a permutation of rows
would end every path at the same value. The length of blocks is that of D. N. Politis and H. White,
"Automatic Block-Length Selection for the Dependent Bootstrap", Econometric Reviews 23 (2004), with the
variance corrected by A. Patton, D. N. Politis and H. White, Econometric Reviews 28 (2009).
"""

from collections.abc import Iterator
from math import ceil, floor, log10, sqrt
from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.types import Floats, Rows

CELLS: Final = 1 << 20
"""Cells of one block of draws: 8 MB of positions."""
SIGNIFICANT: Final = 2.0
"""Multiple of sqrt(log10 n / n) beyond which an autocorrelation counts (the authors' recommendation)."""
NOTHING: Final = 1e-300
RUN: Final = 5
"""So many autocorrelations in a row that do not count end the dependence (the authors': at least 5)."""


class InvalidResampling(Invalid):
    """Rows can not be drawn as asked."""


def stationary_rows(
    rng: "np.random.Generator",
    *,
    days: int,
    draws: int,
    block_length: float,
    cells: int = CELLS,
    length: int | None = None,
) -> Iterator[Rows]:
    """Yield positions (length, m) among ``days`` rows of the past, draws side by side, ``draws`` in all.

    ``block_length``: mean rows of a block, at least 1 (1: rows are drawn one by one). ``length``: rows of a
    draw, as many as the past has when left out. A block of columns has about ``cells`` cells, at least one
    column, and is laid out column after column. A draw depends on the state of ``rng`` and its own number
    alone: neither ``cells`` nor the draws after it change it. One number is drawn a cell. Raises
    InvalidResampling.
    """
    _check(days, draws, length, block_length)
    rows = days if length is None else length
    width = max(cells // rows, 1)
    for first in range(0, draws, width):
        yield _positions(rng.random((min(width, draws - first), rows)), days, block_length).T


def _check(days: int, draws: int, length: int | None, block_length: float) -> None:
    rules = {
        "days": (days >= 1, "must be at least 1"),
        "length": (length is None or length >= 1, "must be at least 1"),
        "draws": (draws >= 1, "must be at least 1"),
        "block_length": (1.0 <= block_length < float("inf"), "must be a number of rows, at least 1"),
    }
    broken = [FieldError(field=name, rule=rule) for name, (is_kept, rule) in rules.items() if not is_kept]
    if broken:
        raise InvalidResampling("Rows can not be drawn like this.", errors=broken)


def _positions(uniform: Floats, days: int, block_length: float) -> Rows:
    """Turn uniform numbers (draw, row) from [0, 1) into positions among ``days``.

    A block begins where a number is below 1 / block_length, and always at first. Given that, the number
    over that bound is uniform again and says how far the jump goes; a jump of uniform length from anywhere
    in a circle ends anywhere alike. Where no block begins the step is one row.
    """
    begins = 1.0 / block_length
    steps = np.ones(uniform.shape, dtype=np.intp)
    jumps = uniform < begins
    steps[jumps] = (uniform[jumps] * (days / begins)).astype(np.intp)
    steps[:, 0] = (uniform[:, 0] * days).astype(np.intp)
    found: Rows = np.add.accumulate(steps, axis=1)
    found -= found // days * days
    return found


def block_length(values: Floats) -> float:
    """Return the mean block length for the stationary bootstrap of a series (n,), without NaN.

    (2 G^2 / D)^(1/3) n^(1/3) with G = sum of w(k / M) |k| R(k), D = 2 (sum of w(k / M) R(k))^2 over lags k
    from -M to M, R the autocovariance and w the flat-top window (1 to one half, falling to 0 at 1). M is
    twice the lag at which max(5, log10 n) autocorrelations in a row that lie within 2 sqrt(log10 n / n)
    begin (the last that counts plus 1, as the authors' own program has it; the paper says the last). From 1
    (nothing depends on the past, or the series is constant) to the least of 3 sqrt(n) and n / 3.
    """
    n = len(values)
    longest = ceil(min(3.0 * sqrt(n), n / 3.0))
    if longest <= 1:
        return 1.0
    run = max(RUN, floor(log10(n)))
    lags = min(ceil(sqrt(n)) + run, n - 1)
    covariance = _autocovariances(values, lags)
    if covariance[0] <= 0.0:
        return 1.0
    reach = min(2 * _first_quiet_lag(covariance, n, run), lags)
    lag = np.arange(1, reach + 1)
    window = np.minimum(1.0, 2.0 * (1.0 - lag / reach)) * covariance[1 : reach + 1]
    bend = 2.0 * float((window * lag).sum())
    long_run = float(covariance[0] + 2.0 * window.sum())
    optimal = float(np.cbrt(bend * bend / max(long_run * long_run, NOTHING) * n))
    return min(max(optimal, 1.0), float(longest))


def _autocovariances(values: Floats, lags: int) -> Floats:
    """Return autocovariances (lags + 1,), each divided by n; all 0 where rounding is all there is."""
    apart = values - values.mean()
    if np.abs(apart).max() <= 1e-14 * np.abs(values).max():
        return np.zeros(lags + 1)
    n = len(values)
    return np.array([(apart[lag:] * apart[: n - lag]).sum() / n for lag in range(lags + 1)])


def _first_quiet_lag(covariance: Floats, n: int, run: int) -> int:
    """Return the first of ``run`` lags in a row whose autocorrelations do not count; else the last lag."""
    counts = np.abs(covariance[1:] / covariance[0]) >= SIGNIFICANT * sqrt(log10(n) / n)
    total = np.concatenate([[0], np.add.accumulate(counts)])
    quiet = np.flatnonzero(total[run:] == total[:-run])
    return int(quiet[0]) + 1 if len(quiet) else len(counts)
