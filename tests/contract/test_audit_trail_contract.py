"""AuditTrail: entries in pages, and the chain over them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.fakes.audit_trail import FakeAuditTrail

from waardhaven.adapters.outbound.postgres.audit_trail import PostgresAuditTrail
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.audit_trail import AuditFilter, AuditTrail, SealedHead
from waardhaven.domain.identity.audit import GENESIS, ChainHead, ChainLink, ChainReader, links
from waardhaven.domain.identity.roles import OPERATOR, SYSTEM, Credential, Principal, Role
from waardhaven.domain.types import UserId

ADA, EVE = UserId(UUID(int=1)), UserId(UUID(int=2))
BY_ADA = Principal(user=ADA, role=Role.ADMIN, credential=Credential.API_KEY)
NOW = datetime(2024, 6, 3, 12, 0, 0, 123456, tzinfo=UTC)
EVERYTHING = AuditFilter()
Put = Callable[..., Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail and a way to record in it."""

    trail: AuditTrail
    put: Put

    async def ids(self, wanted: AuditFilter = EVERYTHING, **asked: Any) -> list[int]:
        found = await self.trail.page(wanted, **({"limit": 100} | asked))
        return [one.entry.id for one in found]

    async def chain(self, batch: int = 2) -> list[ChainLink]:
        return [one async for some in self.trail.walk(batch=batch) for one in some]

    async def sealed(self, limit: int = 100) -> SealedHead:
        found = await self.trail.seal(limit=limit)
        assert found is not None
        return found


@pytest.fixture
async def made(backing_url: str | None) -> AsyncIterator[Trail]:
    if backing_url is None:
        yield _fake()
        return
    database = Database(backing_url)
    async with database.acquire() as connection:
        for user, name in ((ADA, "ada"), (EVE, "eve")):
            await connection.execute(
                "INSERT INTO app_user (id, email, username, password_hash) "
                "VALUES ($1, $2 || '@x.org', $2, '$argon2id$x')",
                user,
                name,
            )
    yield Trail(PostgresAuditTrail(database), _putter(database))
    await database.close()


def _fake() -> Trail:
    trail = FakeAuditTrail()

    async def put(action: str = "thing.done", by: Principal = SYSTEM, **given: Any) -> int:
        return trail.put(action, by=by, **({"target": "thing:1", "at": NOW} | given)).id

    return Trail(trail, put)


def _putter(database: Database) -> Put:
    async def put(action: str = "thing.done", by: Principal = SYSTEM, **given: Any) -> int:
        row = {"target": "thing:1", "at": NOW, "occurrences": 1, "detail": {}} | given
        async with database.acquire() as connection:
            number = row.get("number") or await connection.fetchval(
                "SELECT coalesce(max(id), 0) + 1 FROM audit_entry"
            )
            await connection.execute(
                "INSERT INTO audit_entry (id, at, actor_id, credential, action, target, before_digest, "
                "after_digest, occurrences, detail, correlation_id) OVERRIDING SYSTEM VALUE "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                number,
                row["at"],
                by.user,
                str(by.credential),
                action,
                row["target"],
                row.get("before"),
                row.get("after"),
                row["occurrences"],
                json.dumps(row["detail"]),
                row.get("correlation_id"),
            )
        return int(number)

    return put


# --- pages


async def test_entry_comes_back_as_it_was_recorded(made: Trail):
    number = await made.put(
        "user.role_changed",
        BY_ADA,
        target="user:2",
        before=b"\x01" * 32,
        after=b"\x02" * 32,
        occurrences=3,
        detail={"é": [1, 2.5, None, {"b": True}]},
        correlation_id="req-1",
    )
    (found,) = await made.trail.page(EVERYTHING, limit=10)
    entry = found.entry
    assert (entry.id, entry.at, entry.actor, entry.credential) == (number, NOW, ADA, "api_key")
    assert (entry.action, entry.target, entry.occurrences) == ("user.role_changed", "user:2", 3)
    assert (entry.before, entry.after) == (b"\x01" * 32, b"\x02" * 32)
    assert (entry.detail, entry.correlation_id) == ({"é": [1, 2.5, None, {"b": True}]}, "req-1")
    assert found.position is None


async def test_pages_go_from_the_newest_entry_to_the_oldest(made: Trail):
    numbers = [await made.put() for _ in range(5)]
    assert await made.ids(limit=2) == numbers[:-3:-1]
    assert await made.ids(limit=2, before=numbers[3]) == [numbers[2], numbers[1]]
    assert await made.ids(before=numbers[0]) == []


