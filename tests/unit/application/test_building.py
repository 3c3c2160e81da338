"""DefineIndex, BuildIndex, PublishBuild, UpdateIndex, VerifyIndex over fakes."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from tests.factories import a_definition
from tests.fakes.indexes import FakeBuildStore
from tests.unit.application.world import ADA, ANALYST, AXIS, BASE, CODE, DEFINITION, VIEWER, World, day

from waardhaven.application.indexes.define_index import DefineIndex
from waardhaven.application.indexes.update_index import TRIES
from waardhaven.application.ports.build_store import PublicationDraft
from waardhaven.application.ports.quality_flags import FlagFilter
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.access import Access, NotYours, Right, Visibility
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied, Principal
from waardhaven.domain.index.build_record import (
    InputsUnavailable,
    NothingPublished,
    NothingToBuild,
    Publication,
    PublicationKind,
    StaleBuild,
    UnknownBuild,
    UnknownIndex,
)
from waardhaven.domain.index.composition import FlagKind, ReviewReason
from waardhaven.domain.index.definition import Adjustment, StrategySpec
from waardhaven.domain.market.calendar import Frequency, NotASession
from waardhaven.domain.market.quality import Finding, FindingKind, ReviewState
from waardhaven.domain.types import UserId

# --- defining


async def test_definition_is_checked_and_becomes_the_next_version_of_its_slug(world: World):
    define = DefineIndex(world.indexes)
    first = await define(ANALYST, DEFINITION)
    assert await define(ANALYST, DEFINITION) == first
    second = await define(ANALYST, replace(DEFINITION, name="Renamed"))
    assert (first.version, second.version) == (1, 2)


async def test_definition_that_breaks_a_rule_is_not_stored(world: World):
    wrong = replace(DEFINITION, strategy=StrategySpec(name="astrology"))
    with pytest.raises(Invalid):
        await DefineIndex(world.indexes)(ANALYST, wrong)
    assert world.indexes.records == {}


# --- building


async def test_first_build_starts_at_the_base_date_with_the_base_value(world: World):
    index = await world.open(rows=20)
    build = await world.build(OPERATOR, slug="an-index")
    assert (build.start, build.through, len(build.result.levels)) == (BASE, day(19), 20)
    assert build.result.levels.level[0] == 100.0
    assert (build.opening, build.restates, build.forced.tolist()) == (None, False, [])
    assert build.universe.tolist() == sorted(world.assets)
    assert (build.provenance.definition_version, build.provenance.code) == (index.version, CODE)
    latest = await world.market.latest_vintage()
    assert (build.provenance.vintage, build.provenance.vintage_at) == (latest.id, latest.at)
    assert build.created_at == world.clock.now()
    assert await world.builds.load(build.id) is build
    assert list(await world.builds.published(index.id)) == []


async def test_later_build_continues_where_the_published_history_ends(world: World):
    await world.open(rows=20)
    first, _ = await world.published()
    await world.add_prices(20, 30)
    build = await world.build(OPERATOR, slug="an-index")
    full = await world.build(OPERATOR, slug="an-index", restate_from=BASE)
    assert build.opening is not None
    assert build.opening.day == np.datetime64(first.through)
    assert (build.start, build.through, build.restates) == (day(20), day(29), False)
    assert build.result.levels.level.tobytes() == full.result.levels.level[20:].tobytes()


async def test_correction_of_the_past_does_not_move_the_day_after_the_published_history(world: World):
    await world.open(rows=20)
    first, _ = await world.published()
    await world.write(world.series[0], AXIS[95:96], [1e6])
    await world.add_prices(20, 21)
    build = await world.build(OPERATOR, slug="an-index")
    change = build.result.levels.level[0] / first.result.levels.level[-1] - 1.0
    assert abs(change) < 0.3


async def test_restatement_starts_at_the_day_asked_for_from_the_published_state_before_it(world: World):
    await world.open(rows=20)
    first, _ = await world.published()
    build = await world.build(OPERATOR, slug="an-index", restate_from=day(10))
    assert (build.start, build.through, build.restates) == (day(10), day(19), True)
    assert build.opening is not None
    assert build.opening.level == first.result.levels.level[9]
    whole = await world.build(OPERATOR, slug="an-index", restate_from=BASE)
    assert (whole.start, whole.opening) == (BASE, None)


async def test_flagged_bar_is_used_unless_the_definition_holds_it_out_until_it_is_accepted(world: World):
    await world.open(rows=20)
    flagged = Finding(series=world.series[0], day=day(12), kind=FindingKind.OUTLIER, detail="a test")
    await world.flags.record([flagged], series=[world.series[0]], kinds=[FindingKind.OUTLIER])
    used = await world.build(OPERATOR, slug="an-index")
    strict = replace(DEFINITION, guards=replace(DEFINITION.guards, held_out=("outlier",)))
    await DefineIndex(world.indexes)(OPERATOR, strict)
    held = await world.build(OPERATOR, slug="an-index")
    row = 12
    before, after = (one.result.levels.level for one in (used, held))
    assert after[:row].tobytes() == before[:row].tobytes()
    assert after[row] != before[row]
    assert np.datetime64(day(12)) in held.result.flags.day[held.result.flags.kind == FlagKind.STALE_PRICE]
    (flag,) = await world.flags.page(FlagFilter(), limit=5)
    await world.flags.review(flag.id, state=ReviewState.ACCEPTED, note="right", by=OPERATOR)
    again = await world.build(OPERATOR, slug="an-index")
    assert again.result.levels.level.tobytes() == before.tobytes()


async def test_forced_review_takes_effect_on_its_day(world: World):
    await world.open(rows=20)
    forced = AXIS[100:101]
    build = await world.build(OPERATOR, slug="an-index", forced=forced)
    reviews = build.result.compositions
    manual = reviews.effective[reviews.reason == ReviewReason.MANUAL]
    assert manual.tolist() == forced.tolist()
    assert build.forced.tolist() == forced.tolist()


async def test_build_ends_on_the_day_asked_for(world: World):
    await world.open(rows=20)
    build = await world.build(OPERATOR, slug="an-index", through=day(7))
    assert build.through == day(7)


async def test_same_facts_rules_and_code_give_the_same_build_and_others_another(world: World):
    await world.open(rows=20)
    one = await world.build(OPERATOR, slug="an-index")
    world.clock.advance(timedelta(hours=1))
    assert (await world.build(OPERATOR, slug="an-index")).id == one.id
    assert len(world.builds.builds) == 1
    world.code = replace(CODE, digest="d" * 64)
    assert (await world.build(OPERATOR, slug="an-index")).id != one.id
    await world.add_prices(20, 21)
    assert (await world.build(OPERATOR, slug="an-index")).id not in {one.id, None}


async def test_up_to_date_index_has_nothing_to_build(world: World):
    await world.open(rows=20)
    await world.published()
    with pytest.raises(NothingToBuild):
        await world.build(OPERATOR, slug="an-index")


async def test_index_whose_prices_end_before_its_base_date_has_nothing_to_build(world: World):
    await world.open(rows=-5)
    with pytest.raises(NothingToBuild):
        await world.build(OPERATOR, slug="an-index")


async def test_index_without_market_data_or_without_series_has_no_inputs(world: World):
    await world.indexes.define(DEFINITION, by=OPERATOR)
    with pytest.raises(InputsUnavailable):
        await world.build(OPERATOR, slug="an-index")
    await world.add_calendar()
    with pytest.raises(InputsUnavailable):
        await world.build(OPERATOR, slug="an-index")


async def test_base_date_that_is_no_session_can_not_be_built(world: World):
    await world.open(rows=20)
    saturday = np.datetime64(day(0)) + np.timedelta64((5 - day(0).weekday()) % 7, "D")
    await world.indexes.define(a_definition(base=saturday, adjustment=Adjustment.ALL), by=OPERATOR)
    with pytest.raises(NotASession):
        await world.build(OPERATOR, slug="an-index")


async def test_unknown_index_can_not_be_built(world: World):
    with pytest.raises(UnknownIndex):
        await world.build(OPERATOR, slug="nothing")


async def test_name_that_left_the_universe_is_still_priced_until_it_is_sold(world: World):
    await world.open(rows=20)
    await world.published()
    stay = dict.fromkeys(world.assets[1:], (day(-80), None))
    await world.market.write_universe("a-universe", "A universe", stay)
    await world.add_prices(20, 30)
    build = await world.build(OPERATOR, slug="an-index")
    assert build.universe.tolist() == sorted(world.assets)
    assert build.result.closing.assets.tolist() == sorted(world.assets[1:])


# --- publishing


async def test_published_build_makes_its_days_official(world: World):
    index = await world.open(rows=20)
    build, publication = await world.published()
    assert (publication.build, publication.kind) == (build.id, PublicationKind.EXTEND)
    assert (publication.from_day, publication.through_day) == (BASE, day(19))
    assert [one.publication for one in await world.builds.published(index.id)] == [publication]
    again = await world.publish(OPERATOR, build.id, reason="again")
    assert again == publication


async def test_restatement_is_published_as_such(world: World):
    await world.open(rows=20)
    await world.published()
    _, publication = await world.published(restate_from=day(10))
    assert (publication.kind, publication.from_day) == (PublicationKind.RESTATE, day(10))


async def test_unknown_build_can_not_be_published(world: World):
    with pytest.raises(UnknownBuild):
        await world.publish(OPERATOR, uuid4(), reason="a test")


async def test_build_that_no_longer_continues_the_history_is_stale(world: World):
    await world.open(rows=20)
    await world.published()
    await world.add_prices(20, 22)
    stale = await world.build(OPERATOR, slug="an-index")
    await world.add_prices(22, 24)
    await world.published()
    with pytest.raises(StaleBuild):
        await world.publish(OPERATOR, stale.id, reason="too late")


async def test_second_first_build_is_stale(world: World):
    await world.open(rows=20)
    short = await world.build(OPERATOR, slug="an-index", through=day(5))
    await world.published()
    with pytest.raises(StaleBuild):
        await world.publish(OPERATOR, short.id, reason="too late")


async def test_continuation_without_a_history_is_stale(world: World):
    await world.open(rows=20)
    build, _ = await world.published(through=day(5))
    continued = await world.build(OPERATOR, slug="an-index")
    world.builds.publications.clear()
    with pytest.raises(StaleBuild):
        await world.publish(OPERATOR, continued.id, reason="nothing to continue")
    assert build.id != continued.id


async def test_restatement_that_ends_before_the_official_history_is_stale(world: World):
    await world.open(rows=20)
    await world.published()
    short = await world.build(OPERATOR, slug="an-index", restate_from=day(10), through=day(15))
    with pytest.raises(StaleBuild):
        await world.publish(OPERATOR, short.id, reason="too short")


# --- updating


async def test_update_publishes_new_sessions_once(world: World):
    await world.open(rows=20)
    first = await world.update(OPERATOR, slug="an-index")
    assert first is not None
    assert await world.update(OPERATOR, slug="an-index") is None
    await world.add_prices(20, 25)
    second = await world.update(OPERATOR, slug="an-index", reason="next week")
    assert second is not None
    assert (second.from_day, second.through_day, second.reason) == (day(20), day(24), "next week")


class Overtaken(FakeBuildStore):
    """Lets something else happen before each of the first publications."""

    def let(self, before: Callable[[], Awaitable[object]], times: int = 1) -> None:
        self._before, self._times = before, times

    async def publish(self, draft: PublicationDraft, *, by: Principal) -> Publication:
        if self._times:
            self._times -= 1
            await self._before()
        return await super().publish(draft, by=by)


async def stale() -> None:
    raise StaleBuild("Another publication came first.")


async def test_update_builds_again_when_another_publication_comes_first(world: World):
    await world.open(rows=20)
    await world.published()
    await world.add_prices(20, 25)

    async def other_process_publishes_less() -> None:
        less = await world.build(OPERATOR, slug="an-index", through=day(22))
        await world.publish(OPERATOR, less.id, reason="the other")

    overtaken = Overtaken(world.log, world.clock, world.builds.builds, world.builds.publications)
    overtaken.let(other_process_publishes_less)
    world.builds = overtaken
    made = await world.update(OPERATOR, slug="an-index")
    assert made is not None
    assert (made.from_day, made.through_day) == (day(23), day(24))
    assert [one.reason for one in overtaken.publications] == ["a test", "the other", "new sessions"]


@pytest.mark.parametrize(("times", "published"), [(TRIES - 1, True), (TRIES, False)])
async def test_update_tries_three_times_and_then_tells(world: World, times: int, published: bool):
    world.builds = Overtaken(world.log, world.clock)
    world.builds.let(stale, times)
    await world.open(rows=20)
    if published:
        assert await world.update(OPERATOR, slug="an-index") is not None
        return
    with pytest.raises(StaleBuild):
        await world.update(OPERATOR, slug="an-index")
    assert world.builds.publications == []


# --- verifying


async def test_published_builds_are_reproduced_exactly_also_after_corrections(world: World):
    await world.open(rows=20)
    await world.published()
    await world.write(world.series[0], AXIS[95:96], [1e6])
    await world.add_prices(20, 25)
    await world.published()
    await world.published(restate_from=day(10), forced=AXIS[105:106])
    verdicts = await world.verify(VIEWER, slug="an-index")
    assert [(one.exact, one.passed, one.same_inputs) for one in verdicts] == [(True, True, True)] * 3
    assert [one.sessions for one in verdicts] == [20, 5, 15]


async def test_former_definition_is_used_for_the_build_made_from_it(world: World):
    await world.open(rows=20)
    await world.published()
    await world.indexes.define(
        a_definition("inverse_volatility", base=AXIS[90], adjustment=Adjustment.ALL), by=OPERATOR
    )
    assert [one.passed for one in await world.verify(VIEWER, slug="an-index")] == [True]


async def test_index_without_publications_can_not_be_verified(world: World):
    await world.open(rows=20)
    with pytest.raises(NothingPublished):
        await world.verify(VIEWER, slug="an-index")


def nudged(column: np.ndarray, place: int, by: float) -> np.ndarray:
    copy = column.copy()
    copy[place] *= 1.0 + by
    return copy


@pytest.mark.parametrize(
    ("by", "elsewhere", "passed"),
    [(1e-14, True, True), (1e-14, False, False), (1e-9, True, False)],
    ids=["rounding_on_another_machine", "rounding_on_this_machine", "more_than_rounding"],
)
async def test_small_differences_are_tolerated_only_where_code_or_kernels_differ(
    world: World, by: float, elsewhere: bool, passed: bool
):
    await world.open(rows=20)
    build, _ = await world.published()
    levels = replace(build.result.levels, level=nudged(build.result.levels.level, 7, by))
    world.tamper(build, result=replace(build.result, levels=levels))
    if elsewhere:
        world.code = replace(CODE, fingerprint="c" * 64)
    (verdict,) = await world.verify(VIEWER, slug="an-index")
    assert (verdict.exact, verdict.passed) == (not elsewhere, passed)
    if not passed:
        assert verdict.difference is not None
        assert (verdict.difference.field, verdict.difference.day) == ("levels.level", day(7))
        assert verdict.symbol is None


async def test_difference_in_a_weight_names_the_symbol(world: World):
    await world.open(rows=20)
    build, _ = await world.published()
    held = build.result.compositions
    place = int(held.offset[1]) + 1
    changed = replace(held, weight=nudged(held.weight, place, 1e-6))
    world.tamper(build, result=replace(build.result, compositions=changed))
    (verdict,) = await world.verify(VIEWER, slug="an-index")
    assert not verdict.passed
    assert verdict.difference is not None
    assert verdict.difference.field == "compositions.weight"
    (asset,) = await world.market.assets([held.asset[place]])
    assert verdict.symbol == asset.symbol


async def test_inputs_that_differ_from_the_recorded_ones_fail_the_verdict(world: World):
    await world.open(rows=20)
    build, _ = await world.published()
    world.tamper(build, provenance=replace(build.provenance, input_hash="0" * 64))
    (verdict,) = await world.verify(VIEWER, slug="an-index")
    assert (verdict.same_inputs, verdict.difference, verdict.passed) == (False, None, False)


# --- permissions


async def test_viewer_can_not_define_build_publish_or_update(world: World):
    await world.open(rows=20)
    for attempt in (
        lambda: DefineIndex(world.indexes)(VIEWER, DEFINITION),
        lambda: world.build(VIEWER, slug="an-index"),
        lambda: world.publish(VIEWER, uuid4(), reason="a test"),
        lambda: world.update(VIEWER, slug="an-index"),
    ):
        with pytest.raises(PermissionDenied):
            await attempt()
    assert world.builds.builds == {}


async def test_analyst_builds_and_publishes_what_is_theirs_and_nothing_else(world: World):
    await world.open(rows=20)
    with pytest.raises(NotYours):
        await world.update(ANALYST, slug="an-index")
    mine = Access(owner=ADA, visibility=Visibility.PRIVATE)
    world.indexes.change_access("an-index", mine)
    assert await world.update(ANALYST, slug="an-index") is not None
    grace = UserId(UUID(int=2))
    stranger = replace(ANALYST, user=grace)
    with pytest.raises(UnknownIndex):
        await world.build(stranger, slug="an-index")
    build = next(iter(world.builds.builds))
    with pytest.raises(UnknownBuild):
        await world.publish(stranger, build, reason="stolen")
    shared = replace(mine, visibility=Visibility.SHARED, shared_with={grace: Right.READ})
    world.indexes.change_access("an-index", shared)
    with pytest.raises(NotYours):
        await world.publish(stranger, build, reason="stolen")


async def test_index_reviewed_yearly_can_be_extended_while_it_holds_a_name_that_stopped_trading(world: World):
    await world.open(rows=5)
    await world.indexes.define(
        replace(DEFINITION, schedule=replace(DEFINITION.schedule, frequency=Frequency.YEARLY)), by=OPERATOR
    )
    await world.published()
    await world.add_prices(5, 100, columns=(1, 2))
    await world.published(through=day(90))
    full = await world.build(OPERATOR, slug="an-index", restate_from=BASE)
    assert full.through == day(99)
    assert (await world.build(OPERATOR, slug="an-index")).through == day(99)
