"""Moves and volumes beyond what a series did before, measured by medians, which bad bars do not bend.

A return is far off by Hampel's rule: further from the median of those before than a multiple of their
median absolute deviation (L. Davies and U. Gather, "The Identification of Multiple Outliers", Journal of
the American Statistical Association 88 (1993) 782-792). Times 1.4826 that deviation estimates a normal
distribution's standard deviation (P. J. Rousseeuw and C. Croux, "Alternatives to the Median Absolute
Deviation", the same volume, 1273-1283).
"""

import numpy as np

from waardhaven.domain.market.gate.columns import (
    FindingColumns,
    before,
    count_before,
    first_rows,
    medians,
    sorted_windows,
)
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.quality import FindingKind
from waardhaven.domain.types import Flags, Floats, Rows

MAD_SCALE = 1.4826
WINDOW = 60
"""Bars before the one judged."""
FEWEST = 30
"""Known values in a window, below which nothing is judged."""
SCALES = 12.0
FLOOR = 0.002
"""The least scale of daily log returns: below, ticks are taken for moves."""
VOLUMES = 50.0
_SLACK = 1.0 + 1e-9


def outliers(
    bars: PriceColumns, move: Floats, *, scales: float = SCALES, floor: float = FLOOR
) -> FindingColumns:
    """Find log returns more than ``scales`` robust scales off the median of the 60 before.

    ``move`` (n,): what corporate actions alone multiply the price by on each bar: 0.5 on the ex-date of a
    2-for-1 split, (close before - cash) / close before on that of a dividend, 1.0 elsewhere. It needs 30
    returns before; the scale is 1.4826 times the median absolute deviation, ``floor`` at least.
    """
    first = first_rows(bars)
    known = np.log(bars.close / (before(bars.close, first) * move))
    start = np.maximum(np.arange(len(first)) - WINDOW, first + 1)
    rows = np.flatnonzero(_may_be_far(known, start, scales, floor))
    middle, scale = np.empty(len(rows)), np.empty(len(rows))
    for block, ordered in sorted_windows(known, rows, start, WINDOW):
        middle[block], _ = medians(ordered)
        off = np.abs(ordered - middle[block, None])
        off.sort(axis=1)
        scale[block] = np.maximum(MAD_SCALE * medians(off)[0], floor)
    far = np.abs(known[rows] - middle) > scales * scale
    place = dict(zip(rows[far].tolist(), np.flatnonzero(far).tolist(), strict=True))

    def said(at: int) -> str:
        one = place[at]
        return f"log return {known[at]:.5f}; before: median {middle[one]:.5f}, scale {scale[one]:.5f}"

    return FindingColumns.at(FindingKind.OUTLIER, bars.series, bars.day, rows[far], said)


def _may_be_far(known: Floats, start: Rows, scales: float, floor: float) -> Flags:
    """Tell which returns need their window sorted; the others can not be far, by counts alone.

    With half the window in [-c, c] on either side the median is at most c off zero. Then a return of size
    a is far only if a + c > scales * floor, and if half the window lies within (a + c) / (1.4826 * scales)
    of the median; that is counted for classes of a.
    """
    reach = scales * floor
    near = reach / 6
    size = np.abs(known)
    half = (np.arange(len(known)) - start) / 2
    central = (count_before(known > near, start) < half) & (count_before(known < -near, start) < half)
    possible = size * _SLACK > reach - near
    lowest = 0.0
    for highest in (2.5 * reach, 8 * reach):
        within = near + (highest + near) / (MAD_SCALE * scales)
        tight = count_before(size <= within * _SLACK, start) >= half
        possible &= tight | (size <= lowest) | (size > highest)
        lowest = highest
    enough = half * 2 >= FEWEST
    return enough & ~np.isnan(known) & (possible | ~central)


def volumes(bars: PriceColumns, *, times: float = VOLUMES) -> FindingColumns:
    """Find volumes of more than ``times`` the median of the 60 before, and of zero while the close moved.

    Needs 30 known volumes before with a median above zero: series that never trade, such as indices and
    rates, say nothing by a volume of zero.
    """
    first = first_rows(bars)
    start = np.maximum(np.arange(len(first)) - WINDOW, first)
    prior = before(bars.close, first)
    silent = (bars.volume == 0) & ~np.isnan(prior) & (bars.close != prior)
    rows = np.flatnonzero(silent | _may_be_huge(bars.volume, start, times))
    middle, known = np.empty(len(rows)), np.empty(len(rows), dtype=np.intp)
    for block, ordered in sorted_windows(bars.volume, rows, start, WINDOW):
        middle[block], known[block] = medians(ordered)
    odd = (known >= FEWEST) & (middle > 0) & (silent[rows] | (bars.volume[rows] > times * middle))
    place = dict(zip(rows[odd].tolist(), np.flatnonzero(odd).tolist(), strict=True))

    def said(at: int) -> str:
        usual = f"the median before is {middle[place[at]]:.10g}"
        return f"volume {bars.volume[at]:.10g}{' while the close moved' if silent[at] else ''}; {usual}"

    return FindingColumns.at(FindingKind.VOLUME, bars.series, bars.day, rows[odd], said)


def _may_be_huge(volume: Floats, start: Rows, times: float) -> Flags:
    """Tell which volumes exceed ``times`` half of what was known before; by counts over classes of size."""
    possible = np.zeros(len(volume), dtype=np.bool_)
    known = count_before(~np.isnan(volume), start)
    with np.errstate(divide="ignore"):
        size = np.floor(np.log2(volume / times))
    classes = np.unique(size[np.isfinite(size)])
    for one in classes:
        mine = size == one
        below = count_before(volume < 2.0 ** (one + 1), start)
        possible |= mine & (below * 2 >= known)
    return possible
