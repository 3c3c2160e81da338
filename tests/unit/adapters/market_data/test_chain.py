"""Sources one after the other: who is asked for what, and what is said when nobody has it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.contract.market import NAN, a_listing
from tests.fakes.market_data import FakeMarketData

from waardhaven.adapters.outbound.market_data.chain import ChainedMarketData
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    Capability,
    NotDelivered,
    Quote,
    Reason,
    SharesOutstanding,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing
from waardhaven.domain.index.definition import Adjustment

ONE, OTHER, THIRD = a_listing("AAA"), a_listing("BBB"), a_listing("CCC")
DAYS = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")


def bars(source: str, listing: Listing, adjustment: Adjustment = Adjustment.RAW) -> BarColumns:
    unknown = np.full(2, NAN)
    return BarColumns(
        listing=listing,
        source=source,
        adjustment=adjustment,
        quote_unit="USD",
        day=DAYS,
        open=unknown,
        high=unknown,
        low=unknown,
        close=np.ones(2),
        volume=unknown,
    )


def quoted(source: str, listing: Listing) -> Quote:
    return Quote(listing=listing, source=source, price=1.0, quote_unit="USD", at=None)


def has(name: str, *listings: Listing, **more: object) -> FakeMarketData:
    """A source of that name with bars and quotes of some instruments."""
    return FakeMarketData(
        name=name,
        prices=[bars(name, one) for one in listings],
        last=[quoted(name, one) for one in listings],
        **more,  # type: ignore[arg-type]
    )


async def asked(*sources: FakeMarketData, **days: object) -> list[BarColumns | NotDelivered]:
    wanted = [Wanted(listing=one, **days) for one in (ONE, OTHER)]  # type: ignore[arg-type]
    return [one async for one in ChainedMarketData(sources).bars(wanted)]


def delivered(answers: Sequence[object]) -> dict[str, str]:
    """Return who delivered what."""
    return {one.listing.symbol: one.source for one in answers if not isinstance(one, NotDelivered)}  # type: ignore[attr-defined]


def only(answers: Sequence[object]) -> NotDelivered:
    (one,) = (answer for answer in answers if isinstance(answer, NotDelivered))
    return one


# --- who is asked


async def test_what_the_first_delivers_nobody_else_is_asked_for():
    first, second = has("first", ONE, OTHER), has("second", ONE, OTHER)
    assert delivered(await asked(first, second)) == {"AAA": "first", "BBB": "first"}
    assert second.asked == []


async def test_second_is_asked_for_the_rest_alone_and_its_name_is_on_its_bars():
    first, second = has("first", ONE), has("second", ONE, OTHER)
    answers = await asked(first, second)
    assert delivered(answers) == {"AAA": "first", "BBB": "second"}
    assert len(answers) == 2
    assert [one.listing for one in second.wanted] == [OTHER]


async def test_every_part_of_a_delivery_comes_from_one_source():
    first, second = has("first", ONE, OTHER), has("second", ONE)
    first.prices.append(bars("first", ONE, Adjustment.ALL))
    answers = await asked(first, second)
    parts = [one.adjustment for one in answers if isinstance(one, BarColumns) and one.listing is ONE]
    assert parts == [Adjustment.RAW, Adjustment.ALL]
    assert second.asked == []


async def test_source_without_the_capability_is_not_asked():
    first = has("first", ONE, OTHER, capabilities=frozenset({Capability.QUOTES}))
    second = has("second", ONE, OTHER)
    assert delivered(await asked(first, second)) == {"AAA": "second", "BBB": "second"}
    assert first.asked == []


async def test_each_capability_goes_its_own_way():
    first = has("first", ONE, capabilities=frozenset({Capability.BARS}))
    second = has("second", ONE, capabilities=frozenset({Capability.ACTIONS}))
    third = has("third", capabilities=frozenset({Capability.SHARES, Capability.QUOTES}))
    third.counts = [
        SharesOutstanding(listing=ONE, source="third", day=date(2024, 1, 2), shares=5.0, status="reported")
    ]
    third.last = [quoted("third", ONE)]
    chain = ChainedMarketData([first, second, third])
    assert chain.capabilities == {
        Capability.BARS,
        Capability.ACTIONS,
        Capability.SHARES,
        Capability.QUOTES,
    }
    wanted = [Wanted(listing=ONE)]
    assert delivered([one async for one in chain.bars(wanted)]) == {"AAA": "first"}
    (actions,) = [one async for one in chain.actions(wanted)]
    assert isinstance(actions, ActionsOf)
    assert actions.source == "second"
    assert delivered([one async for one in chain.shares([ONE])]) == {"AAA": "third"}
    assert delivered(await chain.quotes([ONE])) == {"AAA": "third"}
    assert [one.asked for one in (first, second, third)] == [["bars"], ["actions"], ["shares", "quotes"]]


async def test_first_day_wanted_is_that_of_the_source_which_is_asked():
    first, second = has("first", ONE), has("second", OTHER)
    days = {"start": date(2024, 1, 1), "starts": {"second": date(2024, 1, 3)}}
    answers = await asked(first, second, **days)
    assert [one.start for one in first.wanted] == [date(2024, 1, 1)] * 2
    assert [one.start for one in second.wanted] == [date(2024, 1, 3)]
    assert [len(one) for one in answers if isinstance(one, BarColumns)] == [2, 1]


async def test_empty_range_is_a_delivery():
    first, second = has("first", ONE, OTHER), has("second", ONE, OTHER)
    answers = await asked(first, second, start=date(2099, 1, 1))
    assert [len(one) for one in answers if isinstance(one, BarColumns)] == [0, 0]
    assert second.asked == []


async def test_nothing_wanted_asks_nobody():
    first = has("first", ONE)
    assert [one async for one in ChainedMarketData([first]).bars([])] == []
    assert await ChainedMarketData([first]).quotes([]) == []
    assert first.asked == []


# --- what is said when nobody has it


async def test_verdict_prefers_what_may_change_wherever_it_was_said():
    for reasons in ((Reason.UNKNOWN_SYMBOL, Reason.NO_CREDITS), (Reason.NO_CREDITS, Reason.UNKNOWN_SYMBOL)):
        sources = [
            has(name, OTHER, undelivered={"AAA": reason})
            for name, reason in zip(("first", "second"), reasons, strict=True)
        ]
        verdict = only(await asked(*sources))
        assert verdict.reason is Reason.NO_CREDITS
        assert verdict.source == ("second" if reasons[1] is Reason.NO_CREDITS else "first")
        assert verdict.detail == "first: Nothing of AAA.; second: Nothing of AAA."


async def test_verdict_on_what_can_not_change_is_that_of_the_preferred_source():
    first = has("first", OTHER, undelivered={"AAA": Reason.NOT_IN_PLAN})
    second = has("second", OTHER, undelivered={"AAA": Reason.UNKNOWN_SYMBOL})
    verdict = only(await asked(first, second))
    assert (verdict.source, verdict.reason) == ("first", Reason.NOT_IN_PLAN)


async def test_verdict_of_one_source_alone_is_its_own():
    verdict = only(await asked(has("first", OTHER)))
    assert verdict == NotDelivered(
        listing=ONE, source="first", reason=Reason.UNKNOWN_SYMBOL, detail="Nothing of AAA."
    )


async def test_capability_nobody_has_is_not_offered():
    first = has("first", ONE, OTHER, capabilities=frozenset({Capability.SEARCH}))
    answers = await asked(first)
    assert {one.reason for one in answers if isinstance(one, NotDelivered)} == {Reason.NOT_OFFERED}
    assert len(answers) == 2
    assert first.asked == []


async def test_chain_of_nobody_offers_nothing():
    assert {one.reason for one in await asked() if isinstance(one, NotDelivered)} == {Reason.NOT_OFFERED}
    assert await ChainedMarketData([]).search("a") == ()


# --- a source that fails in the middle


async def test_source_that_fails_in_the_middle_keeps_what_it_delivered():
    first, second = has("first", ONE, OTHER, breaks_after=1), has("second", ONE, OTHER)
    with capture_logs() as logs:
        assert delivered(await asked(first, second)) == {"AAA": "first", "BBB": "second"}
    assert [one.listing for one in second.wanted] == [OTHER]
    assert [(one["event"], one["source"]) for one in logs] == [("source_unavailable", "first")]


async def test_failure_in_the_middle_is_said_of_what_was_not_answered_alone():
    first = has("first", THIRD, undelivered={"AAA": Reason.NOT_IN_PLAN}, breaks_after=1)
    answers = await asked(first)
    said = {one.listing.symbol: one.reason for one in answers if isinstance(one, NotDelivered)}
    assert said == {"AAA": Reason.NOT_IN_PLAN, "BBB": Reason.UNAVAILABLE}
    assert [one.detail for one in answers if one.listing is OTHER] == ["The source is out of reach."]  # type: ignore[union-attr]


async def test_last_source_that_fails_leaves_a_verdict_and_no_exception():
    first, second = has("first"), has("second", ONE, OTHER, breaks_after=0)
    answers = await asked(first, second)
    assert {one.reason for one in answers if isinstance(one, NotDelivered)} == {Reason.UNAVAILABLE}
    assert {one.source for one in answers if isinstance(one, NotDelivered)} == {"second"}


@dataclass
class Mute(FakeMarketData):
    """A source that forgets to answer, and knows whether it was let go."""

    name: str = "mute"
    let_go: list[str] = field(default_factory=list)

    async def bars(self, wanted: Sequence[Wanted]) -> AsyncIterator[BarColumns | NotDelivered]:
        try:
            for one in wanted[:1]:
                yield bars(self.name, one.listing)
        finally:
            self.let_go.append("bars")

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        return []


async def test_source_that_forgets_an_instrument_is_as_good_as_unavailable():
    mute = Mute()
    answers = await asked(mute)
    assert delivered(answers) == {"AAA": "mute"}
    assert (only(answers).listing, only(answers).reason) == (OTHER, Reason.UNAVAILABLE)
    assert only(await ChainedMarketData([mute]).quotes([ONE])).reason is Reason.UNAVAILABLE
    assert delivered(await asked(mute, has("second", OTHER))) == {"AAA": "mute", "BBB": "second"}


async def test_source_is_let_go_at_once_when_nobody_listens_any_more():
    mute = Mute()
    stream = ChainedMarketData([mute]).bars([Wanted(listing=ONE)])
    await anext(stream)
    assert mute.let_go == []
    await stream.aclose()  # type: ignore[attr-defined]
    assert mute.let_go == ["bars"]


# --- quotes and search


@dataclass
class Unreachable(FakeMarketData):
    """Out of reach for quotes and searches."""

    name: str = "unreachable"

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        raise SourceUnavailable("It is out of reach.")

    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        raise SourceUnavailable("It is out of reach.")


async def test_quotes_come_in_the_order_asked_from_whoever_has_them():
    first, second = has("first", OTHER), has("second", ONE)
    answers = await ChainedMarketData([first, second]).quotes([ONE, THIRD, OTHER])
    assert [one.listing for one in answers] == [ONE, THIRD, OTHER]
    assert delivered(answers) == {"AAA": "second", "BBB": "first"}
    assert only(answers).listing is THIRD


async def test_quotes_the_first_has_are_not_asked_of_the_second():
    first, second = has("first", ONE), has("second", ONE)
    await ChainedMarketData([first, second]).quotes([ONE])
    assert second.asked == []


async def test_source_out_of_reach_for_quotes_is_followed_by_the_next():
    chain = ChainedMarketData([Unreachable(), has("second", ONE)])
    answers = await chain.quotes([ONE, OTHER])
    assert delivered(answers) == {"AAA": "second"}
    assert (only(answers).source, only(answers).reason) == ("unreachable", Reason.UNAVAILABLE)


async def test_search_is_answered_by_the_first_that_finds_something():
    first, second = has("first"), has("second")
    second.found = [ONE]
    third = has("third")
    assert list(await ChainedMarketData([first, second, third]).search("AAA")) == [ONE]
    assert (first.asked, third.asked) == (["search"], [])


async def test_search_goes_on_past_a_source_out_of_reach():
    second = has("second")
    second.found = [ONE]
    assert list(await ChainedMarketData([Unreachable(), second]).search("AAA")) == [ONE]


async def test_search_that_finds_nothing_because_a_source_was_away_says_so():
    with pytest.raises(SourceUnavailable):
        await ChainedMarketData([Unreachable(), has("second")]).search("AAA")
    assert list(await ChainedMarketData([has("first"), has("second")]).search("AAA")) == []


def test_name_of_a_chain_tells_its_sources_in_order():
    assert ChainedMarketData([has("first"), has("second")]).name == "first+second"
