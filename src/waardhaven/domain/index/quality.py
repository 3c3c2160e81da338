"""Data-quality flags: what a careful reader should know. Nothing here changes a level."""

import numpy as np

from waardhaven.domain.index.composition import FlagColumns, FlagKind
from waardhaven.domain.index.level import LevelChain
from waardhaven.domain.index.pricing import CarriedPrices
from waardhaven.domain.index.windows import row_blocks, strips, trailing_moments
from waardhaven.domain.types import Days, Flags, Floats, Ids, Rows

OUTLIER_WINDOW = 60
"""Sessions before a return against which it is measured."""
CACHED = 1 << 14
"""Cells looked at together where rows are short: their moments stay in the cache of a core."""


def held_into(chain: LevelChain, first: int, opening_units: Floats) -> tuple[Rows, Flags]:
    """Return which names were held into each session from row ``first`` on.

    ``which`` (n - first,) points into ``held`` (1 + reviews, k), whose first row is the opening.
    """
    held = np.zeros((1 + len(chain.holdings), len(opening_units)), dtype=np.bool_)
    held[0] = opening_units > 0.0
    for i, holding in enumerate(chain.holdings, start=1):
        held[i, holding.column] = True
    since = np.array([holding.since for holding in chain.holdings], dtype=np.intp)
    return np.searchsorted(since, np.arange(first, len(chain.levels)), side="right"), held


def outliers(prices: CarriedPrices, limit: int, threshold: float, first: int) -> tuple[Rows, Rows]:
    """Find returns from row ``first`` on beyond ``threshold`` deviations of the 60 returns before.

    Mean and deviation (ddof 1) end the session before, so nothing later matters. Needs all 60 returns
    and some variation in them; otherwise there is no scale to measure with and no flag. Returns
    (row, column) pairs.
    """
    rows, columns = [], []
    every, width = np.arange(first, len(prices.price)), prices.price.shape[1]
    for block in row_blocks(every, width, cells=max(CACHED, 4 * OUTLIER_WINDOW * width)):
        start = int(every[block][0])
        span = slice(start - OUTLIER_WINDOW - 1, start + len(every[block]))
        seen = prices.moves(span, limit)
        for some in strips(seen):
            row, column = _beyond(seen[:, some], threshold)
            rows.append(row + start)
            columns.append(column + some.start)
    return _joined(rows), _joined(columns)


def _beyond(moves: Floats, threshold: float) -> tuple[Rows, Rows]:
    """Return where a move is beyond ``threshold`` deviations of the 60 before it; row 0 is the 61st."""
    mean, variance = trailing_moments(moves[:-1], OUTLIER_WINDOW)
    off = moves[OUTLIER_WINDOW:] - mean
    found = np.multiply(off, off, out=off) > threshold * threshold * variance
    row, column = np.divmod(np.flatnonzero(found), off.shape[1])
    varied = variance[row, column] > 0.0
    return row[varied], column[varied]


def flags(chain: LevelChain, first: int, opening_units: Floats) -> FlagColumns:
    """Collect the flags of the sessions from row ``first`` on, for held names and members."""
    inputs, guards = chain.reviewer.inputs, chain.reviewer.definition.guards
    limit, threshold = guards.max_forward_fill_days, guards.outlier_std_threshold
    which, held = held_into(chain, first, opening_units)
    found: list[tuple[Rows, Rows, FlagKind]] = []
    if chain.reviewer.prices.age is not None:
        stale = (chain.reviewer.prices.age[first:] > 0) & held[which]
        row, column = np.nonzero(stale)
        found.append((row + first, column, FlagKind.STALE_PRICE))
    row, column = outliers(chain.reviewer.prices, limit, threshold, first)
    matters = inputs.member[row, column] | held[which[row - first], column]
    found.append((row[matters], column[matters], FlagKind.OUTLIER))
    for row_, names in chain.unknown_caps:
        found.append((np.full(len(names), row_), names, FlagKind.UNKNOWN_MARKET_CAP))
    for row_ in chain.skipped:
        names = np.flatnonzero(held[which[row_ - first]])
        found.append((np.full(len(names), row_), names, FlagKind.REVIEW_SKIPPED))
    ignored = np.array(chain.ignored, dtype=np.intp).reshape(-1, 2)
    found.append((ignored[:, 0], ignored[:, 1], FlagKind.ACTION_IGNORED))
    return _ordered(found, inputs.panel.days, inputs.panel.assets)


def _ordered(found: list[tuple[Rows, Rows, FlagKind]], days: Days, assets: Ids) -> FlagColumns:
    row = _joined([rows for rows, _, _ in found])
    column = _joined([columns for _, columns, _ in found])
    kind = np.concatenate([np.full(len(rows), kind, dtype=np.int8) for rows, _, kind in found])
    order = np.lexsort((kind, column, row))
    return FlagColumns(day=days[row[order]], asset=assets[column[order]], kind=kind[order])


def _joined(parts: list[Rows]) -> Rows:
    return np.concatenate([np.empty(0, dtype=np.intp), *parts])
