"""CheckReadiness over fakes."""

import asyncio

import pytest
from tests.fakes.health import FakeProbe

from waardhaven.application.diagnostics.queries import CheckReadiness, Probes
from waardhaven.application.ports.health import DependencyHealth


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
