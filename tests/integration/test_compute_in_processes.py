"""Indices computed in another process are the very bits; a process whose parent is gone ends."""

import asyncio
import subprocess
import sys
from dataclasses import fields
from typing import Any

import numpy as np
import psutil
from tests.factories import autoindex, sample_inputs
from tests.unit.application.world import World

from waardhaven.adapters.outbound.compute_pool.pools import ComputeSettings, ProcessComputePool
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.build import NO_DAYS, build_index
from waardhaven.domain.index.reproducibility import input_digest

ORPHAN = """
import asyncio, os, time
from waardhaven.adapters.outbound.compute_pool.pools import ComputeSettings, ProcessComputePool

async def main():
    pool = ProcessComputePool(ComputeSettings(processes=1))
    print(await pool.run(os.getpid), flush=True)
    await pool.run(time.sleep, 60)

asyncio.run(main())
"""


def same(one: Any, other: Any) -> bool:
    """Tell whether two results are equal to the last bit."""
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            if a.dtype != b.dtype or a.tobytes() != b.tobytes():
                return False
        elif repr(a) != repr(b):
            return False
    return True


async def test_build_in_a_process_is_the_build_in_this_one():
    here, there = World(), World(pool=ProcessComputePool(ComputeSettings(processes=1)))
    builds = []
    for world in (here, there):
        await world.open(rows=60)
        builds.append(await world.build(OPERATOR, slug="an-index"))
    assert builds[0].id == builds[1].id
    assert same(builds[0].result, builds[1].result)


async def test_sample_market_computed_in_a_process_gives_the_very_bits():
    definition, inputs = autoindex(), sample_inputs()
    pool = ProcessComputePool(ComputeSettings(processes=1))
    assert await pool.run(input_digest, definition, inputs, None, NO_DAYS) == input_digest(
        definition, inputs, None, NO_DAYS
    )
    assert same(await pool.run(build_index, definition, inputs), build_index(definition, inputs))


async def test_process_ends_when_its_parent_was_killed():
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", ORPHAN, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(10):
        while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.05)
