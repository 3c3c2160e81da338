"""Bars into the table: new ones are copied, differing ones supersede, chunks follow from the same arrays.

What is there already is known from the chunks, read before: a (series, day) that no chunk holds is new
and goes straight into the table by COPY. The others are read and compared; only those that differ are
staged and put in place of the former. The caller holds the facts lock, so that nothing changes in
between; were table and chunks ever to disagree, the write would be refused.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from waardhaven.adapters.outbound.postgres.chunks import (
    HeldCloses,
    Stretches,
    chunk_records,
    read_held,
    write_chunks,
)
from waardhaven.adapters.outbound.postgres.copy_binary import Array, Field, bigint, copy_in, place
from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.adapters.outbound.postgres.errors import ConcurrentChange
from waardhaven.adapters.outbound.postgres.price_comparing import BARS, VALUES, Differing, compare, row_keys
from waardhaven.adapters.outbound.postgres.vintages import emit, next_vintage
from waardhaven.application.ports.price_store import CloseColumns, UnknownSeries, WriteReport
from waardhaven.domain.events import PricesCommitted
from waardhaven.domain.market.prices import PriceColumns, is_ordered
from waardhaven.domain.types import Flags, Ids, Rows, Vintage

ANALYZE_FROM = 100_000
"""New rows after which the planner is told at once, not when autovacuum comes round."""
_STAGE = """
CREATE TEMP TABLE price_stage (
    ctid_there tid, series_id bigint, day date,
    open float8, high float8, low float8, close float8, volume float8
) ON COMMIT DROP
"""
_SUPERSEDE = """
UPDATE price p SET open = s.open, high = s.high, low = s.low, close = s.close, volume = s.volume, vintage = $1
FROM price_stage s WHERE p.ctid = s.ctid_there AND p.series_id = s.series_id AND p.day = s.day
"""
"""By place, which the facts lock keeps; the key is looked at again for whoever wrote without the lock."""
_LOOK_UP = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
"""Bars are found by key and by place; what the planner guesses of ranges would have it read the table."""
_REVISION: tuple[Field, ...] = (*BARS, bigint("vintage_from"), bigint("vintage_to"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Bars ordered by series, then day, beside the closes of their chunks as they are and as they will be.

    ``known`` (bars,): a bar of that day is there. ``whole``: every row of the touched chunks with the new
    closes, ``where``: its stretches; ``touched`` (rows of whole,): those that are new or have another close.
    """

    bars: PriceColumns
    known: Flags
    whole: CloseColumns
    where: Stretches
    touched: Flags
    chunks: frozenset[tuple[int, int]]


async def write_bars(connection: Connection, prices: PriceColumns, note: str) -> WriteReport:
    """Write bars that keep the rules of a bar, one or more; see PriceStore.write."""
    bars = await asyncio.to_thread(_ordered, prices)
    where = await asyncio.to_thread(Stretches.of, bars.series, bars.day)
    await _require_series(connection, np.unique(where.series))
    offer = await asyncio.to_thread(_offer, bars, where, await read_held(connection, where))
    await connection.execute(_LOOK_UP)
    differing = await compare(connection, bars, offer.known)
    known, changed = int(offer.known.sum()), len(differing)
    vintage = None
    if changed or known < len(bars):
        vintage = await next_vintage(connection, note)
        await _supersede(connection, bars, differing, vintage)
        making = asyncio.create_task(
            asyncio.to_thread(chunk_records, offer.whole, offer.where, offer.touched, vintage)
        )
        await _append(connection, _some(bars, ~offer.known), vintage)
        await write_chunks(connection, await making, offer.chunks)
    touched = np.concatenate([where.series[where.any_of(~offer.known)], bars.series[differing.rows]])
    report = WriteReport(
        inserted=len(bars) - known,
        changed=changed,
        unchanged=known - changed,
        vintage=vintage,
        touched=frozenset(np.unique(touched).tolist()),
    )
    await announce(connection, report)
    return report


