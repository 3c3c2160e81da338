"""What every ProviderGate promises, whoever counts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs
from tests.fakes.provider_gate import FakeProviderGate

from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.adapters.outbound.valkey.di import ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.provider_gate import ValkeyProviderGate
from waardhaven.application.ports.provider_gate import (
    Allotment,
    Breaker,
    GateUnavailable,
    Grant,
    Period,
    ProviderGate,
)

NOON = datetime(2024, 6, 3, 12, tzinfo=UTC).timestamp()
EIGHT = Allotment(per_minute=8, per_day=800)
EARLY, LATE = 1.0, 5.0


@dataclass
class Hand:
    """A clock turned by hand: half a minute past noon."""

    at: float = NOON + 30

    def __call__(self) -> float:
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The gate as two processes see it, at one clock."""

    one: ProviderGate
    other: ProviderGate
    clock: Hand

    async def take(self, wanted: int = 1, least: int = 1, allotment: Allotment = EIGHT) -> Grant:
        return await self.one.take("p", wanted=wanted, least=least, allotment=allotment)

    async def fail(self, times: int) -> None:
        for _ in range(times):
            await self.one.failed("p", "HTTP 500")


@pytest.fixture(params=["fake", "valkey"])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    clock = Hand()
    if request.param == "fake":
        fake = FakeProviderGate(clock, EARLY, LATE)
        yield Case(one=fake, other=fake, clock=clock)
        return
    settings = ValkeySettings(url=request.getfixturevalue("valkey_url"), timeout_seconds=5)
    clients = [connect(settings) for _ in range(2)]
    one, other = (ValkeyProviderGate(client, timeout_seconds=5, now=clock) for client in clients)
    yield Case(one=one, other=other, clock=clock)
    for client in clients:
        await client.aclose()


async def test_what_is_wanted_is_granted_while_there_is_enough(case: Case) -> None:
    assert await case.take(5) == Grant(credits=5)
    assert (await case.other.state("p")).minute_used == 5
    assert (await case.other.state("p")).day_used == 5


async def test_less_is_granted_when_less_is_left_and_nothing_below_the_least(case: Case) -> None:
    await case.take(5)
    assert (await case.take(20, least=4)).credits == 0
    assert (await case.take(20, least=2)).credits == 3


async def test_least_is_granted_when_less_was_wanted(case: Case) -> None:
    assert (await case.take(1, least=6)).credits == 6


async def test_spent_minute_grants_nothing_until_shortly_after_the_next_begins(case: Case) -> None:
    await case.take(8)
    refused = await case.take()
    assert (refused.credits, refused.period, refused.breaker_open) == (0, Period.MINUTE, False)
    assert refused.retry_seconds == pytest.approx(30 + EARLY, abs=0.01)
    case.clock.at += refused.retry_seconds
    assert (await case.take(20)).credits == 8


async def test_start_of_a_minute_still_counts_in_the_one_before(case: Case) -> None:
    await case.take(8)
    case.clock.at = NOON + 60 + EARLY / 2
    refused = await case.take()
    assert refused.retry_seconds == pytest.approx(EARLY / 2, abs=0.01)
    case.clock.at += refused.retry_seconds
    assert (await case.take(8)).credits == 8


async def test_what_is_granted_at_the_start_of_a_minute_counts_in_the_one_before(case: Case) -> None:
    await case.take(6)
    case.clock.at = NOON + 60 + EARLY / 2
    assert (await case.take(1)).credits == 1
    assert (await case.take(8)).credits == 1
    assert (await case.take(1)).credits == 0


async def test_end_of_a_minute_counts_in_the_next_one_too(case: Case) -> None:
    case.clock.at = NOON + 60 - LATE / 2
    await case.take(6)
    case.clock.at = NOON + 60 + EARLY
    assert (await case.take(8)).credits == 2


async def test_spent_day_grants_nothing_until_midnight_in_utc(case: Case) -> None:
    allotment = Allotment(per_minute=None, per_day=10)
    await case.take(9, allotment=allotment)
    assert (await case.take(9, allotment=allotment)).credits == 1
    refused = await case.take(allotment=allotment)
    assert (refused.credits, refused.period) == (0, Period.DAY)
    assert refused.retry_seconds == pytest.approx(12 * 3600 - 30 + EARLY, abs=0.01)
    case.clock.at += refused.retry_seconds
    assert (await case.take(20, allotment=allotment)).credits == 10


async def test_longer_of_two_waits_is_told(case: Case) -> None:
    allotment = Allotment(per_minute=3, per_day=3)
    await case.take(3, allotment=allotment)
    assert (await case.take(allotment=allotment)).period is Period.DAY


