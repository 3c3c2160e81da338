"""Price ingest and matrix read beside psql's raw COPY of the same rows, in one run.

`python -m benchmarks ingest [ROWS_MILLIONS]`. The raw limit is `psql \\copy … (FORMAT binary)` of a
file into a table with the same columns, checks and keys: no Python, no vintage, no chunks. Wall time,
medians; ratios carry over to other machines, rows/s do not. Memory of a loading process and bytes for
each bar are bounds: the benchmark fails when one is passed.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import polars as pl

from waardhaven.adapters.outbound.embedded import EmbeddedServers
from waardhaven.adapters.outbound.embedded.binaries import locate_binaries
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import migrate
from waardhaven.adapters.outbound.postgres.prices import PostgresPriceStore
from waardhaven.domain.market.prices import PriceColumns

RUNS = 3
ROUNDS = 6
SERIES = 500
ADDED_DAYS = 250
BOUNDS = {
    "price, bytes a bar": 130.0,
    "price_chunk, bytes a bar": 20.0,
    "parquet, bytes a bar": 40.0,
    "memory of a loading process, MB": 300.0,
}


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


async def rounds(
    limit: Callable[[], Awaitable[object]],
    ours: Callable[[], Awaitable[object]],
    before: Callable[[], Awaitable[object]],
) -> list[tuple[float, float]]:
    """Return the wall seconds of both in each round; they begin in turn: what one leaves to do hits both."""
    taken = []
    for n in range(ROUNDS):
        took = {}
        for work in ((limit, ours), (ours, limit))[n % 2]:
            took[work] = await median(work, before, runs=1)
        taken.append((took[limit], took[ours]))
    return taken


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A database with series, our store over it, and psql beside it."""

    database: Database
    store: PostgresPriceStore
    psql: Psql
    file: Path

    async def reset(self) -> None:
        await _reset(self.database, SERIES)

    async def raw(self) -> None:
        await asyncio.to_thread(self.psql.run, f"\\copy raw FROM '{self.file}' (FORMAT binary)")

    async def fresh(self, prices: PriceColumns) -> float:
        """Print the loads into empty tables; return the seconds of the raw copy for each row."""
        taken = await rounds(self.raw, lambda: self.store.write(prices), self.reset)
        limit, ours = (statistics.median(one) for one in zip(*taken, strict=True))
        # Neighbours in time share the noise of the machine: the share is that of the middle round.
        share = statistics.median(one / other for one, other in taken)
        _say("raw psql \\copy, same columns, checks and key", len(prices), limit, limit)
        _say("PriceStore.write into series without rows (0.85)", len(prices), ours, share * ours)
        await self.reset()
        await self.store.write(prices)
        return limit / len(prices)

    async def staged(self, prices: PriceColumns, per_row: float) -> None:
        """Print the writes into series that have rows."""
        days = len(prices) // SERIES
        again = await median(lambda: self.store.write(prices), nothing)
        _say("PriceStore.write, nothing changed (0.6)", len(prices), again, per_row * len(prices))
        offers = {
            "new days of series with rows (0.3)": [later(days, n) for n in range(RUNS)],
            "new days and as many old ones, 5 % changed (0.3)": [
                corrected(prices, n) for n in range(RUNS, 2 * RUNS)
            ],
            "one month, every row changed (0.3)": [
                scaled(first_days(prices, 21), 2 + n) for n in range(RUNS)
            ],
        }
        for name, parts in offers.items():
            rows, left = len(parts[0]), iter(parts)
            took = await median(lambda left=left: self.store.write(next(left)), nothing)
            _say(f"PriceStore.write, {name}", rows, took, per_row * rows)

    async def reads(self, rows: int) -> None:
        """Print reads of the whole matrix; there are ``rows`` bars."""
        columns = "series_id, day, close"
        copy = f"\\copy (SELECT {columns} FROM price ORDER BY 1, 2) TO /dev/null (FORMAT binary)"
        out = await median(lambda: asyncio.to_thread(self.psql.run, copy), nothing)
        read = await median(lambda: self.store.closes(list(range(1, SERIES + 1))), nothing)
        _say("raw psql \\copy of three columns, ordered", rows, out, out)
        _say("PriceStore.closes, whole matrix (10 M rows/s)", rows, read, out)

    async def sizes(self, prices: PriceColumns) -> dict[str, float]:
        """Return bytes for each bar of a load: the table with its key, the chunks, a Parquet file."""
        await self.reset()
        await self.store.write(prices)
        async with self.database.acquire() as connection:
            found = {
                table: await connection.fetchval("SELECT pg_total_relation_size($1::text::regclass)", table)
                for table in ("price", "price_chunk")
            }
        found["parquet"] = await asyncio.to_thread(_parquet, prices, self.file.with_suffix(".parquet"))
        return {f"{name}, bytes a bar": size / len(prices) for name, size in found.items()}


