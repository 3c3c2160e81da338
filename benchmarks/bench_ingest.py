"""Price ingest and matrix read beside psql's raw COPY of the same rows, in one run.

`python -m benchmarks ingest [ROWS_MILLIONS]`. The raw limit is `psql \\copy … (FORMAT binary)` of a
file into a table with the same columns, checks and keys: no Python, no vintage, no chunks. Wall time,
medians; ratios carry over to other machines, rows/s do not.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np

from waardhaven.adapters.outbound.embedded import EmbeddedServers
from waardhaven.adapters.outbound.embedded.binaries import locate_binaries
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import migrate
from waardhaven.adapters.outbound.postgres.prices import PostgresPriceStore
from waardhaven.domain.market.prices import PriceColumns

RUNS = 3
SERIES = 500
ADDED_DAYS = 250


def bars(series: int, days: int) -> PriceColumns:
    """Return a seeded random market in long form, ordered by series, then day."""
    rng = np.random.default_rng(7)
    close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.01, (series, days)), axis=1)), 4).ravel()
    axis = np.datetime64("2000-01-01") + np.arange(days)
    return PriceColumns(
        series=np.repeat(np.arange(1, series + 1), days),
        day=np.tile(axis, series),
        open=close,
        high=close * 1.01,
        low=close * 0.99,
        close=close,
        volume=np.full(len(close), 1e6),
    )


def scaled(prices: PriceColumns, factor: float) -> PriceColumns:
    """Return the same bars at other prices."""
    scale = {name: getattr(prices, name) * factor for name in ("open", "high", "low", "close")}
    return replace(prices, **scale)


def later(days: int, n: int) -> PriceColumns:
    """Return the n-th stretch of new days of every series."""
    first = bars(SERIES, ADDED_DAYS)
    return replace(first, day=first.day + np.timedelta64(days + n * ADDED_DAYS, "D"))


class Psql:
    """The raw client that ships with the server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._binary = locate_binaries().postgres_home / "bin" / "psql"
        self._environment = {
            **os.environ,
            "PGHOST": query["host"][0],
            "PGUSER": parts.username or "",
            "PGPASSWORD": parts.password or "",
            "PGDATABASE": parts.path.strip("/"),
        }

    def run(self, *statements: str) -> None:
        commands = [part for one in statements for part in ("-c", one)]
        subprocess.run(
            [self._binary, "-q", "-v", "ON_ERROR_STOP=1", *commands],
            env=self._environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )


async def median(
    work: Callable[[], Awaitable[object]], before: Callable[[], Awaitable[object]], *, runs: int = RUNS
) -> float:
    """Return the median wall seconds of ``work``, each run after ``before``."""
    times = []
    for _ in range(runs):
        await before()
        began = time.perf_counter()
        await work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


async def pair(
    limit: Callable[[], Awaitable[object]],
    ours: Callable[[], Awaitable[object]],
    before: Callable[[], Awaitable[object]],
) -> tuple[float, float]:
    """Return the medians of both, run in turn so that a drifting machine hits them alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS):
        times[0].append(await median(limit, before, runs=1))
        times[1].append(await median(ours, before, runs=1))
    return statistics.median(times[0]), statistics.median(times[1])


async def _reset(database: Database, series: int) -> None:
    async with database.acquire() as connection:
        for table in ("price_revision", "vintage"):
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await connection.execute("TRUNCATE price, price_chunk, price_revision")
        await connection.execute("DROP TABLE IF EXISTS raw")
        await connection.execute("CREATE TABLE raw (LIKE price INCLUDING ALL)")
        known = await connection.fetchval("SELECT count(*) FROM series")
        if not known:
            await connection.execute("INSERT INTO asset SELECT FROM generate_series(1, $1)", series)
            await connection.execute(
                "INSERT INTO series (asset_id, source, adjustment, currency, quote_unit) "
                "SELECT id, 'bench', 'raw', 'USD', 'USD' FROM asset ORDER BY id"
            )


async def measure(rows: int) -> None:
    """Print the figures."""
    days = rows // SERIES
    prices = bars(SERIES, days)
    month = bars(SERIES, 21)
    with tempfile.TemporaryDirectory(prefix="wh-bench-") as folder:
        async with EmbeddedServers(Path(folder, "data"), valkey=False) as endpoints:
            assert endpoints.database_url
            database = Database(endpoints.database_url)
            await migrate(database)
            store = PostgresPriceStore(database)
            psql = Psql(endpoints.database_url)
            file = Path(folder, "bars.bin")
            await _reset(database, SERIES)
            await store.write(prices)
            psql.run(f"\\copy price TO '{file}' (FORMAT binary)")

            async def reset() -> None:
                await _reset(database, SERIES)

            async def raw() -> None:
                await asyncio.to_thread(psql.run, f"\\copy raw FROM '{file}' (FORMAT binary)")

            async def nothing() -> None:
                """Leave things as they are."""

            limit, ours = await pair(raw, lambda: store.write(prices), reset)
            _say("raw psql \\copy, same columns, checks and key", len(prices), limit, limit)
            _say("PriceStore.write into series without rows", len(prices), ours, limit)
            again = await median(lambda: store.write(prices), nothing)
            _say("PriceStore.write, nothing changed", len(prices), again, limit)
            per_row = limit / len(prices)

            added = [later(days, n) for n in range(RUNS)]
            staged = await median(lambda: store.write(added.pop(0)), nothing)
            new = SERIES * ADDED_DAYS
            _say("PriceStore.write, new days of series with rows", new, staged, per_row * new)
            changed = [scaled(month, 1 + n / 1000) for n in range(1, RUNS + 1)]
            upsert = await median(lambda: store.write(changed.pop()), nothing)
            _say("PriceStore.write, one month, every row changed", len(month), upsert, per_row * len(month))
            ids = list(range(1, SERIES + 1))

            async def copied() -> None:
                columns = "series_id, day, close"
                await asyncio.to_thread(
                    psql.run,
                    f"\\copy (SELECT {columns} FROM price ORDER BY 1, 2) TO /dev/null (FORMAT binary)",
                )

            out = await median(copied, nothing)
            read = await median(lambda: store.closes(ids), nothing)
            _say("raw psql \\copy of three columns, ordered", len(prices), out, out)
            _say("PriceStore.closes, whole matrix", len(prices), read, out)
            await database.close()


def _say(name: str, rows: int, seconds: float, limit: float) -> None:
    print(f"{name:52} {rows / seconds / 1e6:8.2f} M rows/s   {limit / seconds:5.2f} × the raw copy")


def main(arguments: list[str]) -> None:
    """Run with the given number of million rows (2.5)."""
    rows = int(float(arguments[0] if arguments else "2.5") * 1e6)
    print(f"Ingest, {SERIES} series × {rows // SERIES} days, medians of {RUNS} runs")
    asyncio.run(measure(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
