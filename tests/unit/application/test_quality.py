"""Looking at stored prices: what is flagged, with what reason, and what people make of it."""

from datetime import date, timedelta

import numpy as np
import pytest
from tests.unit.application.market_house import MarketHouse
from tests.unit.application.test_prices import acted, listing

from waardhaven.application.answers import InvalidCursor
from waardhaven.application.market.data_quality import InvalidReview, ReadDataQuality, ReviewFlag
from waardhaven.application.ports.fx_rates import QuotedRates
from waardhaven.application.ports.market_data import BarColumns
from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.application.ports.quality_flags import QualityFlag, UnknownFlag
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied, Principal, Role
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.quality import FindingKind

VIEWER = Principal(user=None, role=Role.VIEWER)
EVERY = np.arange(np.datetime64("2023-10-02"), np.datetime64("2024-02-03"))
DAYS = EVERY[np.is_busday(EVERY)]
CALM = 100.0 + np.tile([0.0, 0.5], len(DAYS))[: len(DAYS)]


def bars(close: np.ndarray, *, days: np.ndarray = DAYS, **more: object) -> BarColumns:
    plain: dict[str, object] = {
        "listing": listing("AAA"),
        "source": "sample",
        "adjustment": Adjustment.RAW,
        "quote_unit": "USD",
        "day": days,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": np.full(len(close), 1000.0),
    }
    return BarColumns(**(plain | more))  # type: ignore[arg-type]


async def filled(house: MarketHouse, *parts: BarColumns) -> None:
    ids = await house.market.register_assets([parts[0].listing])
    await house.write(parts, ids, note="a test")
    hours = {"open_at": DAYS.astype("datetime64[s]"), "close_at": DAYS.astype("datetime64[s]") + 60}
    await house.market.write_sessions(SessionColumns(mic="XNYS", day=DAYS, **hours))


async def flagged(house: MarketHouse) -> list[tuple[str, str]]:
    found = await ReadDataQuality(house.flags, house.market)(VIEWER, limit=200)
    return sorted((str(one.day), str(one.kind)) for one in found.items)


@pytest.fixture
def house() -> MarketHouse:
    return MarketHouse()


async def test_calm_series_has_no_flag(house: MarketHouse):
    await filled(house, bars(CALM))
    assert await house.check(OPERATOR, assets=[1]) == {}
    assert await flagged(house) == []


async def test_jump_gap_and_silence_are_flagged_with_their_figures_and_no_bar_changes(house: MarketHouse):
    close, volume = CALM.copy(), np.full(len(DAYS), 1000.0)
    close[80], volume[70] = 60.0, 0.0
    keep = np.arange(len(DAYS)) != 75
    given = bars(close[keep], days=DAYS[keep], volume=volume[keep])
    await filled(house, given)
    before = await house.market.bars([1])
    counts = await house.check(OPERATOR, assets=[1])
    assert counts == {"outlier": 2, "gap": 1, "volume": 1}
    assert await flagged(house) == sorted(
        [
            (str(DAYS[80]), "outlier"),
            (str(DAYS[81]), "outlier"),
            (str(DAYS[75]), "gap"),
            (str(DAYS[70]), "volume"),
        ]
    )
    found = await ReadDataQuality(house.flags, house.market)(VIEWER, kind="outlier", symbol="AAA")
    assert all("log return" in one.detail for one in found.items)
    assert (await house.market.bars([1])).close.tobytes() == before.close.tobytes()


async def test_split_that_is_known_is_no_outlier_and_one_that_is_not_is(house: MarketHouse):
    close = np.where(np.arange(len(DAYS)) < 80, CALM, CALM / 2)
    await filled(house, bars(close))
    assert (await house.check(OPERATOR, assets=[1]))["outlier"] == 1
    await acted(house, 1, "split", DAYS[80].astype(object), ratio="2")
    assert await house.check(OPERATOR, assets=[1]) == {}
    assert await flagged(house) == []


async def test_checking_again_changes_nothing_and_a_later_part_leaves_earlier_flags_alone(house: MarketHouse):
    close = CALM.copy()
    close[70] = 60.0
    await filled(house, bars(close))
    await house.check(OPERATOR, assets=[1])
    vintages, known = len(house.market.vintages), await flagged(house)
    await house.check(OPERATOR, assets=[1])
    await house.check(OPERATOR, assets=[1], since=DAYS[82].astype(object))
    assert (len(house.market.vintages), await flagged(house)) == (vintages, known)
    assert len(known) == 2


async def test_two_sources_that_disagree_are_flagged(house: MarketHouse):
    other = CALM.copy()
    other[50] *= 1.02
    await filled(house, bars(CALM), bars(other, source="other"))
    counts = await house.check(OPERATOR, assets=[1])
    assert counts["cross_source"] == 1
    assert (str(DAYS[50]), "cross_source") in await flagged(house)


