"""EventLog: what every implementation must do."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.contract.conftest import Stores
from tests.contract.indexes import DEFINITION, an_index
from tests.contract.jobs import AGAIN, JobHouse

from waardhaven.application.ports.event_log import EventLog
from waardhaven.domain.events import FactsCommitted, IndexDefined, StrategyChanged, UserChanged
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.identity.roles import OPERATOR, Principal, Role

EVERYBODY = Access(owner=None, visibility=Visibility.PUBLIC)


async def test_log_without_events_has_no_head(stores: Stores):
    events: EventLog = stores.events
    assert await events.head() == 0
    assert await events.since(0, limit=10) == []


async def test_events_come_in_order_without_a_gap_with_what_happened(stores: Stores):
    before = datetime.now(UTC)
    index = await an_index(stores)
    head = await stores.events.head()
    found = await stores.events.since(0, limit=100)
    assert [one.position for one in found] == list(range(1, head + 1))
    assert (found[0].kind, found[0].payload["what"]) == (FactsCommitted.kind, "assets")
    assert found[-1].kind == IndexDefined.kind
    assert found[-1].payload == {"index": index.id, "version": 1}
    assert all(before <= one.at <= datetime.now(UTC) for one in found)


async def test_reading_goes_on_where_it_ended(stores: Stores):
    await an_index(stores)
    head = await stores.events.head()
    found = await stores.events.since(0, limit=100)
    assert await stores.events.since(0, limit=2) == found[:2]
    assert await stores.events.since(2, limit=100) == found[2:]
    assert await stores.events.since(head, limit=100) == []
    assert await stores.events.head() == head
    assert await stores.events.since(0, limit=100) == found


async def test_only_numbered_events_are_seen_and_their_numbers_stay(stores: Stores):
    await an_index(stores)
    head = await stores.events.head()
    before = await stores.events.since(0, limit=100)
    await stores.indexes.define(replace(DEFINITION, decimals=3), by=OPERATOR)
    assert await stores.events.head() == head + 1
    assert await stores.events.since(0, limit=100) == [*before, *await stores.events.since(head, limit=9)]


async def test_first_definition_and_later_ones_are_told_apart(stores: Stores):
    index = await an_index(stores)
    await stores.indexes.define(replace(DEFINITION, decimals=3), by=OPERATOR)
    head = await stores.events.head()
    defined, changed = await stores.events.since(head - 2, limit=9)
    assert (defined.kind, changed.kind) == (IndexDefined.kind, StrategyChanged.kind)
    assert changed.payload == {"index": index.id, "version": 2}


async def test_everybody_may_know_of_the_market_and_of_what_the_system_publishes(stores: Stores):
    await an_index(stores)
    await stores.events.head()
    found = await stores.events.since(0, limit=100)
    assert {one.kind for one in found} == {FactsCommitted.kind, IndexDefined.kind}
    assert [one.access for one in found] == [EVERYBODY] * len(found)


async def test_index_is_told_of_to_those_who_may_see_it(stores: Stores, jobs: JobHouse):
    ada = await jobs.a_user()
    await an_index(stores)
    await stores.indexes.define(replace(DEFINITION, slug="hers"), by=Principal(user=ada, role=Role.ANALYST))
    head = await stores.events.head()
    (event,) = await stores.events.since(head - 1, limit=9)
    assert event.access == Access(owner=ada, visibility=Visibility.PRIVATE)


async def test_account_and_its_jobs_are_told_of_to_its_owner(jobs: JobHouse):
    ada = await jobs.a_user()
    job = await jobs.queued(owner=ada)
    systems = await jobs.queued()
    async with jobs.uow() as tx:
        await tx.emit(UserChanged(user=ada))
        await tx.commit()
    await jobs.events.head()
    found = await jobs.events.since(0, limit=10)
    assert [one.payload.get("job", one.payload.get("user")) for one in found] == [
        str(job.id),
        str(systems.id),
        str(ada),
    ]
    hers = Access(owner=ada, visibility=Visibility.PRIVATE)
    assert [one.access for one in found] == [hers, replace(hers, owner=None), hers]
    viewer = Principal(user=None, role=Role.VIEWER)
    assert [one.access.may_read(viewer) for one in found] == [False] * 3
    assert [one.access.may_read(OPERATOR) for one in found] == [True] * 3


async def test_events_of_one_job_are_those_and_no_others(jobs: JobHouse):
    owner = await jobs.a_user()
    job = await jobs.ended(AGAIN, owner=owner, max_attempts=1)
    child = await jobs.queued(parent=job.id)
    await jobs.events.head()
    found = await jobs.events.since(0, limit=10, job=str(job.id))
    assert [one.payload for one in found] == [
        {
            "job": str(job.id),
            "type": "report",
            "state": state,
            "attempt": attempt,
            "owner": str(owner),
            "parent": None,
            "code": code,
        }
        for state, attempt, code in (("queued", 0, None), ("running", 1, None), ("dead", 1, "no_prices"))
    ]
    assert await jobs.events.since(found[0].position, limit=1, job=str(job.id)) == found[1:2]
    (other,) = await jobs.events.since(0, limit=10, job=str(child.id))
    assert other.payload["parent"] == str(job.id)
    assert await jobs.events.since(0, limit=10, job="nothing") == []


async def test_notices_come_at_once_and_then_at_least_every_second_to_each_listener(jobs: JobHouse):
    async def hear(times: int) -> float:
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(20), aclosing(jobs.events.notices()) as notices:  # type: ignore[type-var]
            for _ in range(times):
                await anext(notices)
        return asyncio.get_running_loop().time() - began

    assert await hear(1) < 1
    assert all(took < 4 for took in await asyncio.gather(hear(3), hear(3)))


async def test_event_is_seen_soon_after_a_notice(jobs: JobHouse):
    async with asyncio.timeout(20), aclosing(jobs.events.notices()) as notices:  # type: ignore[type-var]
        await anext(notices)
        job = await jobs.queued()
        while await jobs.events.head() == 0:
            await anext(notices)
    (event,) = await jobs.events.since(0, limit=9)
    assert event.payload["job"] == str(job.id)
    assert event.at <= datetime.now(UTC) + timedelta(seconds=1)
