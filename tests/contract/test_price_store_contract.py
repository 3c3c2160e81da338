"""PriceStore: what every implementation must do."""

import asyncio
from datetime import UTC, date, datetime

import numpy as np
import pytest
from tests.contract.conftest import Stores
from tests.contract.market import NAN, a_listing, bars, same, some_series

from waardhaven.application.ports.market_facts import SeriesKey, SessionColumns
from waardhaven.application.ports.price_store import UnknownSeries, WriteReport
from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.prices import MalformedPrices

TURN = ["2019-12-30", "2019-12-31", "2020-01-02", "2020-01-03"]


async def test_empty_store_answers_with_empty_columns(stores: Stores):
    found = await stores.prices.bars([1, 2])
    closes = await stores.prices.closes([1, 2], vintage=3)
    assert len(found) == len(closes) == len(await stores.prices.bars([])) == 0
    assert len(await stores.prices.closes([])) == 0
    assert (found.series.dtype, found.day.dtype, found.close.dtype) == (
        np.dtype(np.int64),
        np.dtype("datetime64[D]"),
        np.dtype(np.float64),
    )


async def test_written_bars_come_back_bit_for_bit_with_what_is_unknown_still_unknown(stores: Stores):
    (series,) = await some_series(stores)
    known = bars(series, TURN[:2], [0.1, 1e-9], open=0.3, high=1e12, low=1e-12, volume=0.0)
    unknown = bars(series, TURN[2:], [1 / 3, 2e14])
    await stores.prices.write(known)
    await stores.prices.write(unknown)
    found = await stores.prices.bars([series])
    assert same(found, bars_joined(known, unknown))


def bars_joined(*parts):
    names = parts[0].__slots__
    return type(parts[0])(**{name: np.concatenate([getattr(one, name) for one in parts]) for name in names})


async def test_bars_written_in_any_order_come_back_by_series_then_day(stores: Stores):
    one, other = await some_series(stores, 2)
    first = bars([other, one, other, one], [TURN[3], TURN[2], TURN[0], TURN[0]], [4.0, 2.0, 3.0, 1.0])
    await stores.prices.write(first)
    await stores.prices.write(bars([other, one], [TURN[1], TURN[1]], [3.5, 1.5]))
    for read in (stores.prices.bars, stores.prices.closes):
        found = await read([other, one])
        assert found.series.tolist() == [one] * 3 + [other] * 3
        assert found.close.tolist() == [1.0, 1.5, 2.0, 3.0, 3.5, 4.0]
        assert (np.diff(found.day.reshape(2, 3)).astype(int) > 0).all()


async def test_only_the_series_asked_for_are_read(stores: Stores):
    one, other = await some_series(stores, 2)
    await stores.prices.write(bars([one, other], TURN[:2], [1.0, 2.0]))
    assert (await stores.prices.bars([other])).close.tolist() == [2.0]
    assert (await stores.prices.closes([other, other, 10_000])).close.tolist() == [2.0]


async def test_range_includes_both_ends_also_across_a_turn_of_the_year(stores: Stores):
    (series,) = await some_series(stores)
    await stores.prices.write(bars(series, TURN, [1.0, 2.0, 3.0, 4.0]))
    ends = {
        (date(2019, 12, 31), date(2020, 1, 2)): [2.0, 3.0],
        (date(2020, 1, 1), None): [3.0, 4.0],
        (None, date(2020, 1, 1)): [1.0, 2.0],
        (date(2020, 1, 3), date(2020, 1, 3)): [4.0],
        (date(2020, 1, 4), None): [],
        (date(2020, 1, 3), date(2019, 12, 30)): [],
    }
    for vintage in (None, await stores.vintage()):
        for (start, end), close in ends.items():
            where = {"start": start, "end": end, "vintage": vintage}
            assert (await stores.prices.bars([series], **where)).close.tolist() == close
            assert (await stores.prices.closes([series], **where)).close.tolist() == close


