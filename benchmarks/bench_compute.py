"""Health of the API while every core computes for the worker.

    python -m benchmarks compute

The server is a process of its own, as ``waardhaven serve`` runs it. This process stands for the worker: its
pool computes the largest build of the engine bench in as many processes as there are cores, again and
again, while another client asks ``/health`` every 20 ms. Beside it the same without the pool.
"""

import asyncio
import os
import time
from dataclasses import replace

from tests.factories import autoindex

from benchmarks.bench_engine import large
from benchmarks.bench_streams import Bench, quantiles, running
from waardhaven.adapters.outbound.compute_pool.pools import ComputeSettings, ProcessComputePool
from waardhaven.domain.index.build import build_index

SECONDS, TARGET = 20.0, 50.0


async def health(bench: Bench) -> list[float]:
    """Return the milliseconds of every answer in a while."""
    bench.health.clear()
    watching = asyncio.create_task(bench.watch_health())
    await asyncio.sleep(SECONDS)
    watching.cancel()
    await asyncio.wait({watching})
    return list(bench.health)


async def computing(pool: ProcessComputePool, done: list[float]) -> None:
    """Compute without a pause, as a build does: inputs travel to the process, the result back."""
    inputs = large()
    definition = replace(autoindex(), base_date=inputs.panel.days[100].item())
    while True:
        began = time.perf_counter()
        await pool.run(build_index, definition, inputs)
        done.append(time.perf_counter() - began)


async def measure() -> None:
    cores = os.cpu_count() or 1
    async with running() as bench:
        alone = await health(bench)
        pool, done = ProcessComputePool(ComputeSettings(processes=cores)), list[float]()
        busy = [asyncio.create_task(computing(pool, done)) for _ in range(cores)]
        async with asyncio.timeout(120):
            while len(done) < cores:
                await asyncio.sleep(0.1)
        meanwhile = await health(bench)
        for one in busy:
            one.cancel()
        await asyncio.wait(busy)
        print(f"/health, nothing else to do        {quantiles(alone)}")
        print(f"/health while {cores} processes compute   {quantiles(meanwhile)}   target p99 ≤ {TARGET:g}")
        print(f"builds of 500 × 5,000 meanwhile    {len(done)}, {sum(done) / len(done):.2f} s each")


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
