"""Load bars as LoadMarket does, batch by batch, and print the peak of this process's memory in MB.

`DATABASE_URL=… python -m benchmarks.ingest_memory ROWS`: the database has series 1, 2, … and no bars.
"""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.bench_ingest import SERIES, bars
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.prices import PostgresPriceStore
from waardhaven.application.market.load_market import BATCH_ROWS


async def load(rows: int) -> None:
    """Write every batch twice: into empty series, and again when all is there."""
    days = rows // SERIES
    at_once = max(1, BATCH_ROWS // days)
    database = Database(os.environ["DATABASE_URL"])
    store = PostgresPriceStore(database)
    for first in range(0, SERIES, at_once):
        batch = bars(min(at_once, SERIES - first), days)
        batch = replace(batch, series=batch.series + first)
        await store.write(batch)
        await store.write(batch)
    await database.close()


def peak() -> float:
    """Return the most memory held so far, in MB. ``ru_maxrss`` would begin with that of the parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    asyncio.run(load(int(sys.argv[1])))
    print(peak())