async def test_first_write_reports_every_bar_inserted_under_one_vintage_with_one_event(stores: Stores):
    one, other = await some_series(stores, 2)
    before, events = await stores.vintage(), len(await stores.kinds())
    report = await stores.prices.write(bars([one, other], TURN[:2], [1.0, 2.0]), note="first")
    touched = frozenset([one, other])
    assert report == WriteReport(inserted=2, changed=0, unchanged=0, vintage=before + 1, touched=touched)
    assert await stores.vintage() == before + 1
    assert (await stores.kinds())[events:] == ["market.prices_committed"]


@pytest.mark.parametrize("fresh", [True, False], ids=["all_at_once", "onto_other_bars"])
async def test_writing_the_same_bars_again_changes_nothing(stores: Stores, fresh: bool):
    (series,) = await some_series(stores)
    if not fresh:
        await stores.prices.write(bars(series, TURN[2:], [8.0, 9.0]))
    offered = bars(series, TURN[:2], [1.0, NAN_FREE], open=1.0)
    await stores.prices.write(offered)
    before, events = await stores.vintage(), len(await stores.kinds())
    report = await stores.prices.write(offered)
    assert report == WriteReport(inserted=0, changed=0, unchanged=2, vintage=None)
    assert (await stores.vintage(), len(await stores.kinds())) == (before, events)


NAN_FREE = 2.0


async def test_writing_no_bars_changes_nothing(stores: Stores):
    report = await stores.prices.write(bars(7, [], []))
    assert report == WriteReport(inserted=0, changed=0, unchanged=0, vintage=None)
    assert (await stores.vintage(), await stores.kinds()) == (0, [])


async def test_mixed_write_tells_inserted_changed_and_unchanged_apart(stores: Stores):
    (series,) = await some_series(stores)
    await stores.prices.write(bars(series, TURN[:3], [1.0, 2.0, 3.0]))
    report = await stores.prices.write(bars(series, TURN[1:], [2.0, 3.5, 4.0]))
    assert (report.inserted, report.changed, report.unchanged) == (1, 1, 1)
    assert (await stores.prices.bars([series])).close.tolist() == [1.0, 2.0, 3.5, 4.0]


@pytest.mark.parametrize("column", ["open", "high", "low", "volume"])
async def test_a_value_that_becomes_known_supersedes_and_one_that_becomes_unknown_too(
    stores: Stores, column: str
):
    (series,) = await some_series(stores)
    value = 2.0 if column == "high" else 0.5
    unknown, known = bars(series, TURN[:1], [1.0]), bars(series, TURN[:1], [1.0], **{column: value})
    await stores.prices.write(unknown)
    first = await stores.vintage()
    for offered in (known, unknown):
        assert (await stores.prices.write(offered)).changed == 1
        assert same(await stores.prices.bars([series]), offered)
    assert same(await stores.prices.bars([series], vintage=first), unknown)
    assert same(await stores.prices.bars([series], vintage=first + 1), known)


async def test_bar_corrected_twice_is_read_at_each_vintage_as_it_was_known_then(stores: Stores):
    (series,) = await some_series(stores)
    empty = await stores.vintage()
    for close in (1.0, 1.1, 1.2):
        await stores.prices.write(bars(series, ["2020-06-15"], [close]))
    assert (await stores.prices.bars([series])).close.tolist() == [1.2]
    for steps, close in enumerate([[], [1.0], [1.1], [1.2], [1.2]]):
        found = await stores.prices.bars([series], vintage=empty + steps)
        assert found.close.tolist() == close
        assert (await stores.prices.closes([series], vintage=empty + steps)).close.tolist() == close