async def test_adjustment_of_the_source_that_differs_from_ours_is_flagged(house: MarketHouse):
    whole = np.where(np.arange(len(DAYS)) < 60, CALM * 0.97, CALM)
    await filled(house, bars(CALM), bars(whole, adjustment=Adjustment.ALL))
    ex = DAYS[60].astype(object)
    await acted(house, 1, "cash_dividend", ex, amount="1", currency="USD")
    await house.check(OPERATOR, assets=[1])
    assert (str(DAYS[60]), "adjustment") in await flagged(house)
    kept = CALM[60] / (CALM[60] + 1.0)
    right = np.where(np.arange(len(DAYS)) < 60, CALM * kept, CALM)
    ids = {("AAA", "XNYS"): 1}
    await house.write([bars(right, adjustment=Adjustment.ALL)], ids, note="corrected")
    await house.check(OPERATOR, assets=[1])
    assert not [one for one in await flagged(house) if one[1] == "adjustment"]


async def test_days_without_an_exchange_rate_are_flagged_once_a_hole(house: MarketHouse):
    await filled(house, bars(CALM))
    days = DAYS[(np.datetime64("2023-12-01") > DAYS) | (np.datetime64("2023-12-15") < DAYS)]
    rate = np.full(len(days), 1.1)
    await house.market.write_fx(
        [QuotedRates(base="EUR", quote="USD", source="sample", fixing="ECB", day=days, rate=rate)]
    )
    assert await house.check(OPERATOR, assets=[1]) == {"fx_hole": 1}
    (flag,) = (await ReadDataQuality(house.flags, house.market)(VIEWER)).items
    assert (flag.kind, flag.day) == (FindingKind.FX_HOLE, date(2023, 12, 6))


# --- reading and reviewing


async def one_flag(house: MarketHouse) -> QualityFlag:
    close = CALM.copy()
    close[70] = 60.0
    await filled(house, bars(close))
    await house.check(OPERATOR, assets=[1])
    return (await ReadDataQuality(house.flags, house.market)(VIEWER, limit=1)).items[0]


async def test_reviewed_flag_stays_reviewed_when_it_is_found_again(house: MarketHouse):
    flag = await one_flag(house)
    review = ReviewFlag(house.flags)
    done = await review(OPERATOR, id_=flag.id, state="accepted", note=" Results came that day. ")
    assert (done.state, done.note) == ("accepted", "Results came that day.")
    await house.check(OPERATOR, assets=[1])
    read = ReadDataQuality(house.flags, house.market)
    found = await read(VIEWER, state="accepted")
    assert [(one.day, one.kind) for one in found.items] == [(flag.day, flag.kind)]
    assert {(one.state, one.count) for one in found.counts} == {("accepted", 1), ("open", 1)}


@pytest.mark.parametrize(
    ("state", "note", "fields"),
    [
        ("fine", "x", ["state"]),
        ("accepted", "  ", ["note"]),
        ("accepted", "x" * 501, ["note"]),
        ("", "", ["state", "note"]),
    ],
)
async def test_verdict_needs_a_known_state_and_a_reason(
    house: MarketHouse, state: str, note: str, fields: list[str]
):
    flag = await one_flag(house)
    with pytest.raises(InvalidReview) as refused:
        await ReviewFlag(house.flags)(OPERATOR, id_=flag.id, state=state, note=note)
    assert [one.field for one in refused.value.errors] == fields


async def test_flags_are_paged_and_filtered_by_day(house: MarketHouse):
    await one_flag(house)
    read = ReadDataQuality(house.flags, house.market)
    first = await read(VIEWER, limit=1)
    second = await read(VIEWER, limit=1, cursor=first.next_cursor)
    assert (len(first.items), len(second.items), second.next_cursor) == (1, 1, None)
    assert first.items[0].id != second.items[0].id
    day = DAYS[70].astype(object)
    assert len((await read(VIEWER, start=day, end=day)).items) == 1
    assert (await read(VIEWER, end=day - timedelta(days=1))).items == ()
    for wrong in ("x", "0", "9" * 20):
        with pytest.raises(InvalidCursor):
            await read(VIEWER, cursor=wrong)


async def test_viewers_read_flags_and_review_none(house: MarketHouse):
    flag = await one_flag(house)
    for act in (
        ReviewFlag(house.flags)(VIEWER, id_=flag.id, state="accepted", note="x"),
        house.check(VIEWER, assets=[1]),
    ):
        with pytest.raises(PermissionDenied):
            await act
    with pytest.raises(UnknownFlag):
        await ReviewFlag(house.flags)(OPERATOR, id_=10_000, state="accepted", note="x")