async def nothing() -> None:
    """Leave things as they are."""


def first_days(prices: PriceColumns, days: int) -> PriceColumns:
    """Return the first days of every series."""
    rows = np.tile(np.arange(len(prices) // SERIES) < days, SERIES)
    return PriceColumns(**{name: getattr(prices, name)[rows] for name in PriceColumns.__slots__})


def corrected(prices: PriceColumns, n: int) -> PriceColumns:
    """Return the n-th stretch of new days and as many old ones, of which every twentieth is another."""
    new, old = later(len(prices) // SERIES, n), first_days(prices, ADDED_DAYS)
    factor = np.where(np.arange(len(old)) % 20 == 0, 1 + n / 1000, 1.0)
    old = replace(old, **{name: getattr(old, name) * factor for name in ("open", "high", "low", "close")})
    names = PriceColumns.__slots__
    return PriceColumns(**{name: np.concatenate([getattr(old, name), getattr(new, name)]) for name in names})


def _parquet(prices: PriceColumns, file: Path) -> int:
    frame = pl.DataFrame({name: getattr(prices, name) for name in PriceColumns.__slots__})
    frame.write_parquet(file, compression="zstd")
    return file.stat().st_size


def _memory(url: str, rows: int) -> float:
    """Return the peak of memory in MB of a process that loads bars in batches."""
    command = [sys.executable, "-m", "benchmarks.ingest_memory", str(rows)]
    done = subprocess.run(
        command, env={**os.environ, "DATABASE_URL": url}, check=True, capture_output=True, text=True
    )
    return float(done.stdout)


async def measure(rows: int) -> None:
    """Print the figures; raise SystemExit when a bound is passed."""
    prices = bars(SERIES, rows // SERIES)
    with tempfile.TemporaryDirectory(prefix="wh-bench-") as folder:
        async with EmbeddedServers(Path(folder, "data"), valkey=False) as endpoints:
            url = endpoints.database_url
            assert url
            database = Database(url)
            await migrate(database)
            file = Path(folder, "bars.bin")
            bench = Bench(database=database, store=PostgresPriceStore(database), psql=Psql(url), file=file)
            await bench.reset()
            await bench.store.write(prices)
            bench.psql.run(f"\\copy price TO '{file}' (FORMAT binary)")
            await bench.staged(prices, await bench.fresh(prices))
            await bench.reads(len(prices) + 2 * RUNS * SERIES * ADDED_DAYS)
            measured = await bench.sizes(prices)
            await bench.reset()
            measured["memory of a loading process, MB"] = await asyncio.to_thread(_memory, url, rows)
            await database.close()
    _hold(measured)


def _hold(measured: dict[str, float]) -> None:
    for name, value in measured.items():
        print(f"{name:60} {value:8.1f}   bound {BOUNDS[name]:g}")
    passed = [name for name, value in measured.items() if value > BOUNDS[name]]
    if passed:
        raise SystemExit(f"Beyond its bound: {', '.join(passed)}")


def _say(name: str, rows: int, seconds: float, limit: float) -> None:
    print(f"{name:70} {rows / seconds / 1e6:8.2f} M rows/s   {limit / seconds:5.2f} × the raw copy")


def main(arguments: list[str]) -> None:
    """Run with the given number of million rows (2.5)."""
    rows = int(float(arguments[0] if arguments else "2.5") * 1e6)
    print(f"Ingest, {SERIES} series × {rows // SERIES} days, medians of {RUNS} runs")
    asyncio.run(measure(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
