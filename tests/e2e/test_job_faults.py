"""Jobs while everything around them is killed: each ends in one state, with its effect exactly once.

FAULT_JOBS jobs are submitted while workers are killed FAULT_KILLS times; FAULT_SEED is what everything is
drawn from.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

import httpx
import psutil
import pytest
from dishka import AsyncContainer
from redis.exceptions import RedisError
from tests.conftest import make_settings
from tests.e2e.effects import EFFECT, Effects
from tests.e2e.up_tools import Place, Running, client, environment, free_port, is_ready, log_in, wait_until

from waardhaven.adapters.outbound.embedded import attach
from waardhaven.application.identity.manage_users import CreateUser
from waardhaven.application.jobs.manage_jobs import CancelJob
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.ports.job_queue import JobQueue
from waardhaven.application.ports.jobs import Delivery
from waardhaven.bootstrap.container import make_container
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import OPERATOR, Role
from waardhaven.domain.jobs.job import IllegalTransition, Job

JOBS = int(os.environ.get("FAULT_JOBS", "120"))
KILLS = int(os.environ.get("FAULT_KILLS", "6"))
SEED = os.environ.get("FAULT_SEED", "68")
SKEWS = (-3600.0, 1800.0)
"""Seconds by which the clocks of the two workers are wrong."""
LEASE = {"JOB_LEASE_SECONDS": "1", "JOB_GRACE_SECONDS": "0.5", "WORKER_CONCURRENCY": "8"}
ROOT = Path(__file__).parents[2]
SPARED_SECONDS = 15.0
WITHIN = 60.0 + KILLS * 5.0
T = TypeVar("T")

pytestmark = pytest.mark.timeout(240 + KILLS * 15)


@dataclass
class Hand:
    """A worker process that is started again each time it is killed."""

    place: Place
    number: int
    process: subprocess.Popen[bytes] | None = None
    lives: int = 0

    def start(self) -> None:
        self.lives += 1
        env = environment(self.place.folder, self.place.data_dir, LEASE)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.effects", "--skew", str(SKEWS[self.number % 2])],
                env={**env, "PYTHONPATH": str(ROOT)},
                cwd=self.place.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> Path:
        return self.place.folder / f"hand-{self.number}-{self.lives}.log"

    def wait_until_it_works(self) -> None:
        """Wait for the log to say so; fail with the log."""
        assert self.process is not None
        deadline = time.monotonic() + 60
        while '"worker started"' not in (said := self.log.read_text()):
            assert self.process.poll() is None, said[-2000:]
            running = self.place.running[0]
            assert time.monotonic() < deadline, f"it does not begin: {said[-2000:]}{running.said[-2000:]}"
            time.sleep(0.02)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)


@dataclass
class Storm:
    """What goes on at the same time: jobs are submitted, cancelled and delivered twice; parts are killed."""

    up: Running
    container: AsyncContainer
    random: Random
    hands: list[Hand]
    jobs: dict[str, Job] = field(default_factory=dict)
    asked_to_end: set[str] = field(default_factory=set)
    over_http: set[str] = field(default_factory=set)
    did: Counter[str] = field(default_factory=Counter)
    hurt_at: dict[str, float] = field(default_factory=dict)

    async def patiently(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something until it works: every act here may be repeated."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return await act()
            except Unavailable:
                assert time.monotonic() < deadline, "the database stayed away"
                await asyncio.sleep(0.05)

    async def use(self, kind: type, *args: object, **params: object) -> Job:
        async with self.container() as scope:
            use_case = await scope.get(kind)
            found: Job = await use_case(OPERATOR, *args, **params)
            return found

    async def submit(self, number: int) -> None:
        unlucky = 1 if self.random.random() < 0.1 else 0
        params = {"steps": self.random.randrange(12), "unlucky": unlucky}
        key = f"storm-{number}"
        job = await self.patiently(lambda: self.use(SubmitJob, job_type="effect", params=params, key=key))
        self.jobs[str(job.id)] = job
        if self.random.random() < 0.1:
            await asyncio.sleep(self.random.uniform(0, 0.3))
            await self.cancel(job)
        if self.random.random() < 0.2:
            await self.deliver_again(job)

    async def cancel(self, job: Job) -> None:
        self.asked_to_end.add(str(job.id))
        self.did["cancel"] += 1
        with suppress(IllegalTransition):
            await self.patiently(lambda: self.use(CancelJob, job=job.id))

    async def deliver_again(self, job: Job) -> None:
        """Send what was sent already, and what is stale."""
        queue = await self.container.get(JobQueue)
        self.did["duplicate"] += 1
        for number in (job.delivery, job.delivery, max(1, job.delivery - 1), job.delivery + 50):
            with suppress(Unavailable):
                await queue.deliver([Delivery(job=job.id, number=number, queue=job.queue)])

    async def submit_all(self, tokens: list[str]) -> None:
        for number in range(JOBS):
            await self.submit(number)
            if number % 10 == 0:
                await asyncio.to_thread(self.submit_over_http, tokens[number % len(tokens)], number)
            await asyncio.sleep(self.random.uniform(0, 2 * KILLS * 1.2 / JOBS))

    def submit_over_http(self, token: str, number: int) -> None:
        """Ask the API, again and again with one key while it is being killed."""
        body = {"type": "report", "params": {"period_days": 5}, "idempotency_key": f"http-{number}"}

        def submitted() -> str | None:
            with client(self.up.url(), token) as http, suppress(httpx.HTTPError):
                answer = http.post("/api/v1/jobs", json=body, timeout=10)
                if answer.status_code == 202:
                    return str(answer.json()["id"])
                assert answer.status_code in {429, 500, 503}, answer.text
            return None

        self.over_http.add(wait_until(submitted, "the API takes a job", 60))

    async def kill_hands(self) -> None:
        for number in range(KILLS):
            hand = self.hands[number % len(self.hands)]
            await asyncio.to_thread(hand.wait_until_it_works)
            assert not self.up.is_over, self.up.said + self.up.complained
            await asyncio.sleep(self.random.uniform(0, 0.5))
            hand.kill()
            self.did["kill worker"] += 1
            hand.start()
            if number % 3 == 2:
                await self.hurt_a_server(number // 3)

    async def hurt_a_server(self, number: int) -> None:
        """Kill the next one, unless that was killed a moment ago: `up` gives up after five in a minute."""
        act = (self.flush, self.kill_postgres, self.kill_valkey, self.kill_api)[number % 4]
        if time.monotonic() - self.hurt_at.get(act.__name__, 0.0) < SPARED_SECONDS:
            act = self.flush
        self.hurt_at[act.__name__] = time.monotonic()
        await asyncio.to_thread(act)
        self.did[act.__name__] += 1

    def flush(self) -> None:
        with suppress(RedisError):
            self.up.place.valkey().flushall()

    def kill_postgres(self) -> None:
        self._kill_server("postgres")

    def kill_valkey(self) -> None:
        self._kill_server("valkey-server")

    def kill_api(self) -> None:
        with suppress(psutil.Error):
            self.up.child("serve").kill()

    def _kill_server(self, name: str) -> None:
        found = self.up.place.servers(name)
        if found:
            with suppress(psutil.Error):
                found[0].kill()


@asynccontextmanager
async def a_storm(place: Place) -> AsyncIterator[Storm]:
    up = place.up("--no-worker", "--port", str(free_port()))
    up.url()
    endpoints = attach(place.data_dir)
    assert endpoints
    assert endpoints.database_url
    assert endpoints.redis_url
    settings = make_settings(endpoints.database_url, endpoints.redis_url)
    container = make_container(settings, Effects())
    hands = [Hand(place, number) for number in range(2)]
    try:
        for hand in hands:
            hand.start()
        yield Storm(up, container, Random(SEED), hands)
    finally:
        for hand in hands:
            hand.kill()
        await container.close()


async def all_ended(place: Place, ids: set[str]) -> bool:
    rows = await place.sql(
        "SELECT count(*) AS n FROM job WHERE id = ANY($1::uuid[]) AND finished_at IS NOT NULL", list(ids)
    )
    return bool(rows[0]["n"] == len(ids))


async def assert_exactly_once(storm: Storm) -> None:
    place, ids = storm.up.place, {*storm.jobs, *storm.over_http}
    rows = await place.sql(
        "SELECT j.id::text AS id, j.type, j.state, j.attempts, j.error_code, j.result::text AS result,"
        " (SELECT count(*) FROM outbox o WHERE o.kind = 'job.changed' AND o.payload->>'job' = j.id::text"
        "   AND o.payload->>'state' NOT IN ('queued', 'running')) AS endings,"
        " (SELECT count(*) FROM audit_entry a WHERE a.action = $2 AND a.target = 'job:' || j.id) AS effects,"
        " (SELECT count(*) FROM job_artifact f WHERE f.job_id = j.id) AS files"
        " FROM job j WHERE j.id = ANY($1::uuid[])",
        list(ids),
        EFFECT,
    )
    assert {row["id"] for row in rows} == ids, "a job that was accepted is gone"
    for row in rows:
        assert row["endings"] == 1, str(dict(row))
        succeeded = row["state"] == "succeeded"
        cancelled = row["state"] == "cancelled" and row["id"] in storm.asked_to_end
        # A type with five tries is dead when its worker was killed five times under it, and not before.
        dead = row["state"] == "dead" and (row["type"], row["attempts"]) == ("report", 5)
        assert succeeded or cancelled or (dead and row["error_code"] == "worker_lost"), str(dict(row))
        if row["type"] == "effect":
            assert row["effects"] == row["files"] == (1 if succeeded else 0), dict(row)
            assert (row["result"] is not None) is succeeded
    states = Counter(row["state"] for row in rows)
    attempts = Counter(min(row["attempts"], 5) for row in rows)
    print(f"FAULT_SEED={SEED}: {dict(states)}, attempts {dict(attempts)}, {dict(storm.did)}")  # noqa: T201
    assert states["succeeded"] >= len(ids) * 0.8


async def test_every_job_ends_once_with_its_effect_once_whatever_is_killed(published_place: Place):
    async with a_storm(published_place) as storm:
        url = storm.up.url()
        async with storm.container() as scope:
            create = await scope.get(CreateUser)
            made = await create(OPERATOR, email="storm@example.org", role=Role.ADMIN)
        token = log_in(url, made.email, made.password)
        await asyncio.gather(storm.submit_all([token]), storm.kill_hands())
        ids = {*storm.jobs, *storm.over_http}
        assert len(storm.jobs) == JOBS
        deadline = time.monotonic() + WITHIN
        while not await all_ended(storm.up.place, ids):
            assert time.monotonic() < deadline, "jobs did not end in time"
            await asyncio.sleep(0.2)
        wait_until(lambda: is_ready(url), "it is ready")
        await assert_exactly_once(storm)
        assert storm.did["kill worker"] == KILLS
        assert [hand.stop() for hand in storm.hands] == [0, 0]


async def test_job_of_a_killed_worker_is_taken_up_again_within_15_seconds(published_place: Place):
    """With the settings of production: a lease of ten seconds."""
    up = published_place.up()
    up.url()
    place = up.place

    async def job() -> dict[str, object] | None:
        rows = await place.sql("SELECT state, attempts, worker FROM job WHERE type = 'refresh'")
        return dict(rows[0]) if rows else None

    async def until(condition: Callable[[dict[str, object]], bool], seconds: float) -> dict[str, object]:
        deadline = time.monotonic() + seconds
        while not ((found := await job()) and condition(found)):
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.01)
        return found

    submitted = await asyncio.to_thread(place.run, "jobs", "submit", "refresh")
    assert submitted.returncode == 0, submitted.stderr
    first = await until(lambda found: found["state"] == "running", 30)
    up.child("worker").kill()
    killed = time.monotonic()
    second = await until(lambda found: found["attempts"] == 2, 15)
    print(f"taken up again after {time.monotonic() - killed:.1f} s")  # noqa: T201
    assert second["worker"] != first["worker"]
    await until(lambda found: found["state"] == "succeeded", 60)
    assert up.stop() == 0
