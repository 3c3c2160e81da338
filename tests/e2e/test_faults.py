"""Kill a part at a random moment of the first load or of a build; nothing is lost, nothing is half done.

FAULT_RUNS is how many runs there are, FAULT_SEED what they are drawn from. A failed run is repeated by
giving the same seed and the name of the test.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import numpy as np
import psutil
import pytest
from tests.conftest import make_settings
from tests.e2e.fault_tools import (
    Registrations,
    assert_delivered,
    assert_whole,
    count_sample_bars,
    generation_without_events,
    same,
)
from tests.e2e.up_tools import (
    CURRENT,
    HISTORY,
    Place,
    Running,
    assert_one_line,
    client,
    free_port,
    is_ready,
    lines,
    register,
    status,
    wait_until,
)

from waardhaven.adapters.outbound.embedded import attach
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.bootstrap.container import make_container
from waardhaven.domain.market.prices import PriceColumns

RUNS = int(os.environ.get("FAULT_RUNS", "4"))
SEED = os.environ.get("FAULT_SEED", "68")
VICTIMS = ("postgres", "up", "api", "worker", "valkey")
STEPS = ("servers", "database", "schema", "calendars", "assets", "exchange rates", "prices", "index")
CHILDREN = {"api": "serve", "worker": "worker"}
SERVERS = {"postgres": "postgres", "valkey": "valkey-server"}
BUILD_SECONDS = 2.5
"""About what a build at the command line takes; the moment is drawn from this long."""

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True, slots=True)
class Fault:
    """Who is killed, and when: a step of the load and seconds into it, or seconds into a build."""

    number: int
    victim: str
    phase: str

    @property
    def random(self) -> Random:
        return Random(f"{SEED}:{self.number}")

    def __str__(self) -> str:
        return f"{self.number}-{self.victim}-in-{self.phase}"


def _faults() -> list[Fault]:
    """Return the runs: victims in a drawn order, load and build in turn, all ten pairs in ten runs."""
    order = list(VICTIMS)
    Random(SEED).shuffle(order)
    return [
        Fault(number, order[number % 5], "load" if number % 2 == 0 else "build") for number in range(RUNS)
    ]


FAULTS = _faults()


@pytest.fixture(scope="session")
def sample_bars() -> int:
    return asyncio.run(count_sample_bars())


def _find(up: Running, victim: str, random: Random) -> psutil.Process | None:
    """Return a process to kill: of PostgreSQL any of its processes, the main one as often as not."""
    if victim == "up":
        return psutil.Process(up.process.pid)
    if victim in CHILDREN:
        return up.find(CHILDREN[victim])
    found = up.place.servers(SERVERS[victim])
    return random.choice([found[0], random.choice(found)]) if found else None


def _kill(up: Running, fault: Fault, random: Random, moment: str) -> None:
    victim = wait_until(lambda: up.is_over or _find(up, fault.victim, random), f"there is a {fault.victim}")
    assert isinstance(victim, psutil.Process), f"it ended: {up.said}{up.complained}"
    words = " ".join(victim.cmdline()[-4:])
    with suppress(psutil.NoSuchProcess):
        victim.kill()
    print(f"FAULT_SEED={SEED} run {fault}: kill -9 {victim.pid} ({words}) {moment}")  # noqa: T201
    if fault.victim == "up":
        up.process.wait(10)


def _recovered(up: Running, fault: Fault, port: str, *, may_end: bool) -> Running:
    """Return what runs in the end: `up` itself if it recovers, another one where it had to end."""
    wait_until(lambda: up.is_over or "is ready at" in up.said, f"it is ready or over: {up.said}", 90)
    if up.is_over:
        if fault.victim != "up":
            assert may_end, f"it gave up: {up.said}{up.complained}"
            assert_one_line(up)
        up = up.place.up("--port", port)
    url = up.url(90)
    assert up.complained == ""
    wait_until(lambda: is_ready(url), "it is ready", 60)
    return up


def _levels(url: str, name: str) -> list[float]:
    with client(url, register(url, name)) as http:
        wait_until(lambda: http.get(CURRENT).status_code == 200, "the index is published")
        return list(http.get(HISTORY).raise_for_status().json()["values"])


async def _assert_sound(up: Running, bars: int) -> None:
    await assert_whole(up.place, bars)
    done = up.place.run("verify", "autoindex", timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "differ" not in done.stdout
    await assert_delivered(up.place)


LOADS = [fault for fault in FAULTS if fault.phase == "load"]
BUILDS = [fault for fault in FAULTS if fault.phase == "build"]


@pytest.mark.parametrize("fault", LOADS, ids=str)
async def test_first_load_recovers_from_a_kill(empty_place: Place, sample_bars: int, fault: Fault):
    random, port = fault.random, str(free_port())
    step, delay = random.choice(STEPS), random.uniform(0, 0.7)
    url = f"http://127.0.0.1:{port}"
    users = Registrations(url)
    up = empty_place.up("--port", port)
    with users.going_on():
        up.wait_for(f"… {step}\n")
        await asyncio.sleep(delay)
        _kill(up, fault, random, f"{delay:.3f} s after {step!r}")
        up = _recovered(up, fault, port, may_end=step == "servers")
    users.assert_kept(url)
    levels = _levels(url, "after")
    assert levels[0] == 100.0
    assert len(levels) == 5_785
    await _assert_sound(up, sample_bars)
    assert up.stop() == 0
    assert empty_place.processes() == []


@pytest.fixture
def busy_up(published_place: Place) -> Iterator[Running]:
    """A running `up` on a published index, on a port that stays the same over starts."""
    up = published_place.up("--port", str(free_port()))
    up.url()
    return up


async def _correct_prices(place: Place, random: Random) -> None:
    """Change some closes of 2010 and later, as a provider's correction would, so that restating matters."""
    endpoints = attach(place.data_dir)
    assert endpoints
    assert endpoints.database_url
    assert endpoints.redis_url
    container = make_container(make_settings(endpoints.database_url, endpoints.redis_url))
    try:
        async with (await container.get(Database)).acquire() as connection:
            rows = await connection.fetch(
                "SELECT p.* FROM price p JOIN series s ON s.id = p.series_id WHERE s.adjustment = 'all'"
                " AND p.day BETWEEN '2012-01-01' AND '2012-03-01'"
            )
        factor = random.uniform(1.01, 1.02)
        columns = {
            name: np.array([row[name] * factor for row in rows]) for name in ("open", "high", "low", "close")
        }
        await (await container.get(PriceStore)).write(
            PriceColumns(
                series=np.array([row["series_id"] for row in rows], dtype=np.int64),
                day=np.array([row["day"] for row in rows], dtype="datetime64[D]"),
                volume=np.array([row["volume"] for row in rows]),
                **columns,
            )
        )
    finally:
        await container.close()


