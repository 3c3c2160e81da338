"""Clock: what every implementation must do."""

from datetime import timedelta

import pytest
from tests.fakes.clock import FakeClock

from waardhaven.adapters.outbound.clock import SystemClock
from waardhaven.application.ports.clock import Clock


@pytest.fixture(params=[FakeClock, SystemClock], ids=["fake", "system"])
def clock(request: pytest.FixtureRequest) -> Clock:
    return request.param()


def test_present_is_aware_and_in_utc(clock: Clock):
    assert clock.now().utcoffset() == timedelta(0)


def test_present_never_lies_before_what_was_the_present(clock: Clock):
    before = clock.now()
    assert clock.now() >= before