async def test_withdrawn_bar_is_absent_now_there_before_and_there_again_after_reinsertion(stores: Stores):
    (series,) = await some_series(stores)
    await stores.prices.write(bars(series, TURN, [1.0, 2.0, 3.0, 4.0]))
    before, events = await stores.vintage(), len(await stores.kinds())
    report = await stores.prices.withdraw(series, [date(2019, 12, 31), date(2021, 1, 1)], reason="no session")
    touched = frozenset([series])
    assert report == WriteReport(inserted=0, changed=1, unchanged=1, vintage=before + 1, touched=touched)
    assert (await stores.kinds())[events:] == ["market.prices_committed"]
    again = await stores.prices.write(bars(series, ["2019-12-31"], [2.5]))
    assert (again.inserted, again.changed) == (1, 0)
    expected = {before: [1.0, 2.0, 3.0, 4.0], before + 1: [1.0, 3.0, 4.0], before + 2: [1.0, 2.5, 3.0, 4.0]}
    for vintage, close in expected.items():
        assert (await stores.prices.bars([series], vintage=vintage)).close.tolist() == close
        assert (await stores.prices.closes([series], vintage=vintage)).close.tolist() == close
    assert (await stores.prices.closes([series])).close.tolist() == expected[before + 2]


async def test_series_withdrawn_to_the_last_bar_is_empty_and_can_be_filled_again(stores: Stores):
    (series,) = await some_series(stores)
    days = [date(2019, 12, 31), date(2020, 1, 2)]
    await stores.prices.write(bars(series, days, [1.0, 2.0]))
    before = await stores.vintage()
    await stores.prices.withdraw(series, days, reason="another company")
    assert len(await stores.prices.bars([series])) == len(await stores.prices.closes([series])) == 0
    assert (await stores.prices.closes([series], vintage=before)).close.tolist() == [1.0, 2.0]
    await stores.prices.write(bars(series, days[:1], [7.0]))
    for read in (stores.prices.bars, stores.prices.closes):
        assert (await read([series])).close.tolist() == [7.0]
        assert (await read([series], vintage=before)).close.tolist() == [1.0, 2.0]
        assert len(await read([series], vintage=before + 1)) == 0


async def test_withdrawing_what_is_not_there_changes_nothing(stores: Stores):
    (series,) = await some_series(stores)
    await stores.prices.write(bars(series, TURN[:1], [1.0]))
    before, events = await stores.vintage(), len(await stores.kinds())
    days = [date(1999, 1, 1), date(1999, 1, 1), date(1999, 1, 4)]
    for one, wanted, count in ((series, days, 2), (series, [], 0), (10_000, days[:1], 1)):
        report = await stores.prices.withdraw(one, wanted, reason="never traded")
        assert report == WriteReport(inserted=0, changed=0, unchanged=count, vintage=None)
    assert (await stores.vintage(), len(await stores.kinds())) == (before, events)


async def test_withdrawal_without_a_reason_is_refused_and_the_bar_stays(stores: Stores):
    (series,) = await some_series(stores)
    await stores.prices.write(bars(series, TURN[:1], [1.0]))
    before = await stores.vintage()
    with pytest.raises(Invalid):
        await stores.prices.withdraw(series, [date(2019, 12, 30)], reason="")
    assert (await stores.vintage(), len(await stores.prices.closes([series]))) == (before, 1)


BAD = {
    "close_zero": {"close": 0.0},
    "close_unknown": {"close": NAN},
    "close_infinite": {"close": float("inf")},
    "open_zero": {"open": 0.0},
    "open_infinite": {"open": float("inf")},
    "high_below_close": {"high": 0.5},
    "high_infinite": {"high": float("inf")},
    "low_above_close": {"low": 1.5},
    "low_negative": {"low": -1.0},
    "volume_negative": {"volume": -1.0},
    "volume_infinite": {"volume": float("inf")},
}


@pytest.mark.parametrize("fresh", [True, False], ids=["all_at_once", "onto_other_bars"])
async def test_one_bad_bar_among_good_ones_writes_nothing(stores: Stores, fresh: bool):
    (series,) = await some_series(stores)
    if not fresh:
        await stores.prices.write(bars(series, TURN[:1], [5.0]))
    before, events = await stores.vintage(), len(await stores.kinds())
    for name, change in BAD.items():
        offered = bars(series, TURN, [1.0, 1.0, 1.0, 1.0])
        for column, value in change.items():
            getattr(offered, column)[2] = value
        with pytest.raises(MalformedPrices):
            await stores.prices.write(offered)
        assert (await stores.vintage(), len(await stores.kinds())) == (before, events), name
    assert len(await stores.prices.bars([series])) == (0 if fresh else 1)


