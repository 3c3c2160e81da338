"""EODHD over its local site: what every error comes to, and where the key is not."""

import asyncio
import logging
import traceback
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from tests.eodhd_site import KEY, PASSING, WHOLE, paper, text
from tests.integration.market_data.eodhd_tools import eodhd_bench, loaded, wanted
from tests.twelvedata_site import NOON

from waardhaven.adapters.outbound.market_data import eodhd
from waardhaven.application.ports.market_data import (
    BarColumns,
    NotDelivered,
    Reason,
    SourceUnavailable,
)
from waardhaven.application.ports.provider_gate import Allotment

ONE = paper("AAPL.US", mic="XNAS")
PENCE = paper("VOD.LSE", mic="XLON", unit="GBX", currency="GBP")


@pytest.mark.parametrize("fault", PASSING)
async def test_what_goes_by_is_asked_again(fault: str):
    async with eodhd_bench([ONE]) as made:
        made.site.faults.extend([fault, None])
        assert loaded(made, await made.bars(*wanted(ONE)))
        assert len(made.site.asked) == 2


@pytest.mark.parametrize("fault", PASSING)
async def test_what_does_not_go_by_is_unavailable(fault: str):
    async with eodhd_bench([ONE], attempts=3) as made:
        made.site.faults.extend([fault] * 3)
        (answer,) = await made.bars(*wanted(ONE))
        assert len(made.site.asked) == 3
    assert isinstance(answer, NotDelivered)
    assert answer.reason is Reason.UNAVAILABLE


REFUSALS = {
    "bad key": Reason.BAD_KEY,
    "bad key forbidden": Reason.BAD_KEY,
    "plan": Reason.NOT_IN_PLAN,
    "plan without words": Reason.NOT_IN_PLAN,
    "unknown": Reason.UNKNOWN_SYMBOL,
    "unknown without words": Reason.UNKNOWN_SYMBOL,
    "refused": Reason.BAD_DATA,
    "another shape": Reason.BAD_DATA,
    "null": Reason.BAD_DATA,
    "a bar of words": Reason.BAD_DATA,
    "no day": Reason.BAD_DATA,
}


@pytest.mark.parametrize(("fault", "reason"), REFUSALS.items())
async def test_refusal_is_told_and_not_asked_again(fault: str, reason: Reason):
    async with eodhd_bench([ONE]) as made:
        made.site.faults.append(fault)
        (answer,) = await made.bars(*wanted(ONE))
        assert len(made.site.asked) == 1
        assert (await made.gate.state("eodhd")).failures == 0
    assert isinstance(answer, NotDelivered)
    assert answer.reason is reason
    assert answer.detail


async def test_spent_minute_is_waited_for():
    async with eodhd_bench([ONE]) as made:
        made.site.faults.append("minute")
        assert loaded(made, await made.bars(*wanted(ONE)))
        assert made.clock.waited == [pytest.approx(56, abs=5)]


async def test_person_does_not_wait_for_the_next_minute():
    async with eodhd_bench([ONE], patience_seconds=1500) as made:
        made.site.faults.extend(["minute"] * 2)
        (quoted,) = await made.source.quotes([ONE.listing])
        with pytest.raises(SourceUnavailable, match="minute"):
            await made.source.search("apple")
        assert made.clock.waited == []
    assert isinstance(quoted, NotDelivered)
    assert quoted.reason is Reason.NO_CREDITS


@pytest.mark.parametrize("fault", ["day", "day in words", "day as many"])
async def test_spent_day_is_told_and_nothing_more_is_asked_before_the_next(fault: str):
    market = [paper(f"S{n}.US") for n in range(6)]
    async with eodhd_bench(market) as made:
        made.site.faults.append(fault)
        first = await made.bars(*wanted(market[0]))
        rest = await made.bars(*wanted(*market))
        assert len(made.site.asked) == 1
        made.clock.at += 86_400
        assert loaded(made, await made.bars(*wanted(*market)))
    refused = [one for one in (*first, *rest) if isinstance(one, NotDelivered)]
    assert [one.reason for one in refused] == [Reason.NO_CREDITS] * 7