async def test_refusal_sets_nothing_aside(case: Case) -> None:
    for _ in range(5):
        await case.take(9, least=9)
    state = await case.one.state("p")
    assert (state.minute_used, state.day_used) == (0, 0)


async def test_what_is_not_counted_is_not_bounded(case: Case) -> None:
    unbounded = Allotment(per_minute=None)
    assert (await case.take(100_000, allotment=unbounded)).credits == 100_000
    assert (await case.take(100_000, allotment=unbounded)).credits == 100_000


async def test_providers_are_apart(case: Case) -> None:
    await case.take(8)
    await case.fail(5)
    other = await case.one.take("q", wanted=8, least=1, allotment=EIGHT)
    assert other.credits == 8


async def test_report_of_the_provider_only_ever_counts_up(case: Case) -> None:
    await case.take(3)
    await case.other.observe("p", used=6, left=2, limit=8)
    assert (await case.one.state("p")).minute_used == 6
    await case.other.observe("p", used=1, left=7, limit=8)
    await case.other.observe("p", used=None, left=None, limit=8)
    await case.other.observe("p", used=None, left=3, limit=None)
    assert (await case.one.state("p")).minute_used == 6
    assert (await case.take(8)).credits == 2


async def test_what_is_left_counts_when_the_use_is_not_told(case: Case) -> None:
    await case.one.observe("p", used=None, left=1, limit=8)
    assert (await case.take(8)).credits == 1


async def test_report_belongs_to_its_minute_alone(case: Case) -> None:
    await case.one.observe("p", used=8, left=0, limit=8)
    assert (await case.take()).credits == 0
    case.clock.at = NOON + 60 + EARLY
    assert (await case.take(8)).credits == 8


@pytest.mark.parametrize(("period", "seconds"), [(Period.MINUTE, 31), (Period.DAY, 12 * 3600 - 29)])
async def test_exhausted_period_grants_nothing_until_it_is_over(
    case: Case, period: Period, seconds: int
) -> None:
    await case.other.exhausted("p", period)
    refused = await case.take()
    assert (refused.credits, refused.period) == (0, period)
    assert refused.retry_seconds == pytest.approx(seconds, abs=0.01)
    case.clock.at += refused.retry_seconds
    assert (await case.take()).credits == 1


@pytest.mark.parametrize("period", list(Period))
async def test_exhausted_period_grants_nothing_even_where_it_is_not_counted(
    case: Case, period: Period
) -> None:
    unbounded = Allotment(per_minute=None)
    await case.other.exhausted("p", period)
    refused = await case.take(allotment=unbounded)
    assert (refused.credits, refused.period) == (0, period)
    case.clock.at += refused.retry_seconds
    assert (await case.take(9, allotment=unbounded)).credits == 9


async def test_exhausted_minute_lasts_into_the_start_of_the_next(case: Case) -> None:
    await case.other.exhausted("p", Period.MINUTE)
    assert (await case.one.state("p")).minute_used == 0
    case.clock.at = NOON + 60 + EARLY / 2
    assert (await case.take()).retry_seconds == pytest.approx(EARLY / 2, abs=0.01)


async def test_clock_set_back_a_little_grants_nothing_twice(case: Case) -> None:
    case.clock.at = NOON + 90
    await case.take(8)
    case.clock.at = NOON + 59.5
    assert (await case.take()).credits == 0


async def test_four_failures_leave_the_breaker_closed(case: Case) -> None:
    await case.fail(4)
    state = await case.other.state("p")
    assert (state.breaker, state.failures, state.last_error) == (Breaker.CLOSED, 4, "HTTP 500")
    assert (await case.take()).credits == 1


async def test_fifth_failure_in_a_row_opens_the_breaker_for_a_minute(case: Case) -> None:
    await case.fail(5)
    refused = await case.take()
    assert (refused.credits, refused.breaker_open, refused.retry_seconds) == (0, True, 60)
    state = await case.other.state("p")
    assert state.breaker is Breaker.OPEN
    assert state.open_until == datetime.fromtimestamp(case.clock.at + 60, UTC)
    assert state.minute_used == 0


async def test_success_between_failures_starts_the_count_again(case: Case) -> None:
    await case.fail(4)
    await case.other.succeeded("p")
    await case.fail(4)
    assert (await case.take()).credits == 1