async def test_repeated_or_ragged_or_undated_rows_are_refused(stores: Stores):
    (series,) = await some_series(stores)
    ragged = bars(series, TURN, [1.0, 1.0])
    for offered in (bars(series, [TURN[0], TURN[0]], [1.0, 1.0]), ragged, bars(series, ["NaT"], [1.0])):
        with pytest.raises(MalformedPrices):
            await stores.prices.write(offered)
    assert len(await stores.prices.bars([series])) == 0


async def test_prices_of_an_unknown_series_are_refused_together_with_those_of_a_known_one(stores: Stores):
    (series,) = await some_series(stores)
    before = await stores.vintage()
    with pytest.raises(UnknownSeries):
        await stores.prices.write(bars([series, series + 99], TURN[:2], [1.0, 2.0]))
    assert len(await stores.prices.bars([series])) == 0
    assert await stores.vintage() == before


async def test_writers_at_the_same_time_all_land_each_under_a_vintage_of_its_own(stores: Stores):
    series = await some_series(stores, 4)
    before = await stores.vintage()
    works = [stores.prices.write(bars(one, TURN, [float(one)] * 4)) for one in series]
    works += [stores.prices.write(bars(series[0], ["2021-01-04"], [float(n)])) for n in (1, 2, 3)]
    reports = await asyncio.gather(*works)
    vintages = sorted(one.vintage for one in reports)
    assert vintages == list(range(before + 1, before + 8))
    found = await stores.prices.closes(series)
    assert len(found) == 4 * 4 + 1
    last = max(reports[4:], key=lambda one: one.vintage)
    assert found.close[4] == float(reports[4:].index(last) + 1)
    for vintage in vintages:
        old = await stores.prices.bars(series, vintage=vintage)
        assert (await stores.prices.closes(series, vintage=vintage)).close.tolist() == old.close.tolist()


async def test_readers_see_a_whole_write_or_none_of_it(stores: Stores):
    (series,) = await some_series(stores)
    await stores.prices.write(bars(series, TURN, [1.0] * 4))

    async def read() -> set[float]:
        return set((await stores.prices.closes([series])).close.tolist())

    writes = [stores.prices.write(bars(series, TURN, [float(n)] * 4)) for n in range(2, 6)]
    found = await asyncio.gather(*writes, *(read() for _ in range(12)))
    assert all(len(one) == 1 for one in found[4:])


@pytest.mark.parametrize("seed", range(3))
async def test_closes_equal_the_closes_of_bars_at_every_vintage_whatever_happened(stores: Stores, seed: int):
    rng = np.random.default_rng(seed)
    series = await some_series(stores, 3)
    axis = np.arange("2018-12-26", "2019-01-06", dtype="datetime64[D]")
    remembered = {await stores.vintage(): bars([], [], [])}
    for _ in range(12):
        one = int(rng.choice(series))
        some = np.sort(rng.choice(axis, rng.integers(1, 6), replace=False))
        if rng.random() < 0.35:
            await stores.prices.withdraw(one, some.tolist(), reason="random")
        else:
            await stores.prices.write(bars(one, some, rng.integers(1, 4, len(some)).astype(float)))
        remembered[await stores.vintage()] = await stores.prices.bars(series)
    for vintage, then in remembered.items():
        part = {"start": date(2018, 12, 30), "end": date(2019, 1, 2), "vintage": vintage}
        assert same(await stores.prices.bars(series, vintage=vintage), then)
        for asked in ({"vintage": vintage}, part):
            whole, closes = (
                await stores.prices.bars(series, **asked),
                await stores.prices.closes(series, **asked),
            )
            assert closes.series.tolist() == whole.series.tolist()
            assert closes.day.tolist() == whole.day.tolist()
            assert closes.close.tobytes() == whole.close.tobytes()
            columns = [*series[::-1], 10_000]
            found = await stores.prices.close_matrix(columns, **asked)
            assert found.close.shape == (len(found), len(columns))
            assert found.day.tolist() == sorted(set(whole.day.tolist()))
            for column, one in enumerate(columns):
                bars_of = np.isin(whole.series, one)
                known = ~np.isnan(found.close[:, column])
                assert found.day[known].tolist() == whole.day[bars_of].tolist()
                assert found.close[known, column].tobytes() == whole.close[bars_of].tobytes()


