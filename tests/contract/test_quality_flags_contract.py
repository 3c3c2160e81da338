"""QualityFlags: what every implementation must do."""

from dataclasses import replace
from datetime import date

import pytest
from tests.contract.conftest import Stores
from tests.contract.market import some_series

from waardhaven.application.ports.quality_flags import FlagCount, FlagFilter, UnknownFlag
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.market.quality import Finding, FindingKind, ReviewState
from waardhaven.domain.types import SeriesId

OPEN, ACCEPTED, REJECTED = ReviewState.OPEN, ReviewState.ACCEPTED, ReviewState.REJECTED
GAP, STALE, OUTLIER = FindingKind.GAP, FindingKind.STALE, FindingKind.OUTLIER
ALL = tuple(FindingKind)


def a_finding(series: int, day: int = 2, kind: FindingKind = GAP, detail: str = "5 sessions") -> Finding:
    return Finding(series=SeriesId(series), day=date(2020, 1, day), kind=kind, detail=detail)


async def record(stores: Stores, *findings: Finding, **scope: object) -> int | None:
    everything = {"series": sorted({one.series for one in findings}), "kinds": ALL}
    return await stores.quality.record(findings, **{**everything, **scope})


async def the_flags(stores: Stores, **wanted: object):
    return await stores.quality.page(FlagFilter(**wanted), limit=100)


async def test_findings_become_open_flags_that_say_where_they_are(stores: Stores):
    (series,) = await some_series(stores)
    before, events = await stores.vintage(), len(await stores.kinds())
    assert await record(stores, a_finding(series)) == before + 1
    (flag,) = await the_flags(stores)
    (asset,) = await stores.reference.assets([flag.asset])
    assert (flag.series, flag.day, flag.kind, flag.detail) == (series, date(2020, 1, 2), GAP, "5 sessions")
    assert (flag.symbol, flag.mic, flag.source, flag.adjustment) == (
        asset.symbol,
        asset.mic,
        "sample",
        "raw",
    )
    assert (flag.state, flag.reviewed_at, flag.note) == (OPEN, None, None)
    assert (await stores.kinds())[events:] == ["market.facts_committed"]
    assert (await stores.facts_told())[-1] == "quality"


async def test_same_findings_again_and_none_at_all_change_nothing(stores: Stores):
    (series,) = await some_series(stores)
    findings = [a_finding(series), a_finding(series, 3), a_finding(series, kind=STALE)]
    await record(stores, *findings)
    before, events = await stores.vintage(), len(await stores.kinds())
    flags = await the_flags(stores)
    assert await record(stores, *findings[::-1]) is None
    assert await stores.quality.record([], series=[], kinds=ALL) is None
    assert (await stores.vintage(), len(await stores.kinds())) == (before, events)
    assert await the_flags(stores) == flags


async def test_every_kind_and_no_other_can_be_recorded(stores: Stores):
    (series,) = await some_series(stores)
    await record(stores, *(a_finding(series, kind=kind) for kind in ALL))
    assert {one.kind for one in await the_flags(stores)} == set(ALL)


async def test_open_flag_not_found_again_ends_within_the_scope_alone(stores: Stores):
    one, other = await some_series(stores, 2)
    findings = [
        a_finding(one, 2),
        a_finding(one, 6),
        a_finding(one, 7, STALE),
        a_finding(one, 8),
        a_finding(other, 7),
    ]
    first = await record(stores, *findings)
    found = await record(stores, findings[3], series=[one], kinds=[GAP], start=date(2020, 1, 3))
    assert found == first + 1
    left = {(flag.series, flag.day.day, flag.kind) for flag in await the_flags(stores)}
    assert left == {(one, 2, GAP), (one, 7, STALE), (one, 8, GAP), (other, 7, GAP)}
    then = await stores.quality.held([one], kinds=[GAP], vintage=first)
    assert then.day.astype(str).tolist() == ["2020-01-02", "2020-01-06", "2020-01-08"]


async def test_flag_found_after_it_ended_is_another(stores: Stores):
    (series,) = await some_series(stores)
    await record(stores, a_finding(series))
    (first,) = await the_flags(stores)
    await record(stores, series=[series])
    assert await the_flags(stores) == []
    await record(stores, a_finding(series))
    (second,) = await the_flags(stores)
    assert second.id > first.id


async def test_flag_with_another_detail_keeps_its_id_and_when_it_was_found(stores: Stores):
    (series,) = await some_series(stores)
    await record(stores, a_finding(series))
    (before,) = await the_flags(stores)
    assert await record(stores, a_finding(series, detail="6 sessions"))
    assert await the_flags(stores) == [replace(before, detail="6 sessions")]


async def test_one_bad_or_repeated_finding_records_none(stores: Stores):
    (series,) = await some_series(stores)
    before = await stores.vintage()
    for bad in (a_finding(series + 99), a_finding(series, detail="other")):
        with pytest.raises(Invalid):
            await record(stores, a_finding(series), bad)
    assert await the_flags(stores) == []
    assert await stores.vintage() == before


async def test_verdict_is_a_new_version_with_its_note_and_in_the_trail(stores: Stores):
    (series,) = await some_series(stores)
    await record(stores, a_finding(series))
    (before,) = await the_flags(stores)
    taken, events = await stores.vintage(), len(await stores.kinds())
    found = await stores.quality.review(before.id, state=ACCEPTED, note="a split", by=OPERATOR)
    assert found == replace(before, state=ACCEPTED, note="a split", reviewed_at=found.reviewed_at)
    assert found.reviewed_at is not None
    assert await the_flags(stores) == [found]
    assert await stores.vintage() == taken + 1
    assert (await stores.kinds())[events:] == ["market.facts_committed"]
    (entry,) = await stores.recorded("quality.reviewed")
    assert (entry.target, entry.credential) == (f"quality_flag:{before.id}", "operator")
    assert entry.detail == {"from": "open", "to": "accepted"}


