"""Array kernels of the index engine, each with an order of operations that never varies.

Every result of a row depends on that row's own inputs alone: not on how many rows are computed
together, not on memory layout, CPU or BLAS. Sums along assets run strictly from left to right, so a
column of zeros changes no bit; sums along days are elementwise. This is what lets an appended day
equal a full rebuild bit for bit, on any machine with IEEE 754 arithmetic.
"""

from functools import reduce
from itertools import accumulate, pairwise

import numpy as np

from waardhaven.domain.types import Floats, Rows

FLAT = 1e-24
"""Variance of session returns (1e-12 squared) that float64 closes can not carry: counts as zero."""
NOISE = 1e-12
"""Variance relative to the mean square below which rounding dominates: counts as zero."""
STRIP = 1 << 16
"""Cells of a strip of columns worked on together: what is between steps stays in the cache of a core."""


def row_sums(matrix: Floats) -> Floats:
    """Sum each row of ``matrix`` (n, k), k >= 1, strictly left to right; shape (n,). NaN spreads.

    Several rows are added column by column, which is the same order for each and several times faster
    than one row after the other.
    """
    if len(matrix) == 1:
        return np.add.accumulate(matrix, axis=1)[:, -1]
    total: Floats = np.add.reduce(np.ascontiguousarray(matrix.T), axis=0)
    return total


def row_dots(matrix: Floats, vector: Floats) -> Floats:
    """Dot each row of ``matrix`` (n, k), k >= 1, with ``vector`` (k,), left to right; shape (n,)."""
    return row_sums(matrix * vector)


def normalised(weights: Floats) -> Floats:
    """Scale each row of ``weights`` (r, k) to sum 1; a row that sums to 0 stays 0."""
    total = row_sums(weights)
    return weights / np.where(total > 0.0, total, 1.0)[:, None]


def trailing(combine: np.ufunc, values: Floats, window: int, rows: Rows | None = None) -> Floats:
    """Combine runs of ``window`` rows of ``values`` (n, k) elementwise.

    Row i of the result covers rows i to i + window - 1 of ``values``, for every i, (n - window + 1, k), or
    for i in ``rows`` (r,) alone, (r, k). Runs are built by doubling, so the cost is O(log window) passes and
    the grouping is the same for every run. NaN spreads to every run that holds it.
    """
    found = np.empty((_runs(values, window) if rows is None else len(rows), values.shape[1]))
    for some in strips(values):
        found[:, some] = _trailing(combine, np.ascontiguousarray(values[:, some]), window, rows)
    return found


def strips(values: Floats) -> list[slice]:
    """Cut the columns of ``values`` into strips of about STRIP cells, alike in width."""
    rows, columns = values.shape
    count = max(-(-rows * columns // STRIP), 1)
    width = max(-(-columns // count), 8)
    return [slice(start, start + width) for start in range(0, columns, width)]


def _runs(values: Floats, window: int) -> int:
    return max(len(values) - window + 1, 0)


def _trailing(combine: np.ufunc, values: Floats, window: int, rows: Rows | None) -> Floats:
    """Combine runs of every row, or, while wanted runs lie close together, of every row and then of those."""
    return _every(combine, values, window) if rows is None else _wanted(combine, values, window, rows)


def _every(combine: np.ufunc, values: Floats, window: int) -> Floats:
    """Combine the runs of every row, in two buffers and what is found."""
    count = _runs(values, window)
    block, spare, size, covered = values, np.empty_like(values), 1, 0
    found = values[:count]
    while covered < window:
        if window & size:
            part = block[covered : covered + count]
            found = combine(found, part, out=found) if covered else part.copy()
            covered += size
        if covered < window:
            doubled = combine(block[:-size], block[size:], out=spare[: len(block) - size])
            block, spare = doubled, np.empty_like(values) if block is values else block
            size *= 2
    return found


def _wanted(combine: np.ufunc, values: Floats, window: int, rows: Rows) -> Floats:
    sizes = [1 << bit for bit in range(window.bit_length()) if window >> bit & 1]
    starts = [0, *accumulate(sizes[:-1])]
    spacing = _runs(values, window) // max(len(rows), 1)
    doubled, size = {1: values}, 1
    while size < min(spacing, sizes[-1]):
        doubled[2 * size] = combine(doubled[size][:-size], doubled[size][size:])
        size *= 2
    parts = [_some(combine, doubled, size, rows + start) for size, start in zip(sizes, starts, strict=True)]
    return reduce(combine, parts)


def _some(combine: np.ufunc, doubled: dict[int, Floats], size: int, rows: Rows) -> Floats:
    """Return the runs of ``size`` that begin at ``rows``, grouped as doubling groups them."""
    if size in doubled:
        return doubled[size][rows]
    half = size // 2
    both: Floats = combine(_some(combine, doubled, half, rows), _some(combine, doubled, half, rows + half))
    return both


def trailing_moments(values: Floats, window: int, rows: Rows | None = None) -> tuple[Floats, Floats]:
    """Return mean and ddof-1 variance of runs of ``window`` >= 2 rows, as ``trailing`` places them.

    A variance within rounding of zero (see FLAT, NOISE) is exactly 0, never negative. NaN spreads.
    """
    mean = np.empty((_runs(values, window) if rows is None else len(rows), values.shape[1]))
    variance = np.empty_like(mean)
    for some in strips(values):
        strip = np.ascontiguousarray(values[:, some])
        mean[:, some], variance[:, some] = _moments(strip, window, rows)
    return mean, variance


def _moments(values: Floats, window: int, rows: Rows | None) -> tuple[Floats, Floats]:
    total = _trailing(np.add, values, window, rows)
    squares = _trailing(np.add, values * values, window, rows)
    mean = total / window
    spread = np.subtract(squares, np.multiply(total, mean, out=total), out=total)
    variance = spread / (window - 1)
    flat = variance <= FLAT
    flat |= spread <= np.multiply(NOISE, squares, out=squares)
    if flat.any():
        variance[flat] = 0.0
    return mean, variance


def row_blocks(rows: Rows, columns: int, *, cells: int = 1 << 16) -> list[slice]:
    """Cut increasing ``rows`` into slices that each span about ``cells`` / ``columns`` rows at most."""
    span = max(cells // max(columns, 1), 1)
    cuts = np.flatnonzero(np.diff(rows // span)) + 1
    edges = [0, *cuts.tolist(), len(rows)]
    return [slice(a, b) for a, b in pairwise(edges) if b > a]
