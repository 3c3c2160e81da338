"""RelayOutbox and CheckReadiness over fakes."""

import asyncio

import pytest
from tests.fakes.health import FakeProbe
from tests.fakes.outbox import FakeEventStream, FakeOutbox
from tests.unit.application.world import ANALYST, VIEWER

from waardhaven.application.diagnostics.queries import CheckReadiness, Probes
from waardhaven.application.jobs.relay_outbox import BATCH, RelayOutbox
from waardhaven.application.ports.health import DependencyHealth
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied


def an_outbox(count: int) -> FakeOutbox:
    outbox = FakeOutbox()
    for n in range(count):
        outbox.put("market.changed", {"n": n})
    return outbox


@pytest.mark.parametrize("count", [0, 1, BATCH, 2 * BATCH + 1])
async def test_every_event_is_delivered_once_oldest_first(count: int):
    outbox, stream = an_outbox(count), FakeEventStream()
    relay = RelayOutbox(outbox, stream)
    assert await relay(OPERATOR) == count
    assert [one.id for one in stream.arrived] == list(range(1, count + 1))
    assert await relay(OPERATOR) == 0
    assert len(stream.arrived) == count


class Crash(Exception):
    """The process ends here."""


class CrashesOnce(FakeOutbox):
    """Dies between the stream taking the events and their being marked."""

    crashed = False

    async def mark_delivered(self, ids: list[int]) -> None:
        if not self.crashed:
            self.crashed = True
            raise Crash
        await super().mark_delivered(ids)


async def test_crash_between_publishing_and_marking_delivers_twice_never_zero_times():
    outbox, stream = CrashesOnce(an_outbox(3).events), FakeEventStream()
    with pytest.raises(Crash):
        await RelayOutbox(outbox, stream)(OPERATOR)
    outbox.put("market.changed", {"n": 3})
    assert await RelayOutbox(outbox, stream)(OPERATOR) == 4
    assert [one.id for one in stream.arrived] == [1, 2, 3, 1, 2, 3, 4]


async def test_events_stay_in_the_outbox_while_the_stream_is_out_of_reach():
    outbox, stream = an_outbox(3), FakeEventStream(failing=True)
    with pytest.raises(Unavailable):
        await RelayOutbox(outbox, stream)(OPERATOR)
    assert len(await outbox.pending(limit=9)) == 3
    stream.failing = False
    assert await RelayOutbox(outbox, stream)(OPERATOR) == 3


async def test_only_operators_relay():
    outbox = an_outbox(1)
    for by in (VIEWER, ANALYST):
        with pytest.raises(PermissionDenied):
            await RelayOutbox(outbox, FakeEventStream())(by)
    assert len(await outbox.pending(limit=9)) == 1


# --- readiness


@pytest.mark.parametrize(
    ("probes", "ready"),
    [
        ((), True),
        ((FakeProbe(), FakeProbe(required=False)), True),
        ((FakeProbe(), FakeProbe(ready=False, required=False)), True),
        ((FakeProbe(ready=False), FakeProbe()), False),
    ],
    ids=["nothing_needed", "all_there", "optional_missing", "required_missing"],
)
async def test_service_is_ready_when_every_required_dependency_is(probes: tuple[FakeProbe, ...], ready: bool):
    found = await CheckReadiness(Probes(probes))()
    assert found.ready is ready
    assert [one.ready for one in found.dependencies] == [one.ready for one in probes]


class Waiting(FakeProbe):
    """Answers only when all are being asked."""

    barrier = asyncio.Barrier(3)

    async def check(self) -> DependencyHealth:
        async with asyncio.timeout(10):
            await self.barrier.wait()
        return await super().check()


async def test_dependencies_are_asked_at_the_same_time():
    Waiting.barrier = asyncio.Barrier(3)
    found = await CheckReadiness(Probes((Waiting(), Waiting(), Waiting())))()
    assert len(found.dependencies) == 3