async def test_matrix_of_series_with_other_days_than_the_first_has_each_close_in_its_place(stores: Stores):
    one, other, third = await some_series(stores, 3)
    await stores.prices.write(bars(one, TURN, [1.0, 2.0, 3.0, 4.0]))
    await stores.prices.write(bars(other, TURN, [5.0, 6.0, 7.0, 8.0]))
    await stores.prices.write(bars(third, [TURN[0], "2018-07-04", TURN[3]], [9.0, 10.0, 11.0]))
    found = await stores.prices.close_matrix([other, third, one])
    assert found.day.tolist() == [date(2018, 7, 4), *(date.fromisoformat(one) for one in TURN)]
    expected = [[NAN, 10, NAN], [5, 9, 1], [6, NAN, 2], [7, NAN, 3], [8, 11, 4]]
    np.testing.assert_array_equal(found.close, expected)
    part = await stores.prices.close_matrix([third, one], start=date(2019, 12, 31), end=date(2020, 1, 2))
    np.testing.assert_array_equal(part.close, [[NAN, 2], [NAN, 3]])
    for nothing in ([], [10_000]):
        empty = await stores.prices.close_matrix(nothing)
        assert (len(empty), empty.close.shape, empty.day.dtype) == (0, (0, len(nothing)), found.day.dtype)


async def test_bars_reach_back_before_the_epochs_and_far_ahead(stores: Stores):
    (series,) = await some_series(stores)
    days = ["1789-07-14", "1969-12-31", "1999-12-31", "2000-01-01", "2199-12-31"]
    await stores.prices.write(bars(series, days, [1.0, 2.0, 3.0, 4.0, 5.0]))
    await stores.facts.register_assets([a_listing("LATER")])
    for read in (stores.prices.bars, stores.prices.closes):
        assert (await read([series])).day.astype(str).tolist() == days


async def test_the_last_close_of_an_asset_is_of_its_raw_series_and_says_when_it_closed(stores: Stores):
    known = await stores.facts.register_assets([a_listing("AAA"), a_listing("BBB"), a_listing("CCC")])
    aaa, bbb, ccc = (known[one, "XNYS"] for one in ("AAA", "BBB", "CCC"))
    kinds = [(aaa, "raw"), (aaa, "all"), (bbb, "all"), (bbb, "splits"), (ccc, "raw")]
    keys = [
        SeriesKey(asset=one, source="sample", adjustment=Adjustment(kind), currency="GBP", quote_unit="GBX")
        for one, kind in kinds
    ]
    made = await stores.facts.register_series(keys)
    series = [made[key] for key in keys]
    assert await stores.prices.last_closes([aaa, bbb, ccc]) == []
    for place, close in ((0, 1.0), (1, 9.0), (2, 8.0), (3, 3.0)):
        await stores.prices.write(bars(series[place], TURN[:2], [0.5, close]))
    await stores.facts.write_sessions(
        SessionColumns(
            mic="XNYS",
            day=np.array(TURN[:1], dtype="datetime64[D]"),
            open_at=np.array(["2019-12-30T14:30:00"], dtype="datetime64[s]"),
            close_at=np.array(["2019-12-30T21:00:00"], dtype="datetime64[s]"),
        )
    )
    first, second = await stores.prices.last_closes([bbb, aaa, ccc])
    assert (first.asset, first.close, first.adjustment, first.quote_unit) == (aaa, 1.0, "raw", "GBX")
    assert (first.source, first.day, first.closed_at) == ("sample", date(2019, 12, 31), None)
    assert (second.asset, second.close, second.adjustment) == (bbb, 3.0, "splits")
    await stores.prices.withdraw(series[0], [date(2019, 12, 31)], reason="a test")
    (back,) = await stores.prices.last_closes([aaa])
    assert (back.close, back.closed_at) == (0.5, datetime(2019, 12, 30, 21, tzinfo=UTC))