@pytest.mark.parametrize("fault", BUILDS, ids=str)
async def test_build_is_published_whole_or_not_at_all_when_a_part_is_killed(
    busy_up: Running, sample_bars: int, fault: Fault
):
    up, place, random = busy_up, busy_up.place, fault.random
    url, port = up.url(), up.url().rsplit(":", 1)[1]
    await _correct_prices(place, random)
    before, generation = _levels(url, "before"), await generation_without_events(place)
    since = date(2010, 1, 4) + timedelta(days=random.randrange(700))
    command = ("build", "autoindex", "--restate-from", since.isoformat())
    delay = random.uniform(0, BUILD_SECONDS)
    users = Registrations(url)
    with users.going_on():
        build = place.start(*command)
        await asyncio.sleep(delay)
        _kill(up, fault, random, f"{delay:.3f} s into the build (over: {build.is_over})")
        build.process.wait(90)
        up = _recovered(up, fault, port, may_end=False)
        wait_until(lambda: status(url, "/health/ready") == 200, "it is ready")
    assert "Traceback" not in build.complained
    if build.process.returncode != 0:
        assert fault.victim in {"up", "postgres"}, build.complained
        assert len(lines(build.complained)) == 1, build.complained
    users.assert_kept(url)
    meanwhile = _levels(url, "meanwhile")
    again = place.run(*command)
    assert again.returncode == 0, again.stderr
    after = _levels(url, "after")
    assert not same(before, after)
    assert same(meanwhile, before) or same(meanwhile, after)
    if build.process.returncode == 0:
        assert same(meanwhile, after)
    rows = await place.sql("SELECT count(*) AS n FROM publication")
    assert rows[0]["n"] == 2
    assert await generation_without_events(place) == generation
    await _assert_sound(up, sample_bars)
    assert up.stop() == 0
    assert place.processes() == []