async def test_verdict_can_be_another_later_and_be_taken_back(stores: Stores):
    (series,) = await some_series(stores)
    await record(stores, a_finding(series))
    (flag,) = await the_flags(stores)
    for state in (REJECTED, ACCEPTED, OPEN):
        found = await stores.quality.review(flag.id, state=state, note="", by=OPERATOR)
        assert (found.id, found.state, found.note) == (flag.id, state, None)
        assert (found.reviewed_at is None) == (state is OPEN)


async def test_reviewed_flag_stays_reviewed_found_or_not_until_its_detail_is_another(stores: Stores):
    (series,) = await some_series(stores)
    await record(stores, a_finding(series))
    (flag,) = await the_flags(stores)
    reviewed = await stores.quality.review(flag.id, state=REJECTED, note="wrong", by=OPERATOR)
    assert await record(stores, a_finding(series)) is None
    assert await record(stores, series=[series]) is None
    assert await the_flags(stores) == [reviewed]
    assert await record(stores, a_finding(series, detail="6 sessions")) is not None
    assert await the_flags(stores) == [replace(flag, detail="6 sessions")]


async def test_flag_nobody_made_or_that_ended_is_unknown(stores: Stores):
    (series,) = await some_series(stores)
    await record(stores, a_finding(series))
    (flag,) = await the_flags(stores)
    await record(stores, series=[series])
    before = await stores.vintage()
    for id_ in (flag.id, flag.id + 99):
        with pytest.raises(UnknownFlag):
            await stores.quality.review(id_, state=ACCEPTED, note="", by=OPERATOR)
    assert await stores.vintage() == before


async def test_flags_are_filtered_and_come_newest_first_in_pages(stores: Stores):
    one, other = await some_series(stores, 2)
    await record(
        stores, a_finding(one, 2), a_finding(one, 3, STALE), a_finding(other, 6), a_finding(other, 7)
    )
    newest = await the_flags(stores)
    assert [flag.day.day for flag in newest] == [7, 6, 3, 2]
    reviewed = await stores.quality.review(newest[2].id, state=ACCEPTED, note="", by=OPERATOR)
    assert [flag.id for flag in await the_flags(stores)] == [flag.id for flag in newest]
    assert await the_flags(stores, state=ACCEPTED) == await the_flags(stores, kind=STALE) == [reviewed]
    assert [flag.day.day for flag in await the_flags(stores, asset=newest[0].asset)] == [7, 6]
    inside = await the_flags(stores, start=date(2020, 1, 3), end=date(2020, 1, 6))
    assert [flag.day.day for flag in inside] == [6, 3]
    pages = [await stores.quality.page(FlagFilter(), limit=2), []]
    pages[1] = await stores.quality.page(FlagFilter(), limit=2, before=pages[0][-1].id)
    assert [flag.day.day for page in pages for flag in page] == [7, 6, 3, 2]


async def test_counts_are_by_kind_and_state_with_the_newest_day(stores: Stores):
    (series,) = await some_series(stores)
    assert await stores.quality.counts() == []
    await record(
        stores,
        a_finding(series, 2),
        a_finding(series, 7),
        a_finding(series, 6, OUTLIER),
        a_finding(series, 8),
    )
    flag = next(one for one in await the_flags(stores) if one.day.day == 8)
    await stores.quality.review(flag.id, state=REJECTED, note="", by=OPERATOR)
    assert await stores.quality.counts() == [
        FlagCount(kind=GAP, state=OPEN, count=2, latest=date(2020, 1, 7)),
        FlagCount(kind=GAP, state=REJECTED, count=1, latest=date(2020, 1, 8)),
        FlagCount(kind=OUTLIER, state=OPEN, count=1, latest=date(2020, 1, 6)),
    ]


async def test_bars_are_held_until_accepted_and_past_verdicts_stay_readable(stores: Stores):
    one, other = await some_series(stores, 2)
    found = await record(
        stores,
        a_finding(other, 6),
        a_finding(one, 7, OUTLIER),
        a_finding(one, 2),
        a_finding(one, 2, OUTLIER),
        a_finding(one, 3, STALE),
    )
    before = await stores.vintage()
    flags = {(flag.series, flag.day.day, flag.kind): flag.id for flag in await the_flags(stores)}
    await stores.quality.review(flags[one, 7, OUTLIER], state=ACCEPTED, note="", by=OPERATOR)
    await stores.quality.review(flags[other, 6, GAP], state=REJECTED, note="", by=OPERATOR)

    async def held(vintage: int | None) -> list[tuple[int, int]]:
        columns = await stores.quality.held([other, one], kinds=[GAP, OUTLIER], vintage=vintage)
        return list(zip(columns.series.tolist(), [day.day for day in columns.day.tolist()], strict=True))

    assert found == before
    assert await held(None) == [(one, 2), (other, 6)]
    assert await held(before) == [(one, 2), (one, 7), (other, 6)]
    assert await held(before - 1) == []
    assert (await stores.quality.held([one], kinds=[STALE])).day.tolist() == [date(2020, 1, 3)]