async def test_every_filter_narrows_and_all_of_them_count(made: Trail):
    first = await made.put("user.registered", BY_ADA, target="user:1", correlation_id="a")
    second = await made.put("user.deleted", OPERATOR, target="user:2", at=NOW + timedelta(hours=1))
    third = await made.put("users.listed", BY_ADA, target="user:2", at=NOW + timedelta(hours=2))
    assert await made.ids(AuditFilter(actor=ADA)) == [third, first]
    assert await made.ids(AuditFilter(actor=EVE)) == []
    assert await made.ids(AuditFilter(action="user.")) == [second, first]
    assert await made.ids(AuditFilter(action="user.d")) == [second]
    assert await made.ids(AuditFilter(action="%")) == []
    assert await made.ids(AuditFilter(target="user:2")) == [third, second]
    assert await made.ids(AuditFilter(correlation_id="a")) == [first]
    assert await made.ids(AuditFilter(credential="operator")) == [second]
    assert await made.ids(AuditFilter(since=NOW + timedelta(hours=1))) == [third, second]
    assert await made.ids(AuditFilter(until=NOW + timedelta(hours=1))) == [first]
    assert await made.ids(AuditFilter(actor=ADA, target="user:2")) == [third]
    assert await made.ids(AuditFilter(actor=ADA), before=third) == [first]


# --- sealing


async def test_nothing_recorded_is_nothing_sealed(made: Trail):
    assert await made.trail.head() == GENESIS
    assert await made.sealed() == SealedHead(head=GENESIS, sealed=0)
    assert await made.chain() == []


async def test_entries_are_chained_in_the_order_of_their_ids_without_gaps(made: Trail):
    for number in (7, 3, 5):
        await made.put(number=number)
    found = await made.sealed()
    chain = await made.chain()
    assert [(one.position, one.entry_id) for one in chain] == [(1, 3), (2, 5), (3, 7)]
    assert [one.head for one in chain] == list(links(GENESIS, [one.entry for one in chain if one.entry]))
    assert found == SealedHead(head=chain[-1].head, sealed=3)
    assert await made.trail.head() == chain[-1].head


async def test_sealing_again_adds_nothing(made: Trail):
    await made.put()
    first = await made.sealed()
    assert await made.sealed() == SealedHead(head=first.head, sealed=0)


async def test_limit_bounds_one_seal_and_the_next_goes_on(made: Trail):
    for _ in range(5):
        await made.put()
    assert [(await made.sealed(2)).sealed for _ in range(4)] == [2, 2, 1, 0]
    assert [one.position for one in await made.chain()] == [1, 2, 3, 4, 5]


async def test_entry_that_is_committed_late_is_sealed_behind_the_others(made: Trail):
    await made.put(number=2)
    await made.sealed()
    await made.put(number=1)
    assert (await made.sealed()).sealed == 1
    assert [(one.position, one.entry_id) for one in await made.chain()] == [(1, 2), (2, 1)]


async def test_sealers_at_once_are_one_sealer(made: Trail):
    for _ in range(20):
        await made.put()

    async def seal() -> int:
        found = await made.trail.seal(limit=7)
        await asyncio.sleep(0)
        return found.sealed if found else 0

    while await made.trail.unsealed(until=NOW + timedelta(days=1)):
        await asyncio.gather(*(seal() for _ in range(4)))
    chain = await made.chain()
    assert [one.position for one in chain] == list(range(1, 21))
    assert _is_sound(chain)


def _is_sound(chain: list[ChainLink]) -> bool:
    reader = ChainReader()
    return reader.read(chain) is None and reader.end() is None


async def test_position_is_told_once_an_entry_is_sealed(made: Trail):
    await made.put()
    await made.sealed()
    await made.put()
    assert [one.position for one in await made.trail.page(EVERYTHING, limit=5)] == [None, 1]


async def test_entries_not_sealed_are_counted_by_age(made: Trail):
    await made.put(at=NOW)
    await made.put(at=NOW + timedelta(hours=1))
    assert await made.trail.unsealed(until=NOW) == 0
    assert await made.trail.unsealed(until=NOW + timedelta(minutes=1)) == 1
    assert await made.trail.unsealed(until=NOW + timedelta(hours=2)) == 2
    await made.sealed()
    assert await made.trail.unsealed(until=NOW + timedelta(hours=2)) == 0


@pytest.mark.parametrize("batch", [1, 2, 3, 10])
async def test_walk_gives_every_link_once_in_order_whatever_the_batch(made: Trail, batch: int):
    for _ in range(3):
        await made.put(detail={"a": 1.0, "b": [1, "é"]})
    await made.sealed()
    sizes = [len(some) async for some in made.trail.walk(batch=batch)]
    assert max(sizes) <= batch
    chain = await made.chain(batch)
    assert [one.position for one in chain] == [1, 2, 3]
    assert _is_sound(chain)
    assert chain[-1].head == await made.trail.head() != ChainHead(position=3, digest=bytes(32))
