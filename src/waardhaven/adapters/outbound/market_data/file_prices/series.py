"""From rows with codes to one ordered set of bars for each symbol; days that are there twice are told.

Imported on first use alone, as polars is.
"""

from itertools import pairwise

import numpy as np
import polars as pl

from waardhaven.adapters.outbound.market_data.file_prices.columns import NUMBERS
from waardhaven.adapters.outbound.market_data.file_prices.issues import MOST_KEPT, Issues
from waardhaven.adapters.outbound.market_data.file_prices.names import Names
from waardhaven.application.ports.market_data import BarColumns
from waardhaven.application.ports.market_facts import Listing
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.currency import major
from waardhaven.domain.market.imports import FileMapping
from waardhaven.domain.market.prices import is_ordered
from waardhaven.domain.types import Flags, Floats, Ids, Rows


def split_bars(
    frame: pl.DataFrame,
    names: Names,
    mapping: FileMapping,
    issues: Issues,
    notes: list[str],
    *,
    title: str,
) -> tuple[BarColumns, ...]:
    """Return the bars of each symbol, ordered by day, in the order of the file's symbols.

    ``title`` is the file's own name of the column of dates.
    """
    key = frame["symbol"].to_numpy().astype(np.int64) * len(names.mics) + frame["mic"].to_numpy()
    day = frame["day"].to_numpy().astype("datetime64[D]")
    if not is_ordered(key, day):
        order = _order(key, day.view(np.int64), notes)
        frame, key, day = frame[order], key[order], day[order]
        out = _report_repeated(frame, key, day.view(np.int64), issues, title)
        frame, key = frame.filter(pl.Series(~out)), key[~out]
    edges = np.flatnonzero(np.diff(key, prepend=-1, append=-1)) if len(key) else np.empty(0, np.int64)
    return tuple(_bars(frame[int(a) : int(b)], names, mapping) for a, b in pairwise(edges))


def _order(key: Ids, day: Ids, notes: list[str]) -> Rows:
    order = np.lexsort((day, key))
    earlier = (np.diff(key[order]) == 0) & (np.diff(order) < 0)
    if earlier.any():
        symbols = len(np.unique(key[order][1:][earlier]))
        notes.append(f"The days of {symbols:,} symbols are not in order: they are sorted.")
    return order


def _report_repeated(frame: pl.DataFrame, key: Ids, day: Ids, issues: Issues, title: str) -> Flags:
    """Report bars of a symbol and day that is there already; return which rows to leave out.

    Of rows that say the same the first stays; of rows that contradict each other none.
    """
    again = np.concatenate([[False], (np.diff(key) == 0) & (np.diff(day) == 0)])[: len(key)]
    if not again.any():
        return again
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(key))))
    differs = np.zeros(len(key), dtype=np.bool_)
    for role in NUMBERS:
        values = _floats(frame, role)
        differs |= again & ~_same(values, values[first])
    issues.count += int(again.sum()) - min(int(again.sum()), MOST_KEPT)
    line = frame["line"].to_numpy()
    for row in sorted(np.flatnonzero(again), key=line.__getitem__)[:MOST_KEPT]:
        said = "contradicts" if differs[row] else "repeats"
        issues.add(
            title, f"{said} line {line[first[row]]}", line=int(line[row]), value=str(frame["day"][int(row)])
        )
    contradicted = np.zeros(len(key), dtype=np.bool_)
    contradicted[first[differs]] = True
    return again | contradicted


def _same(one: Floats, other: Floats) -> Flags:
    same: Flags = (one == other) | (np.isnan(one) & np.isnan(other))
    return same


def _floats(frame: pl.DataFrame, role: str) -> Floats:
    values: Floats = frame[role].fill_null(float("nan")).to_numpy()
    return values


def _bars(part: pl.DataFrame, names: Names, mapping: FileMapping) -> BarColumns:
    symbol, mic, unit = (
        names.symbols[part["symbol"][0]],
        names.mics[part["mic"][0]],
        names.units[part["unit"][0]],
    )
    return BarColumns(
        listing=Listing(
            symbol=symbol, mic=mic, name=symbol, asset_type=mapping.asset_type, currency=major(unit)[0]
        ),
        source=mapping.source,
        adjustment=Adjustment(mapping.adjustment),
        quote_unit=unit,
        day=part["day"].to_numpy().astype("datetime64[D]"),
        **{role: _floats(part, role) for role in NUMBERS},
    )
