"""Array kernels of the index engine, each with an order of operations that never varies.

Every result of a row depends on that row's own inputs alone: not on how many rows are computed
together, not on memory layout, CPU or BLAS. Sums along assets run strictly from left to right, so a
column of zeros changes no bit; sums along days are elementwise. This is what lets an appended day
equal a full rebuild bit for bit, on any machine with IEEE 754 arithmetic.
"""

from functools import reduce
from itertools import pairwise

import numpy as np

from waardhaven.domain.types import Floats, Rows

FLAT = 1e-24
"""Variance of session returns (1e-12 squared) that float64 closes can not carry: counts as zero."""
NOISE = 1e-12
"""Variance relative to the mean square below which rounding dominates: counts as zero."""
STRIP = 1 << 15
"""Cells of a strip of columns worked on together: what is between steps stays in the cache of a core."""


def row_sums(matrix: Floats) -> Floats:
    """Sum each row of ``matrix`` (n, k), k >= 1, strictly left to right; shape (n,). NaN spreads."""
    return np.add.accumulate(matrix, axis=1)[:, -1]


def row_dots(matrix: Floats, vector: Floats) -> Floats:
    """Dot each row of ``matrix`` (n, k), k >= 1, with ``vector`` (k,), left to right; shape (n,)."""
    return row_sums(matrix * vector)


def normalised(weights: Floats) -> Floats:
    """Scale each row of ``weights`` (r, k) to sum 1; a row that sums to 0 stays 0."""
    total = row_sums(weights)
    return weights / np.where(total > 0.0, total, 1.0)[:, None]


def trailing(combine: np.ufunc, values: Floats, window: int) -> Floats:
    """Combine every run of ``window`` rows of ``values`` (n, k) elementwise.

    Row i of the result, shape (n - window + 1, k), covers rows i to i + window - 1. Runs are built by
    doubling, so the cost is O(log window) passes and the grouping is the same for every run. NaN
    spreads to every run that holds it.
    """
    found = np.empty((max(len(values) - window + 1, 0), values.shape[1]))
    for some in _strips(values):
        found[:, some] = _trailing(combine, values[:, some], window)
    return found


def _strips(values: Floats) -> list[slice]:
    """Cut the columns of ``values`` into strips of about STRIP cells."""
    rows, columns = values.shape
    width = max(STRIP // max(rows, 1), 8)
    return [slice(start, start + width) for start in range(0, columns, width)]


def _trailing(combine: np.ufunc, values: Floats, window: int) -> Floats:
    rows = max(len(values) - window + 1, 0)
    block, size, covered = values, 1, 0
    parts: list[Floats] = []
    while covered < window:
        if window & size:
            parts.append(block[covered : covered + rows])
            covered += size
        if covered < window:
            block = combine(block[:-size], block[size:])
            size *= 2
    return reduce(combine, parts)


def trailing_moments(values: Floats, window: int) -> tuple[Floats, Floats]:
    """Return mean and ddof-1 variance of every run of ``window`` >= 2 rows, as ``trailing`` places them.

    A variance within rounding of zero (see FLAT, NOISE) is exactly 0, never negative. NaN spreads.
    """
    mean = np.empty((max(len(values) - window + 1, 0), values.shape[1]))
    variance = np.empty_like(mean)
    for some in _strips(values):
        mean[:, some], variance[:, some] = _moments(values[:, some], window)
    return mean, variance


def _moments(values: Floats, window: int) -> tuple[Floats, Floats]:
    total = _trailing(np.add, values, window)
    squares = _trailing(np.add, values * values, window)
    mean = total / window
    spread = squares - total * mean
    variance = spread / (window - 1)
    variance[(variance <= FLAT) | (spread <= NOISE * squares)] = 0.0
    return mean, variance


def row_blocks(rows: Rows, columns: int, *, cells: int = 1 << 16) -> list[slice]:
    """Cut increasing ``rows`` into slices that each span about ``cells`` / ``columns`` rows at most."""
    span = max(cells // max(columns, 1), 1)
    cuts = np.flatnonzero(np.diff(rows // span)) + 1
    edges = [0, *cuts.tolist(), len(rows)]
    return [slice(a, b) for a, b in pairwise(edges) if b > a]