async def test_half_open_breaker_lets_one_caller_try_with_the_least(case: Case) -> None:
    await case.fail(5)
    case.clock.at += 60
    assert (await case.one.state("p")).breaker is Breaker.HALF_OPEN
    answers = await asyncio.gather(
        *(gate.take("p", wanted=8, least=2, allotment=EIGHT) for gate in (case.one, case.other) * 3)
    )
    granted = [one for one in answers if one.credits]
    assert [(one.credits, one.probe) for one in granted] == [(2, True)]
    assert all(one.breaker_open and 0 < one.retry_seconds <= 1 for one in answers if not one.credits)


async def test_successful_probe_closes_the_breaker(case: Case) -> None:
    await case.fail(5)
    case.clock.at += 60
    assert (await case.take()).probe
    await case.other.succeeded("p")
    assert await case.take(3) == Grant(credits=3)
    state = await case.one.state("p")
    assert (state.breaker, state.failures, state.last_error) == (Breaker.CLOSED, 0, None)


async def test_failed_probe_opens_the_breaker_again(case: Case) -> None:
    await case.fail(5)
    case.clock.at += 60
    await case.take()
    await case.fail(1)
    refused = await case.take()
    assert (refused.breaker_open, refused.retry_seconds) == (True, 60)


async def test_probe_that_never_ends_lets_another_try_later(case: Case) -> None:
    await case.fail(5)
    case.clock.at += 60
    assert (await case.take()).probe
    case.clock.at += 29
    assert (await case.take()).credits == 0
    case.clock.at += 1
    assert (await case.take()).probe


async def test_callers_at_the_same_moment_never_get_more_than_the_allotment(case: Case) -> None:
    """Random questions at random instants; what may count in a minute is added up from the grants alone."""
    random = Random(7)
    grants: list[tuple[float, int]] = []
    for _ in range(40):
        case.clock.at += random.choice([0.0, 0.2, 1.5, 7.0, 25.0])
        at = case.clock.at
        answers = await asyncio.gather(
            *(
                gate.take("p", wanted=random.randint(1, 5), least=1, allotment=EIGHT)
                for gate in (case.one, case.other) * 2
            )
        )
        grants += [(at, one.credits) for one in answers]
    assert sum(number for _, number in grants) > 40
    for minute in range(int(NOON // 60), int(case.clock.at // 60) + 1):
        first, last = minute * 60 - LATE, minute * 60 + 60 + EARLY
        possible = [number for at, number in grants if first <= at < last]
        assert sum(possible) <= 8


async def test_nothing_is_granted_while_the_count_is_out_of_reach(tmp_path: object) -> None:
    client = Redis.from_url(f"unix://{tmp_path}/nobody.sock")
    real = ValkeyProviderGate(client, circuit=Circuit("test", pause_seconds=0))
    for gate in (real, FakeProviderGate(away=True)):
        with pytest.raises(GateUnavailable):
            await gate.take("p", wanted=1, least=1, allotment=EIGHT)
        with pytest.raises(GateUnavailable):
            await gate.observe("p", used=1, left=None, limit=None)
        with pytest.raises(GateUnavailable):
            await gate.exhausted("p", Period.DAY)
        with pytest.raises(GateUnavailable):
            await gate.failed("p", "x")
        with pytest.raises(GateUnavailable):
            await gate.succeeded("p")
        with pytest.raises(GateUnavailable):
            await gate.state("p")
    await client.aclose()


async def test_server_that_failed_is_left_alone_for_a_moment(tmp_path: object) -> None:
    now = Hand(0.0)
    client = Redis.from_url(f"unix://{tmp_path}/nobody.sock")
    gate = ValkeyProviderGate(client, circuit=Circuit("test", pause_seconds=1, now=now))
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(GateUnavailable) as caught:
                await gate.state("p")
        assert caught.value.__cause__ is None
        now.at = 1.0
        with pytest.raises(GateUnavailable) as caught:
            await gate.state("p")
        assert caught.value.__cause__ is not None
    assert len(logs) == 1
    await client.aclose()


async def test_clock_of_the_server_decides_where_no_other_is_given(valkey_url: str) -> None:
    client = connect(ValkeySettings(url=valkey_url, timeout_seconds=5))
    gate = ValkeyProviderGate(client, timeout_seconds=5)
    seconds, _ = await client.time()
    await gate.exhausted("p", Period.DAY)
    refused = await gate.take("p", wanted=1, least=1, allotment=EIGHT)
    assert refused.retry_seconds == pytest.approx(86_400 - seconds % 86_400 + EARLY, abs=5)
    assert 0 < await client.pttl("waardhaven:provider:p") <= 172_800_000
    await client.aclose()
