"""BuildStore: what every implementation must do."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from tests.contract.conftest import Stores
from tests.contract.indexes import RESULT, a_build, a_draft, a_stored_build, an_index, same_build

from waardhaven.application.ports.build_store import BuildSummary, Revision
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.build_record import PublicationKind, StaleBuild, UnknownBuild
from waardhaven.domain.index.composition import CompositionColumns, FlagColumns, IndexState, LevelColumns
from waardhaven.domain.index.restating import Comparison, Decision

NOBODY = 9_999


async def test_absent_builds_and_publications_are_told_as_documented(stores: Stores):
    with pytest.raises(UnknownBuild):
        await stores.builds.load(uuid4())
    with pytest.raises(UnknownBuild):
        await stores.builds.summary(uuid4())
    assert await stores.builds.summaries(NOBODY, limit=5) == []
    assert list(await stores.builds.published(NOBODY)) == []
    assert await stores.builds.chain(NOBODY) == []
    assert await stores.builds.closing(uuid4()) is None
    assert await stores.builds.head(NOBODY) is None
    assert await stores.builds.coverage([NOBODY]) == {}
    assert await stores.builds.coverage([]) == {}


async def test_build_comes_back_bit_for_bit(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    found = await stores.builds.load(build.id)
    assert same_build(found, build)
    assert len(found.result.flags.day) > 0
    assert len(found.result.compositions) > 2


async def test_continued_build_with_forced_days_and_unknowns_comes_back_bit_for_bit(stores: Stores):
    index = await an_index(stores)
    before = RESULT.levels.day[0] - np.timedelta64(1, "D")
    opening = replace(RESULT.closing, day=before, previous_level=float("nan"), level=1 / 3)
    level = RESULT.levels.level.copy()
    level[3:6] = np.nan, -0.0, 5e-324
    odd = replace(
        RESULT,
        levels=LevelColumns(day=RESULT.levels.day, level=level),
        compositions=CompositionColumns.of([]),
        flags=FlagColumns(
            day=np.array([], dtype="datetime64[D]"),
            asset=np.array([], dtype=np.int64),
            kind=np.array([], dtype=np.int8),
        ),
        closing=replace(RESULT.closing, assets=np.array([2**62]), units=np.array([1e-300])),
    )
    build = await a_stored_build(
        stores,
        index,
        opening=opening,
        restates=True,
        forced=np.array(["1969-12-31", "2020-06-01"], dtype="datetime64[D]"),
        universe=np.array([], dtype=np.int64),
        result=odd,
    )
    found = await stores.builds.load(build.id)
    assert same_build(found, build)
    assert found.opening is not None
    assert np.isnan(found.opening.previous_level)


async def test_saving_a_build_announces_it_once_and_again_changes_nothing(stores: Stores):
    index = await an_index(stores)
    events = len(await stores.kinds())
    build = await a_stored_build(stores, index)
    assert (await stores.kinds())[events:] == ["index.build_finished"]
    assert [await stores.builds.summary(build.id)] == await stores.builds.summaries(index.id, limit=2)
    await stores.builds.save(replace(build, restates=True), by=OPERATOR)
    assert same_build(await stores.builds.load(build.id), build)
    assert len(await stores.kinds()) == events + 1


async def test_saving_the_same_build_twice_at_once_stores_it_once(stores: Stores):
    index = await an_index(stores)
    events = len(await stores.kinds())
    build = await a_build(stores, index)
    await asyncio.gather(*(stores.builds.save(build, by=OPERATOR) for _ in range(4)))
    assert len(await stores.builds.summaries(index.id, limit=9)) == 1
    assert len(await stores.kinds()) == events + 1
    assert same_build(await stores.builds.load(build.id), build)


async def test_summaries_are_newest_first_and_page_without_gap_or_repeat(stores: Stores):
    index = await an_index(stores)
    other = await an_index(stores, "other-index")
    ids = [UUID(int=place) for place in (3, 1, 2, 5, 4)]
    minutes = [0, 1, 1, 1, 2]
    for id_, minute in zip(ids, minutes, strict=True):
        await a_stored_build(stores, index, id=id_, minutes=minute)
    await a_stored_build(stores, other, minutes=3)
    newest = [UUID(int=place) for place in (4, 5, 2, 1, 3)]
    pages, before = [], None
    while page := await stores.builds.summaries(index.id, limit=2, before=before):
        pages.append([one.id for one in page])
        before = page[-1].id
    assert pages == [newest[:2], newest[2:4], newest[4:]]
    assert await stores.builds.summaries(index.id, limit=2, before=uuid4()) == []


async def test_summary_tells_what_a_build_covers_and_whether_it_was_published(stores: Stores):
    index = await an_index(stores)
    before = RESULT.levels.day[0] - np.timedelta64(3, "D")
    build = await a_stored_build(stores, index, opening=replace(RESULT.closing, day=before), restates=True)
    (found,) = await stores.builds.summaries(index.id, limit=5)
    assert found == BuildSummary(
        id=build.id,
        provenance=build.provenance,
        start=build.start,
        through=build.through,
        sessions=len(RESULT.levels),
        restates=True,
        opened_from=before.item(),
        created_at=build.created_at,
        published=False,
    )
    await stores.builds.publish(a_draft(build), by=OPERATOR)
    assert (await stores.builds.summaries(index.id, limit=5))[0].published


async def test_head_is_the_newest_publication_in_force_with_what_its_build_closed_with(stores: Stores):
    index = await an_index(stores)
    assert await stores.builds.head(index.id) is None
    one, two, three = [await a_stored_build(stores, index, minutes=n) for n in range(3)]
    first = await stores.builds.publish(a_draft(one), by=OPERATOR)
    second = await stores.builds.publish(a_draft(two, first.id), by=OPERATOR)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await stores.builds.publish(a_draft(three, second.id, effective_at=tomorrow), by=OPERATOR)
    head = await stores.builds.head(index.id)
    assert head is not None
    assert head.publication == second
    assert same_build(head.closing, two.result.closing)


async def test_new_build_is_stored_and_published_at_once_and_again_nothing_changes(stores: Stores):
    index = await an_index(stores)
    build = await a_build(stores, index)
    events = len(await stores.kinds())
    made = await stores.builds.publish_new(build, a_draft(build), by=OPERATOR)
    assert (await stores.kinds())[events:] == ["index.build_finished", "index.published"]
    assert await stores.builds.chain(index.id) == [made]
    assert same_build(await stores.builds.load(build.id), build)
    assert await stores.builds.publish_new(build, a_draft(build), by=OPERATOR) == made
    assert len(await stores.kinds()) == events + 2
    (told,) = [one for one in await stores.events.since(0, limit=999) if one.kind == "index.published"]
    assert told.payload == {"index": index.id, "publication": made.id}
    (entry,) = await stores.recorded("index.published")
    assert (entry.target, entry.before) == (f"index:{index.id}", None)


async def test_build_stored_before_is_published_as_a_new_one_is(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    made = await stores.builds.publish_new(build, a_draft(build), by=OPERATOR)
    assert await stores.builds.chain(index.id) == [made]
    assert len(await stores.recorded("index.built")) == len(await stores.recorded("index.published")) == 1


async def test_new_build_that_continues_nothing_is_stored_and_stale(stores: Stores):
    index = await an_index(stores)
    first = await a_build(stores, index)
    made = await stores.builds.publish_new(first, a_draft(first), by=OPERATOR)
    late = await a_build(stores, index, minutes=1)
    events = len(await stores.kinds())
    for follows in (None, made.id + 1_000):
        with pytest.raises(StaleBuild):
            await stores.builds.publish_new(late, a_draft(late, follows), by=OPERATOR)
    assert (await stores.kinds())[events:] == ["index.build_finished"]
    assert same_build(await stores.builds.load(late.id), late)
    assert await stores.builds.chain(index.id) == [made]
    assert len(await stores.recorded("index.published")) == 1


async def test_of_new_builds_published_at_once_one_wins_and_all_are_stored(stores: Stores):
    index = await an_index(stores)
    builds = [await a_build(stores, index, minutes=n) for n in range(4)]
    works = (stores.builds.publish_new(one, a_draft(one), by=OPERATOR) for one in builds)
    found = await asyncio.gather(*works, return_exceptions=True)
    assert sum(isinstance(one, StaleBuild) for one in found) == 3
    assert len(await stores.builds.chain(index.id)) == 1
    assert len(await stores.builds.summaries(index.id, limit=9)) == 4
    again = (stores.builds.publish_new(builds[0], a_draft(builds[0]), by=OPERATOR) for _ in range(3))
    settled = await asyncio.gather(*again, return_exceptions=True)
    assert len({repr(one) for one in settled}) == 1


async def test_large_build_comes_back_bit_for_bit(stores: Stores):
    index = await an_index(stores)
    many = 40_000
    day = np.datetime64("1900-01-01") + np.arange(many)
    flags = FlagColumns(day=day, asset=np.arange(many) % 7 + 1, kind=np.ones(many, dtype=np.int8))
    level = np.random.default_rng(5).random(many)
    result = replace(RESULT, levels=LevelColumns(day=day, level=level), flags=flags)
    build = await a_build(stores, index, result=result)
    await stores.builds.publish_new(build, a_draft(build), by=OPERATOR)
    assert same_build(await stores.builds.load(build.id), build)


async def test_publication_is_in_force_at_once_with_its_event(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    events = len(await stores.kinds())
    made = await stores.builds.publish(a_draft(build), by=OPERATOR)
    (found,) = await stores.builds.published(index.id, compositions=True)
    assert found.publication == made
    assert found.made_from == build.provenance
    assert same_build(found.levels, RESULT.levels)
    assert same_build(found.compositions, RESULT.compositions)
    assert (made.index, made.build, made.kind) == (index.id, build.id, PublicationKind.EXTEND)
    assert (made.from_day, made.through_day, made.reason) == (build.start, build.through, "a test")
    assert made.effective_at >= made.announced_at
    assert (await stores.kinds())[events:] == ["index.published"]


async def test_chain_lists_the_publications_in_force_oldest_first_without_those_announced_for_later(
    stores: Stores,
):
    index, other = await an_index(stores), await an_index(stores, "other")
    one = await stores.builds.publish(a_draft(await a_stored_build(stores, index)), by=OPERATOR)
    two = await stores.builds.publish(a_draft(await a_stored_build(stores, index), one.id), by=OPERATOR)
    await stores.builds.publish(a_draft(await a_stored_build(stores, other)), by=OPERATOR)
    later = replace(
        a_draft(await a_stored_build(stores, index), two.id),
        effective_at=two.effective_at + timedelta(days=9),
    )
    await stores.builds.publish(later, by=OPERATOR)
    assert await stores.builds.chain(index.id) == [one, two]


async def test_closing_state_comes_back_bit_for_bit(stores: Stores):
    build = await a_stored_build(stores, await an_index(stores))
    found = await stores.builds.closing(build.id)
    assert same_build(found, RESULT.closing)


async def test_published_leaves_compositions_empty_unless_asked(stores: Stores):
    index = await an_index(stores)
    await stores.builds.publish(a_draft(await a_stored_build(stores, index)), by=OPERATOR)
    (found,) = await stores.builds.published(index.id)
    assert len(found.compositions) == 0
    assert found.compositions.offset.tolist() == [0]
    assert same_build(found.levels, RESULT.levels)


async def test_publishing_a_build_again_returns_the_publication_it_has(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    first = await stores.builds.publish(a_draft(build), by=OPERATOR)
    events = len(await stores.kinds())
    for follows in (None, first.id, 777):
        again = await stores.builds.publish(a_draft(build, follows, reason="another reason"), by=OPERATOR)
        assert again == first
    assert len(await stores.builds.published(index.id)) == 1
    assert len(await stores.kinds()) == events


async def test_draft_that_does_not_follow_the_newest_publication_is_stale(stores: Stores):
    index = await an_index(stores)
    builds = [await a_stored_build(stores, index, minutes=n) for n in range(3)]
    with pytest.raises(StaleBuild):
        await stores.builds.publish(a_draft(builds[0], 777), by=OPERATOR)
    first = await stores.builds.publish(a_draft(builds[0]), by=OPERATOR)
    with pytest.raises(StaleBuild):
        await stores.builds.publish(a_draft(builds[1]), by=OPERATOR)
    second = await stores.builds.publish(a_draft(builds[1], first.id), by=OPERATOR)
    with pytest.raises(StaleBuild):
        await stores.builds.publish(a_draft(builds[2], first.id), by=OPERATOR)
    assert [one.publication.id for one in await stores.builds.published(index.id)] == [first.id, second.id]


async def test_of_many_publications_at_once_only_one_succeeds_each(stores: Stores):
    index = await an_index(stores)
    builds = [await a_stored_build(stores, index, minutes=n) for n in range(6)]
    events = len(await stores.kinds())
    follows = None
    for round_ in (builds[:3], builds[3:]):
        works = (stores.builds.publish(a_draft(one, follows), by=OPERATOR) for one in round_)
        outcomes = await asyncio.gather(*works, return_exceptions=True)
        made = [one for one in outcomes if not isinstance(one, Exception)]
        assert len(made) == 1
        assert sum(isinstance(one, StaleBuild) for one in outcomes) == 2
        follows = made[0].id
    assert len(await stores.builds.published(index.id)) == 2
    assert (await stores.kinds())[events:] == ["index.published"] * 2


async def test_publishing_one_build_at_once_from_several_places_publishes_it_once(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    made = await asyncio.gather(*(stores.builds.publish(a_draft(build), by=OPERATOR) for _ in range(4)))
    assert len({one.id for one in made}) == 1
    assert len(await stores.builds.published(index.id)) == 1


async def test_publications_of_one_index_do_not_hold_up_another(stores: Stores):
    one, other = await an_index(stores), await an_index(stores, "other-index")
    await stores.builds.publish(a_draft(await a_stored_build(stores, one)), by=OPERATOR)
    await stores.builds.publish(a_draft(await a_stored_build(stores, other)), by=OPERATOR)
    assert len(await stores.builds.published(one.id)) == len(await stores.builds.published(other.id)) == 1


async def test_publications_in_force_at_an_instant_are_those_effective_by_then_oldest_first(stores: Stores):
    index = await an_index(stores)
    made, follows = [], None
    for minutes in range(3):
        build = await a_stored_build(stores, index, minutes=minutes)
        made.append(await stores.builds.publish(a_draft(build, follows), by=OPERATOR))
        follows = made[-1].id
    tick = timedelta(microseconds=1)
    for place, one in enumerate(made):
        found = await stores.builds.published(index.id, as_of=one.effective_at)
        assert [each.publication for each in found] == made[: place + 1]
        assert len(await stores.builds.published(index.id, as_of=one.effective_at - tick)) == place


async def test_publication_announced_for_later_is_not_in_force_yet(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    later = datetime.now(UTC) + timedelta(days=3)
    made = await stores.builds.publish(a_draft(build, effective_at=later), by=OPERATOR)
    assert made.effective_at == later
    assert list(await stores.builds.published(index.id)) == []
    assert await stores.builds.coverage([index.id]) == {}
    assert len(await stores.builds.published(index.id, as_of=later)) == 1
    assert await stores.builds.publish(a_draft(build), by=OPERATOR) == made


async def test_publication_can_not_be_made_effective_in_the_past(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    made = await stores.builds.publish(
        a_draft(build, effective_at=datetime(2001, 1, 1, tzinfo=UTC)), by=OPERATOR
    )
    assert made.effective_at == made.announced_at


async def test_coverage_tells_first_and_last_official_day_and_the_last_level(stores: Stores):
    index, other = await an_index(stores), await an_index(stores, "other-index")
    first = await a_stored_build(stores, index)
    published = await stores.builds.publish(
        a_draft(first, through_day=RESULT.levels.day[9].item()), by=OPERATOR
    )
    closing = replace(RESULT.closing, level=123.456)
    second = await a_stored_build(stores, index, minutes=1, result=replace(RESULT, closing=closing))
    draft = a_draft(second, published.id, from_day=RESULT.levels.day[10].item())
    await stores.builds.publish(draft, by=OPERATOR)
    found = await stores.builds.coverage([other.id, index.id, NOBODY])
    assert found == {index.id: (first.start, second.through, 123.456)}


async def test_state_without_names_survives(stores: Stores):
    index = await an_index(stores)
    empty = IndexState(
        day=RESULT.closing.day,
        level=1.0,
        divisor=1.0,
        assets=np.array([], dtype=np.int64),
        units=np.array([]),
    )
    build = await a_stored_build(stores, index, result=replace(RESULT, closing=empty))
    assert same_build(await stores.builds.load(build.id), build)


async def test_comparisons_are_kept_once_for_a_vintage_and_read_newest_first(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    made = await stores.builds.publish(a_draft(build), by=OPERATOR)
    vintage = build.provenance.vintage
    found = Comparison(first_day=build.start, days=2, largest=0.01, published=101.0, known=100.0)
    first = Revision(
        index=index.id, publication=made.id, vintage=vintage, found=found, decision=Decision.LEFT
    )
    await stores.builds.log_revision(first, by=OPERATOR)
    await stores.builds.log_revision(replace(first, decision=Decision.RESTATED), by=OPERATOR)
    [kept] = await stores.builds.revisions(index.id, limit=5)
    assert kept.checked_at is not None
    assert replace(kept, id=None, checked_at=None) == first
    assert kept.id is not None
    assert await stores.builds.revisions(index.id, limit=5, before=kept.id) == []
    assert await stores.builds.revisions(NOBODY, limit=5) == []
    assert len(await stores.recorded("index.compared")) == 1
