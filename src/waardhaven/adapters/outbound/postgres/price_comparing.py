"""Which of the bars offered differ from those that are there: read in pieces by COPY, compared as arrays."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from waardhaven.adapters.outbound.postgres.chunks import Stretches
from waardhaven.adapters.outbound.postgres.copy_binary import (
    Array,
    Field,
    bigint,
    copy_out,
    day,
    double,
    place,
)
from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.adapters.outbound.postgres.errors import ConstraintBroken
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import Flags, Ids, Rows

VALUES = ("open", "high", "low", "close", "volume")
KEYS: tuple[Field, ...] = (bigint("series_id"), day("day"))
BARS: tuple[Field, ...] = (*KEYS, *(double(name) for name in VALUES))
_THERE: tuple[Field, ...] = (*BARS, bigint("vintage"), place("ctid"))
_STRETCHES_AT_ONCE = 400
"""About 100,000 bars: what is read and not different is forgotten before the next are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """Rows of the bars offered that differ, and the columns of those that are there (vintage, ctid too)."""

    rows: Rows
    former: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.rows)


async def compare(connection: Connection, bars: PriceColumns, known: Flags) -> Differing:
    """Compare the ``known`` ones of ``bars``, which are ordered; raise ConstraintBroken if one is missing."""
    rows = np.flatnonzero(known)
    parts = []
    for piece in _pieces(bars, rows):
        there = await copy_out(connection, _select(bars, piece), _THERE)
        parts.append(await asyncio.to_thread(_differing, bars, piece, there))
    names = [field.name for field in _THERE]
    former = {name: np.concatenate([one.former[name] for one in parts]) for name in names} if parts else {}
    return Differing(rows=np.concatenate([rows[:0], *(one.rows for one in parts)]), former=former)


def _pieces(bars: PriceColumns, rows: Rows) -> Iterator[Rows]:
    end = Stretches.of(bars.series[rows], bars.day[rows]).end
    cuts = [0, *end[_STRETCHES_AT_ONCE - 1 :: _STRETCHES_AT_ONCE].tolist(), len(rows)]
    for first, last in pairwise(cuts):
        if first < last:
            yield rows[first:last]


def _select(bars: PriceColumns, rows: Rows) -> str:
    """Return the query for COPY, made of integers and our own column names only."""
    days = bars.day[rows].astype("datetime64[D]").astype(np.int64)
    where = Stretches.of(bars.series[rows], bars.day[rows])
    ranges = (where.series, days[where.start], days[where.end - 1])
    arrays = ", ".join(f"'{{{','.join(map(str, one.tolist()))}}}'::bigint[]" for one in ranges)
    return (
        f"SELECT {', '.join(f'p.{field.name}' for field in _THERE)} "
        f"FROM unnest({arrays}) AS r (series_id, first, last) JOIN price p ON p.series_id = r.series_id "
        "AND p.day BETWEEN DATE '1970-01-01' + r.first::int AND DATE '1970-01-01' + r.last::int"
    )


def _differing(bars: PriceColumns, rows: Rows, there: Mapping[str, Array]) -> Differing:
    series = np.unique(bars.series[rows])
    offered = row_keys(series, bars.series[rows], bars.day[rows])
    present = row_keys(series, there["series_id"], there["day"])
    order = np.argsort(present, kind="stable")
    found = np.searchsorted(present, offered, sorter=order)
    found = order[np.minimum(found, len(order) - 1)] if len(order) else np.zeros(len(rows), dtype=np.intp)
    if not len(order) or (present[found] != offered).any():
        raise ConstraintBroken("The bars of a series are not those its chunks hold.")
    pairs = ((there[name][found], getattr(bars, name)[rows]) for name in VALUES)
    differs = np.logical_or.reduce([_differs(one, other) for one, other in pairs])
    return Differing(rows=rows[differs], former={name: one[found[differs]] for name, one in there.items()})


def _differs(one: Array, other: Array) -> Flags:
    differs: Flags = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return differs


def row_keys(series: Ids, of: Ids, days: np.ndarray[Any, np.dtype[np.datetime64]]) -> Ids:
    """Return one integer for each (series, day), in their order; ``series``: all of them, increasing."""
    keys: Ids = (np.searchsorted(series, of).astype(np.int64) << 32) + days.astype("datetime64[D]").astype(
        np.int64
    )
    return keys
