"""A refresh that is killed anywhere: started again, it leaves what an undisturbed one leaves.

REFRESH_KILLS: how often at least it is killed. REFRESH_SEED: what the moments are drawn from. They are spread
over all that a refresh says to the database, to Valkey and to the provider (``refresh_child``), on three
evenings of two plans: the free one, which restates adjusted closes, and one with actions and share counts.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import asyncpg
import numpy as np
import pytest
from redis import Redis
from tests.conftest import Servers, make_settings
from tests.e2e.fault_tools import NOTHING
from tests.e2e.market_content import ORPHANS, Content, content_of, difference
from tests.e2e.refresh_child import Ended
from tests.e2e.refresh_tools import EVENINGS, MODES, Lives, World, some_lives
from tests.twelvedata_site import twelvedata_site

from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import AssetFilter, ReferenceStore
from waardhaven.bootstrap.container import make_container
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import Vintage

KILLS = int(os.environ.get("REFRESH_KILLS", "6"))
SEED = os.environ.get("REFRESH_SEED", "69")
PLANS = ("free", "pro")

pytestmark = pytest.mark.timeout(180 + KILLS * 15)


@dataclass(kw_only=True)
class Calm:
    """An undisturbed run: the database before it and after, what it knew, how much it said."""

    before: str
    after: Content
    messages: int
    vintage: Vintage | None
    known: PriceColumns


@dataclass(kw_only=True)
class House:
    """Databases on the servers of the session, and lives that refresh them."""

    servers: Servers
    lives: Lives
    made: list[str] = field(default_factory=list)

    async def database(self, template: str) -> str:
        url = await asyncio.to_thread(self.servers.database, template)
        self.made.append(url)
        return url

    async def drop(self, url: str) -> None:
        self.made.remove(url)
        await asyncio.to_thread(self.servers.drop, url)

    async def live(self, world: World, url: str, *, die_at: int = 0, sent: bool = False) -> Ended:
        """Refresh once. Credits of the day are as if nobody had asked before."""
        with Redis.from_url(world.redis_url) as valkey:
            valkey.flushall()
        return await self.lives.one(world.order(url, die_at=die_at, sent=sent))


@asynccontextmanager
async def a_house(servers: Servers, folder: Path) -> AsyncIterator[House]:
    async with some_lives(folder) as lives:
        house = House(servers=servers, lives=lives)
        try:
            yield house
        finally:
            for url in list(house.made):
                await house.drop(url)


def name_of(url: str) -> str:
    return url.split("@/")[1].split("?", maxsplit=1)[0]


async def content(url: str) -> Content:
    """Return what a database knows, after looking that nothing in it is orphaned or contradicts itself."""
    connection = await asyncpg.connect(url)
    try:
        for fault, query in {**NOTHING, **ORPHANS}.items():
            found = await connection.fetch(query)
            assert not found, f"{fault}: {found[:3]}"
        return await content_of(connection)
    finally:
        await connection.close()


async def bars_at(url: str, vintage: Vintage | None) -> tuple[Vintage | None, PriceColumns]:
    """Return the newest vintage, and all bars as they were known at one."""
    container = make_container(make_settings(url, "redis://127.0.0.1:1/0"))
    try:
        reference, prices = await container.get(ReferenceStore), await container.get(PriceStore)
        assets = [one.id for one in await reference.find_assets(AssetFilter(archived=None), limit=100)]
        series = [one.id for one in await reference.coverage(assets)]
        latest = await reference.latest_vintage()
        return (None if latest is None else latest.id), await prices.bars(series, vintage=vintage)
    finally:
        await container.close()


def same_bits(one: PriceColumns, other: PriceColumns) -> bool:
    names = ("series", "day", "open", "high", "low", "close", "volume")
    return all(np.array_equal(_bits(getattr(one, name)), _bits(getattr(other, name))) for name in names)


def _bits(column: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(column).view(np.uint8)


async def calm_run(house: House, world: World, before: str) -> tuple[Calm, str]:
    """Refresh a copy of a database undisturbed; return what came of it, and the copy."""
    url = await house.database(name_of(before))
    vintage, known = await bars_at(url, None)
    ended = await house.live(world, url)
    assert ended.code == 0
    after = await content(url)
    calm = Calm(before=before, after=after, messages=ended.messages, vintage=vintage, known=known)
    return calm, url


async def calm_runs(house: House, world: World, empty: str) -> list[Calm]:
    """Refresh undisturbed on every evening, each time from what the last one left."""
    found, url = [], await house.database(empty)
    for evening in range(len(EVENINGS)):
        world.turn_to(evening)
        calm, url = await calm_run(house, world, url)
        found.append(calm)
    return found


async def stormy_run(house: House, world: World, calm: Calm, random: Random, share: float) -> int:
    """Kill a refresh at a share of what it says, maybe once more, let it end well; return the kills."""
    url = await house.database(name_of(calm.before))
    points = [max(1, round(calm.messages * share))]
    while random.random() < 0.3:
        points.append(random.randint(1, calm.messages))
    told, kills = [], 0
    for point in points:
        sent = random.random() < 0.5
        kills += (await house.live(world, url, die_at=point, sent=sent)).code != 0
        told.append(f"{point}{'+' if sent else '-'}")
    ended = await house.live(world, url)
    where = f"{world.plan}, evening {world.evening} ({MODES[world.evening]}), at {' '.join(told)}"
    found = difference(calm.after, await content(url))
    assert ended.code == 0
    assert not found, f"REFRESH_SEED={SEED}: killed in {where} of {calm.messages}: {found}"
    if calm.vintage is not None:
        _, then = await bars_at(url, calm.vintage)
        assert same_bits(then, calm.known), f"bars as of before are others: {where}"
    await house.drop(url)
    return kills


async def test_refresh_killed_anywhere_leaves_what_an_undisturbed_one_leaves(
    servers: Servers, schema_template: str, valkey_url: str, tmp_path: Path
):
    random, kills, rounds = Random(SEED), 0, 0
    async with a_house(servers, tmp_path) as house, twelvedata_site() as site:
        stages = []
        for plan in PLANS:
            world = World(site=site, plan=plan, folder=tmp_path, redis_url=valkey_url)
            calms = await calm_runs(house, world, schema_template)
            stages += [(world, evening, calm) for evening, calm in enumerate(calms)]
        while kills < KILLS or rounds < min(KILLS, len(stages)):
            world, evening, calm = stages[rounds % len(stages)]
            world.turn_to(evening)
            strata = max(1, KILLS // len(stages))
            share = (rounds // len(stages) % strata + random.random()) / strata
            kills += await stormy_run(house, world, calm, random, share)
            rounds += 1
    said = [calm.messages for _, _, calm in stages]
    print(f"REFRESH_SEED={SEED}: {kills} kills in {rounds} refreshes of {said} messages")  # noqa: T201