async def test_free_plan_learns_its_twenty_a_day_from_the_refusal():
    market = [paper(f"S{n}.US", bars=2) for n in range(40)]
    async with eodhd_bench(market, per_day=20) as made:
        answers = await made.bars(*wanted(*market))
        assert made.site.used.total() == 20
        assert made.site.refused <= eodhd.AT_ONCE
    delivered = [one for one in answers if isinstance(one, BarColumns)]
    refused = [one for one in answers if isinstance(one, NotDelivered)]
    assert (len(delivered), len(refused)) == (40, 20)
    assert {one.reason for one in refused} == {Reason.NO_CREDITS}


async def test_requests_keep_within_the_credits_of_a_minute():
    market = [paper(f"S{n}.US", bars=2) for n in range(10)]
    async with eodhd_bench(
        market, allotment=Allotment(per_minute=4), per_minute=4, patience_seconds=300
    ) as made:
        assert loaded(made, await made.bars(*wanted(*market)))
        assert made.site.refused == 0
        assert max(made.site.used.values()) <= 4


async def test_refused_key_stops_what_was_not_asked_yet():
    market = [paper(f"S{n}.US") for n in range(12)]
    async with eodhd_bench(market, key="another") as made:
        answers = await made.bars(*wanted(*market))
        assert len(made.site.asked) == eodhd.AT_ONCE
    assert [one.reason for one in answers if isinstance(one, NotDelivered)] == [Reason.BAD_KEY] * 12


async def test_credits_the_provider_reports_are_told_to_the_gate():
    async with eodhd_bench([ONE]) as made:
        made.site.used[int(NOON // 60)] = 700
        await made.bars(*wanted(ONE))
        assert (await made.gate.state("eodhd")).minute_used == 701


async def test_free_plan_has_no_actions_and_no_quotes_and_says_so():
    async with eodhd_bench([ONE], free=True) as made:
        (actions,) = [one async for one in made.source.actions(wanted(ONE))]
        (quoted,) = await made.source.quotes([ONE.listing])
    for answer in (actions, quoted):
        assert isinstance(answer, NotDelivered)
        assert answer.reason is Reason.NOT_IN_PLAN
        assert "free users" in answer.detail


async def test_cancelled_caller_leaves_nothing_running_and_the_next_is_answered():
    async with eodhd_bench([ONE]) as made:
        made.site.faults.append("hang")
        asking = asyncio.ensure_future(made.bars(*wanted(ONE)))
        await asyncio.wait_for(made.site.hanging.wait(), 5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert loaded(made, await made.bars(*wanted(ONE)))
        assert (await made.gate.state("eodhd")).failures == 0


# --- the key


def everything_of(error: BaseException | None) -> Iterator[str]:
    """Yield every text of an exception, of its causes and of what they hold."""
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield "".join(traceback.format_exception(error))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("fault", [*(set(WHOLE) - {"hang"}), None])
async def test_key_stands_in_no_log_answer_or_error(fault: str | None, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    with capture_logs() as logs:
        async with eodhd_bench([PENCE], attempts=2, patience_seconds=1) as made:
            calls = (
                lambda: made.bars(*wanted(PENCE)),
                lambda: made.source.quotes([PENCE.listing]),
                lambda: made.source.search("VOD"),
            )
            for call in calls:
                made.site.faults.clear()
                made.site.faults.extend([fault] * 9)
                try:
                    texts.append(repr(await call()))
                except SourceUnavailable as error:
                    texts += everything_of(error)
                await made.gate.succeeded("eodhd")
                made.clock.at += 86_400
            texts += [repr(made.source), repr(made.requests), repr(made.gate.providers)]
            assert all(KEY in path for path in made.site.asked)
            assert len(made.site.asked) >= 3
    texts += [repr(logs), caplog.text]
    assert not [one for one in texts if KEY in one]


@pytest.mark.parametrize("status", [403, 422, 500])
async def test_provider_that_repeats_the_key_is_not_repeated(status: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(WHOLE, "repeats", text(f"Nothing for {KEY} today", status))
    async with eodhd_bench([ONE], attempts=1) as made:
        made.site.faults.append("repeats")
        (answer,) = await made.bars(*wanted(ONE))
        held = repr(made.gate.providers)
    assert isinstance(answer, NotDelivered)
    assert "***" in answer.detail or status == 500
    assert KEY not in repr(answer) + held


async def test_key_with_signs_of_a_query_is_sent_whole():
    async with eodhd_bench([ONE], key="a&b=c+d%20") as made:
        await made.bars(*wanted(ONE))
        assert made.site.asked[0].endswith("&api_token=a%26b%3Dc%2Bd%2520")