async def announce(connection: Connection, report: WriteReport) -> None:
    """Tell of a write that changed something."""
    if report.vintage is not None:
        counted = {"inserted": report.inserted, "changed": report.changed, "series": len(report.touched)}
        await emit(connection, PricesCommitted(vintage=report.vintage, **counted))


async def _require_series(connection: Connection, series: Ids) -> None:
    known = await connection.fetchval("SELECT count(*) FROM series WHERE id = ANY($1)", series.tolist())
    if known != len(series):
        raise UnknownSeries("Prices name a series that does not exist.")


async def _supersede(
    connection: Connection, bars: PriceColumns, differing: Differing, vintage: Vintage
) -> None:
    """Move the bars that differ to the revisions and put the new ones in their place."""
    if not len(differing):
        return
    former = {**differing.former, "vintage_from": differing.former["vintage"]}
    stamped = {**former, "vintage_to": np.broadcast_to(np.int64(vintage), len(differing))}
    await copy_in(connection, "price_revision", _REVISION, stamped)
    await connection.execute(_STAGE)
    staged = {**_columns(_some(bars, differing.rows)), "ctid_there": former["ctid"]}
    await copy_in(connection, "price_stage", (place("ctid_there"), *BARS), staged)
    done = await connection.execute(_SUPERSEDE, vintage)
    if done != f"UPDATE {len(differing)}":
        raise ConcurrentChange("Somebody else wrote the same bars. Try again.")


async def _append(connection: Connection, bars: PriceColumns, vintage: Vintage) -> None:
    """Copy bars of days that have none."""
    stamped = {**_columns(bars), "vintage": np.broadcast_to(np.int64(vintage), len(bars))}
    await copy_in(connection, "price", (*BARS, bigint("vintage")), stamped)
    if len(bars) >= ANALYZE_FROM:
        # A tenth of the usual sample tells what a planner needs to know of keys.
        await connection.execute("SET LOCAL default_statistics_target = 10; ANALYZE price (series_id, day)")


def _columns(bars: PriceColumns) -> dict[str, Array]:
    return {"series_id": bars.series, "day": bars.day, **{name: getattr(bars, name) for name in VALUES}}


def _some(bars: PriceColumns, rows: Flags | Rows) -> PriceColumns:
    if rows.dtype == np.bool_ and rows.all():
        return bars
    return replace(bars, **{name: getattr(bars, name)[rows] for name in ("series", "day", *VALUES)})


def _ordered(prices: PriceColumns) -> PriceColumns:
    if is_ordered(prices.series, prices.day):
        return prices
    return _some(prices, np.lexsort((prices.day, prices.series)))


def _offer(bars: PriceColumns, where: Stretches, held: HeldCloses) -> Offer:
    there = held.closes
    if not len(there):
        whole = CloseColumns(series=bars.series, day=bars.day, close=bars.close)
        none, every = np.zeros(len(bars), dtype=np.bool_), np.ones(len(bars), dtype=np.bool_)
        return Offer(bars=bars, known=none, whole=whole, where=where, touched=every, chunks=held.chunks)
    series = np.unique(bars.series)
    keys, offered = row_keys(series, there.series, there.day), row_keys(series, bars.series, bars.day)
    at = np.searchsorted(keys, offered)
    known = keys[np.minimum(at, len(keys) - 1)] == offered
    closes = there.close.copy()
    closes[at[known]] = bars.close[known]
    new = ~known
    order = np.argsort(np.concatenate([keys, offered[new]]), kind="stable")

    def joined(one: Any, other: Any) -> Any:
        return np.concatenate([one, other[new]])[order]

    whole = CloseColumns(
        series=joined(there.series, bars.series),
        day=joined(there.day, bars.day),
        close=joined(closes, bars.close),
    )
    touched = joined(closes != there.close, new)
    stretches = Stretches.of(whole.series, whole.day)
    return Offer(bars=bars, known=known, whole=whole, where=stretches, touched=touched, chunks=held.chunks)
