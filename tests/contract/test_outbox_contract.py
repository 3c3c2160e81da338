"""Outbox and EventStream: what every implementation must do."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest
from tests.contract.conftest import Stores
from tests.contract.indexes import DEFINITION, an_index
from tests.fakes.outbox import FakeEventStream

from waardhaven.adapters.outbound.valkey.di import ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.events import STREAM, ValkeyEventStream
from waardhaven.application.ports.outbox import EventStream, OutboxEvent
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import OPERATOR


async def test_outbox_without_events_is_empty(stores: Stores):
    assert await stores.outbox.pending(limit=10) == []
    await stores.outbox.mark_delivered([])
    await stores.outbox.mark_delivered([7])


async def test_pending_events_come_oldest_first_with_what_happened(stores: Stores):
    before = datetime.now(UTC)
    index = await an_index(stores)
    events = await stores.outbox.pending(limit=100)
    assert [one.id for one in events] == sorted({one.id for one in events})
    assert events[-1].kind == "index.defined"
    assert events[-1].payload == {"index": index.id, "version": 1}
    assert all(before <= one.created_at <= datetime.now(UTC) for one in events)
    assert events[:2] == await stores.outbox.pending(limit=2)


async def test_delivered_events_are_not_pending_and_marking_twice_changes_nothing(stores: Stores):
    await an_index(stores)
    events = await stores.outbox.pending(limit=100)
    await stores.outbox.mark_delivered([events[1].id, events[0].id])
    await stores.outbox.mark_delivered([events[0].id])
    assert await stores.outbox.pending(limit=100) == events[2:]
    await stores.outbox.mark_delivered([one.id for one in events])
    assert await stores.outbox.pending(limit=100) == []
    await stores.indexes.define(DEFINITION, by=OPERATOR)
    assert await stores.outbox.pending(limit=100) == []


# --- EventStream


@pytest.fixture(params=["fake", "valkey"])
def stream_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "fake" else str(request.getfixturevalue("valkey_url"))


class Watched:
    """A stream, what arrived in it, and the same out of reach."""

    def __init__(self, url: str | None) -> None:
        self._fake = FakeEventStream()
        self._client = connect(ValkeySettings(url=url, timeout_seconds=5.0)) if url else None
        self.stream: EventStream = ValkeyEventStream(self._client) if self._client else self._fake

    async def arrived(self) -> list[tuple[int, str, object]]:
        if self._client is None:
            return [(one.id, one.kind, one.payload) for one in self._fake.arrived]
        found = await self._client.xrange(STREAM)
        decode = msgspec.json.decode
        return [(int(e[b"id"]), e[b"kind"].decode(), decode(e[b"payload"])) for _, e in found]

    def out_of_reach(self) -> EventStream:
        if self._client is None:
            return FakeEventStream(failing=True)
        return ValkeyEventStream(connect(ValkeySettings(url="unix:///nonexistent/valkey.sock")))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


@pytest.fixture
async def watched(stream_url: str | None) -> AsyncIterator[Watched]:
    made = Watched(stream_url)
    yield made
    await made.close()


def some_events(*ids: int) -> list[OutboxEvent]:
    at = datetime(2024, 6, 3, tzinfo=UTC)
    return [OutboxEvent(id=one, kind="market.changed", payload={"n": one}, created_at=at) for one in ids]


async def test_stream_keeps_the_order_of_events_and_shows_one_published_twice_twice(watched: Watched):
    await watched.stream.publish(some_events(1, 2))
    await watched.stream.publish([])
    await watched.stream.publish(some_events(2, 3))
    assert await watched.arrived() == [(n, "market.changed", {"n": n}) for n in (1, 2, 2, 3)]


async def test_stream_out_of_reach_raises_unavailable(watched: Watched):
    with pytest.raises(Unavailable):
        await watched.out_of_reach().publish(some_events(1))
