"""ForceReview, and builds that carry forced reviews out."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.application.world import ADA, ANALYST, BASE, DEFINITION, World, day

from waardhaven.application.indexes.force_review import NO_REASON, ForceReview
from waardhaven.domain.identity.access import NotYours
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied, Principal, Role
from waardhaven.domain.index.build_record import NothingPublished, UnknownIndex
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.definition import Schedule
from waardhaven.domain.market.calendar import Frequency

YEARLY = Schedule(frequency=Frequency.YEARLY, daily_drop_threshold=None)


@pytest.fixture
def world() -> World:
    return World()


async def open_yearly(world: World, rows: int = 20) -> None:
    """Publish ``rows`` sessions of an index that is reviewed once a year."""
    await world.open(rows=rows)
    await world.indexes.define(replace(DEFINITION, schedule=YEARLY), by=OPERATOR)
    await world.published()


async def reviews(world: World) -> list[tuple[str, int]]:
    """Return effective day and reason of every published review."""
    index = await world.indexes.get("an-index")
    parts = [one.compositions for one in await world.builds.published(index.id, compositions=True)]
    return [
        (str(effective), int(reason))
        for part in parts
        for effective, reason in zip(part.effective, part.reason, strict=True)
    ]


async def test_forced_review_takes_effect_at_the_first_session_after_the_last_official_day(world: World):
    await open_yearly(world)
    made = await ForceReview(world.indexes, world.builds)(OPERATOR, slug="an-index")
    assert (made.after_day, made.reason) == (day(19), NO_REASON)
    await world.add_prices(20, 25)
    build, _ = await world.published()
    assert build.forced.tolist() == [day(20)]
    assert await reviews(world) == [
        (str(BASE), ReviewReason.BASE),
        (str(day(20)), ReviewReason.MANUAL),
    ]
    assert all(one.passed for one in await world.verify(OPERATOR, slug="an-index"))


async def test_review_asked_for_twice_before_new_days_is_one(world: World):
    await open_yearly(world)
    force = ForceReview(world.indexes, world.builds)
    first = await force(OPERATOR, slug="an-index", reason="a merger")
    assert await force(OPERATOR, slug="an-index", reason="again") == first
    await world.add_prices(20, 21)
    await world.published()
    assert (await force(OPERATOR, slug="an-index")).after_day == day(20)


async def test_review_is_carried_out_once_and_not_by_the_builds_after(world: World):
    await open_yearly(world)
    await ForceReview(world.indexes, world.builds)(OPERATOR, slug="an-index")
    for first in (20, 25):
        await world.add_prices(first, first + 5)
        build, _ = await world.published()
    assert build.forced.tolist() == []
    assert [reason for _, reason in await reviews(world)] == [ReviewReason.BASE, ReviewReason.MANUAL]


async def test_restated_history_keeps_the_reviews_that_were_asked_for(world: World):
    await open_yearly(world)
    await ForceReview(world.indexes, world.builds)(OPERATOR, slug="an-index")
    await world.add_prices(20, 25)
    parts = [(await world.published())[0].result.levels.level]
    again = await world.build(OPERATOR, slug="an-index", restate_from=BASE)
    assert again.forced.tolist() == [day(20)]
    assert again.result.levels.level[20:].tolist() == parts[0].tolist()


async def test_days_given_with_a_build_come_on_top(world: World):
    await open_yearly(world)
    await ForceReview(world.indexes, world.builds)(OPERATOR, slug="an-index")
    await world.add_prices(20, 30)
    given = np.array([day(24)], dtype="datetime64[D]")
    build = await world.build(OPERATOR, slug="an-index", forced=given)
    assert build.forced.tolist() == [day(20), day(24)]


async def test_review_with_no_session_after_it_is_not_due_yet(world: World):
    await open_yearly(world)
    index = await world.indexes.get("an-index")
    await world.indexes.force_review(index.id, after_day=day(22), reason="a test", by=OPERATOR)
    await world.add_prices(20, 23)
    build, _ = await world.published()
    assert build.forced.tolist() == []
    await world.add_prices(23, 24)
    build, _ = await world.published()
    assert build.forced.tolist() == [day(23)]


async def test_index_without_publications_has_nothing_to_review(world: World):
    await world.open()
    with pytest.raises(NothingPublished):
        await ForceReview(world.indexes, world.builds)(OPERATOR, slug="an-index")
    assert world.indexes.forced == []


async def test_only_those_who_may_change_an_index_force_its_reviews(world: World):
    await open_yearly(world)
    force = ForceReview(world.indexes, world.builds)
    with pytest.raises(NotYours):
        await force(ANALYST, slug="an-index")
    with pytest.raises(UnknownIndex):
        await force(ANALYST, slug="nothing")
    with pytest.raises(PermissionDenied):
        await force(Principal(user=ADA, role=Role.VIEWER), slug="an-index")
    assert world.indexes.forced == []