async def test_of_two_raw_series_the_one_with_the_newest_bar_counts(stores: Stores):
    (asset,) = (await stores.facts.register_assets([a_listing("AAA")])).values()
    keys = [
        SeriesKey(asset=asset, source=one, adjustment=Adjustment.RAW, currency="USD", quote_unit="USD")
        for one in ("sample", "other")
    ]
    made = await stores.facts.register_series(keys)
    await stores.prices.write(bars(made[keys[0]], TURN[:1], [1.0]))
    await stores.prices.write(bars(made[keys[1]], TURN[:2], [1.0, 2.0]))
    (found,) = await stores.prices.last_closes([asset])
    assert (found.source, found.close) == ("other", 2.0)


async def test_batch_of_new_changed_and_equal_bars_over_many_chunks_lands_as_a_whole(stores: Stores):
    one, other, third = await some_series(stores, 3)
    axis = np.arange("2017-12-20", "2020-01-12", dtype="datetime64[D]")
    rng = np.random.default_rng(5)
    have = rng.random(len(axis)) < 0.6
    close = rng.integers(1, 1_000, (2, len(axis))) / 8
    for series in (one, other):
        await stores.prices.write(bars(series, axis[have], close[0][have], open=1.0))
    first = await stores.vintage()
    kept = await stores.prices.bars([one, other, third])
    changes = rng.random(len(axis)) < 0.1
    offered = np.where(changes, close[1], close[0])
    series = np.repeat([third, one], len(axis))
    report = await stores.prices.write(
        bars(series, np.tile(axis, 2), np.concatenate([close[0], offered]), open=1.0)
    )
    differing = have & (offered != close[0])
    assert differing.any()
    expected = {"inserted": len(axis) + int((~have).sum()), "changed": int(differing.sum())}
    assert report == WriteReport(
        **expected,
        unchanged=int((have & ~differing).sum()),
        vintage=first + 1,
        touched=frozenset([one, third]),
    )
    found = await stores.prices.bars([one, other, third])
    assert found.close.tolist() == [*offered.tolist(), *close[0][have].tolist(), *close[0].tolist()]
    assert (await stores.prices.closes([one, other, third])).close.tobytes() == found.close.tobytes()
    assert same(await stores.prices.bars([one, other, third], vintage=first), kept)


async def test_bar_whose_close_stays_and_whose_other_values_change_is_read_right_at_each_vintage(
    stores: Stores,
):
    (series,) = await some_series(stores)
    await stores.prices.write(bars(series, TURN, [1.0, 2.0, 3.0, 4.0]))
    first = await stores.vintage()
    report = await stores.prices.write(bars(series, TURN, [1.0, 2.0, 3.0, 4.0], volume=7.0))
    assert (report.changed, report.vintage) == (4, first + 1)
    for vintage in (first, first + 1, None):
        closes = await stores.prices.closes([series], vintage=vintage)
        assert closes.close.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert np.isnan((await stores.prices.bars([series], vintage=first)).volume).all()


async def test_series_are_touched_when_a_bar_of_theirs_is_new_or_another(stores: Stores):
    same_one, changed, grown = await some_series(stores, 3)
    for series in (same_one, changed, grown):
        await stores.prices.write(bars(series, TURN[:2], [1.0, 2.0]))
    offered = bars(
        [same_one, changed, changed, grown, grown],
        [TURN[0], TURN[0], TURN[1], TURN[1], TURN[2]],
        [1.0, 1.0, 2.5, 2.0, 3.0],
    )
    report = await stores.prices.write(offered)
    assert report.touched == {changed, grown}
    assert (await stores.prices.write(offered)).touched == frozenset()
    await stores.events.head()
    told = [one.payload for one in await stores.events.since(0, limit=1_000) if "series" in one.payload]
    assert told[-1]["series"] == 2
