"""Compositions, rebalances, files, explanations and their provenance over fakes."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from tests.unit.application.world import (
    ANALYST,
    AXIS,
    CLOSES,
    DEFINITION,
    SYMBOLS,
    VIEWER,
    WARM_UP,
    World,
    day,
)

from waardhaven.application.answers import InvalidCursor, InvalidRange
from waardhaven.application.indexes.composition_file import FileKind, NoNextSession, ReadCompositionFile
from waardhaven.application.indexes.compositions import ListCompositions, ListRebalances
from waardhaven.application.indexes.explain import Explain
from waardhaven.application.indexes.figures import FIGURES, UnknownFigure, figure_id
from waardhaven.application.indexes.provenance import ReadProvenance
from waardhaven.application.indexes.read_events import ReadEvents
from waardhaven.application.indexes.recompute_session import NotPublished, RecomputeSession
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.build_record import NothingPublished, UnknownIndex
from waardhaven.domain.index.definition import Constraints, StrategySpec
from waardhaven.domain.market.asset import UnknownAsset
from waardhaven.domain.types import BuildId


def compositions(world: World) -> ListCompositions:
    return ListCompositions(world.indexes, world.builds, world.market)


def rebalances(world: World) -> ListRebalances:
    return ListRebalances(world.indexes, world.builds, world.market, world.inputs, world.pool)


def recompute(world: World) -> RecomputeSession:
    return RecomputeSession(world.indexes, world.inputs, world.code, world.pool)


def file(world: World) -> ReadCompositionFile:
    return ReadCompositionFile(
        world.indexes, world.builds, world.market, ReadEvents(world.market), recompute(world)
    )


def explain(world: World) -> Explain:
    return Explain(world.indexes, world.builds, world.market, recompute(world))


def provenance(world: World) -> ReadProvenance:
    return ReadProvenance(world.indexes, world.builds, world.market)


@pytest.fixture
async def published(world: World) -> World:
    await world.open(rows=20)
    await world.published()
    return world


async def grown(world: World, *, steps: int = 12) -> World:
    """Publish one session after the other, as days pass."""
    await world.open(rows=5)
    await world.published()
    for row in range(5, 5 + steps):
        world.clock.advance(timedelta(days=1))
        await world.add_prices(row, row + 1)
        await world.published()
    return world


# --- compositions and rebalances


async def test_compositions_are_the_official_ones_newest_first_and_paged(published: World):
    (build,) = published.builds.builds.values()
    columns = build.result.compositions
    whole = await compositions(published)(VIEWER, slug="an-index")
    assert [one.effective for one in whole.items] == columns.effective[::-1].tolist()
    assert whole.items[-1].reason == "base"
    first = whole.items[0]
    newest = columns.at(len(columns) - 1)
    assert first.names.symbols == SYMBOLS
    assert (first.names.weights, first.names.units) == (tuple(newest.weight), tuple(newest.units))
    assert (first.turnover, first.cost, first.divisor) == (newest.turnover, newest.cost, 1.0)
    shown, cursor = [], None
    while True:
        page = await compositions(published)(VIEWER, slug="an-index", limit=2, cursor=cursor)
        shown += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert tuple(shown) == whole.items


async def test_a_range_of_compositions_includes_both_ends(published: World):
    every = (await compositions(published)(VIEWER, slug="an-index")).items
    first, last = every[2].effective, every[1].effective
    part = await compositions(published)(VIEWER, slug="an-index", start=first, end=last)
    assert part.items == every[1:3]
    assert (await compositions(published)(VIEWER, slug="an-index", start=day(60))).items == ()
    assert (await rebalances(published)(VIEWER, slug="an-index", start=day(60))).items == ()


@pytest.mark.parametrize("ask", [compositions, rebalances])
async def test_a_cursor_of_another_list_and_a_reversed_range_are_refused(published: World, ask):
    with pytest.raises(InvalidCursor):
        await ask(published)(VIEWER, slug="an-index", cursor="autoindex")
    with pytest.raises(InvalidRange):
        await ask(published)(VIEWER, slug="an-index", start=day(3), end=day(2))
    with pytest.raises(UnknownIndex):
        await ask(published)(VIEWER, slug="nothing")


async def test_changes_at_a_review_sum_to_the_turnover_that_the_build_computed(published: World):
    found = await rebalances(published)(VIEWER, slug="an-index", limit=3)
    for one in found.items:
        assert sum(map(abs, one.changes.change)) == pytest.approx(one.turnover, abs=1e-12)
        moved = [abs(change) for change in one.changes.change]
        assert moved == sorted(moved, reverse=True)
        assert (one.names_before, one.names_after, one.entered, one.left) == (3, 3, (), ())
    rest = await rebalances(published)(VIEWER, slug="an-index", cursor=found.next_cursor)
    base = rest.items[-1]
    assert (base.reason, base.entered, base.names_before) == ("base", SYMBOLS, 0)
    assert rest.next_cursor is None


async def test_names_that_enter_and_leave_at_a_review_are_named(world: World):
    await world.open(rows=20)
    await world.market.write_universe(
        "a-universe",
        "A universe",
        {
            world.assets[0]: (day(-80), day(8)),
            world.assets[1]: (day(-80), None),
            world.assets[2]: (day(8), None),
        },
    )
    await world.published()
    items = (await rebalances(world)(VIEWER, slug="an-index")).items
    (moved,) = [one for one in items if one.left]
    assert (moved.left, moved.entered) == (("AAA",), ("CCC",))
    assert sum(map(abs, moved.changes.change)) == pytest.approx(moved.turnover, abs=1e-12)


# --- composition files


async def test_closing_file_computes_the_level_by_hand(published: World):
    (build,) = published.builds.builds.values()
    found = await file(published)(VIEWER, slug="an-index", day=day(13))
    columns, head = found.columns, found.head
    by_hand = float((columns["units"] * columns["close"] * columns["fx"]).sum()) / head["divisor"]
    assert head["level"] == build.result.levels.level[13] == pytest.approx(by_hand, rel=1e-14)
    assert columns["close"].tolist() == CLOSES[WARM_UP + 13].tolist()
    assert columns["symbols"].tolist() == list(SYMBOLS)
    assert columns["weight"].sum() == pytest.approx(1.0, abs=1e-14)
    assert (head["date"], head["at"], head["reproduced"]) == (day(13), "closing", True)


async def test_file_without_a_day_is_that_of_the_newest_close_and_of_the_base_date_too(published: World):
    assert (await file(published)(VIEWER, slug="an-index")).head["date"] == day(19)
    base = await file(published)(VIEWER, slug="an-index", day=day(0))
    assert (base.head["level"], base.head["reproduced"]) == (100.0, True)
    np.testing.assert_allclose(base.columns["weight"], 1 / 3, rtol=1e-15)


async def test_opening_file_is_of_the_next_session_and_worth_the_same(published: World):
    closing = await file(published)(VIEWER, slug="an-index", day=day(13))
    opening = await file(published)(VIEWER, slug="an-index", day=day(13), at=FileKind.OPENING)
    assert (opening.head["date"], opening.head["closed_on"]) == (day(14), day(13))
    assert opening.columns["units"].tolist() == closing.columns["units"].tolist()
    assert opening.head["market_value"] / opening.head["divisor"] == pytest.approx(closing.head["level"])
    assert opening.head["actions"] == []


async def test_there_is_no_opening_after_the_last_session_of_the_calendar(world: World):
    await world.open(rows=120)
    await world.published()
    with pytest.raises(NoNextSession):
        await file(world)(VIEWER, slug="an-index", at=FileKind.OPENING)


# --- explanations


async def test_every_published_session_is_reproduced_and_its_parts_sum(published: World):
    (build,) = published.builds.builds.values()
    for row in range(20):
        found = await explain(published)(VIEWER, slug="an-index", day=day(row), symbol="BBB")
        assert found.reproduced, row
        assert found.same_code
        assert found.level.level.value == build.result.levels.level[row]
        assert found.weight.review.reproduced
        if row:
            parts = found.level.parts
            total = parts.prices.value + parts.currencies.value + parts.actions.value
            total += parts.costs.value + parts.correction.value
            assert total == pytest.approx(found.level.change.value, abs=1e-9 * found.level.level.value)
            assert sum(found.level.contributions.contribution) == pytest.approx(total, abs=1e-9)


async def test_explanations_hold_when_every_day_was_a_build_of_its_own(world: World):
    await grown(world)
    for row in (1, 6, 9, 16):
        found = await explain(world)(VIEWER, slug="an-index", day=day(row), symbol="AAA")
        assert found.reproduced
        assert found.previous == day(row - 1)
        weight, drift = found.weight, found.weight.drift
        grown_to = drift.weight_then * drift.name_growth / drift.index_growth
        assert grown_to == pytest.approx(weight.weight.value, rel=1e-12)
        assert drift.weight_then == pytest.approx(weight.review.weight.value, rel=1e-12)
        assert drift.since == weight.review.effective <= day(row)


async def test_a_corrected_close_is_a_part_of_its_own_and_nothing_else_moves(world: World):
    await world.open(rows=6)
    await world.published()
    clean = CLOSES[WARM_UP + 5, 0]
    await world.write(world.series[0], AXIS[WARM_UP + 5 : WARM_UP + 6], [clean * 1.1])
    await world.add_prices(6, 7)
    await world.published()
    found = await explain(world)(VIEWER, slug="an-index", day=day(6))
    assert found.reproduced
    assert found.weight is None
    held = await file(world)(VIEWER, slug="an-index", day=day(5))
    worth = held.columns["units"][0] * clean * 0.1 / held.head["divisor"]
    assert found.level.parts.correction.value == pytest.approx(worth, rel=1e-9)
    assert abs(found.level.unexplained) <= 1e-9


async def test_a_blend_shows_its_sleeves_signals_and_constraints(world: World):
    await world.open(rows=20)
    await world.add_shares()
    blend = replace(DEFINITION, strategy=StrategySpec(name="blend"), constraints=Constraints(max_weight=0.4))
    await world.indexes.define(blend, by=OPERATOR)
    await world.published()
    found = await explain(world)(VIEWER, slug="an-index", symbol="CCC")
    review = found.weight.review
    assert review.eligible
    assert [one.strategy for one in review.sleeves] == [
        "blend",
        "blend/momentum",
        "blend/market_cap",
        "blend/inverse_volatility",
    ]
    assert [sorted(one.figures) for one in review.sleeves] == [
        [],
        ["momentum"],
        ["market_cap"],
        ["volatility"],
    ]
    close = CLOSES[AXIS.tolist().index(review.selection)]
    assert review.sleeves[2].figures["market_cap"] == pytest.approx(1e6 * close[2])
    assert review.effects[0].step == "limits"
    assert review.effects[0].before == review.target.value
    assert review.effects[-1].after == review.constrained == review.weight.value <= 0.4
    assert (review.definition_version, review.reason) == (2, "scheduled")


@pytest.mark.parametrize(
    ("estimator", "condition_known", "verdict"),
    [
        ("ledoit_wolf", True, "Reliable."),
        ("sample", False, "Not reliable: it is singular (3 sessions for 3 names)"),
    ],
)
async def test_a_weight_solved_with_a_covariance_shows_what_that_is_worth(
    world: World, estimator: str, *, condition_known: bool, verdict: str
):
    await world.open(rows=20)
    spec = StrategySpec(name="minimum_variance", params={"lookback": 3, "covariance": estimator})
    await world.indexes.define(replace(DEFINITION, strategy=spec), by=OPERATOR)
    await world.published()
    found = await explain(world)(VIEWER, slug="an-index", symbol="CCC")
    seen = found.weight.review.sleeves[0].covariance
    assert (seen.estimator, seen.sessions, seen.names, seen.sessions_per_name) == (estimator, 3, 3, 1.0)
    assert (seen.condition is not None, seen.reliable) == (condition_known, condition_known)
    assert seen.verdict.startswith(verdict)
    assert (seen.left_out, seen.missing) == (0, 0)


async def test_a_name_that_could_not_enter_is_told_why(world: World):
    await world.open(rows=20)
    await world.market.write_universe(
        "a-universe",
        "A universe",
        {**dict.fromkeys(world.assets[:2], (day(-80), None)), world.assets[2]: (day(-80), day(-40))},
    )
    await world.published()
    found = await explain(world)(VIEWER, slug="an-index", symbol="CCC")
    assert (found.weight.weight.value, found.weight.drift) == (0.0, None)
    assert (found.weight.review.eligible, found.weight.review.refusals) == (False, ("not_a_member",))


async def test_an_asset_the_index_never_saw_is_explained_as_not_a_member(published: World):
    known = await published.market.register_assets([_listing("DDD")])
    await published.add_series(next(iter(known.values())))
    found = await explain(published)(VIEWER, slug="an-index", symbol="DDD")
    assert found.weight.review.refusals == ("not_a_member",)
    assert found.weight.price is None
    assert {tuple(one.figures) for one in found.weight.review.sleeves} == {()}


def _listing(symbol: str):
    from tests.unit.application.world import a_listing

    return a_listing(symbol)


async def test_days_and_names_that_can_not_be_explained_are_refused_with_the_nearest(published: World):
    for wrong, nearest in ((day(25), day(19)), (day(-5), day(0))):
        with pytest.raises(NotPublished) as refused:
            await explain(published)(VIEWER, slug="an-index", day=wrong)
        assert str(nearest) in refused.value.errors[0].rule
    with pytest.raises(UnknownAsset):
        await explain(published)(VIEWER, slug="an-index", symbol="ZZZ")


async def test_other_code_is_said_and_a_tampered_level_is_not_reproduced(published: World):
    (build,) = published.builds.builds.values()
    levels = build.result.levels
    wrong = levels.level.copy()
    wrong[19] += 1e-9
    published.tamper(build, result=replace(build.result, levels=replace(levels, level=wrong)))
    published.code = replace(published.code, digest="c" * 64)
    found = await explain(published)(VIEWER, slug="an-index")
    assert (found.reproduced, found.same_code) == (False, False)
    assert (await explain(published)(VIEWER, slug="an-index", day=day(10))).reproduced


async def test_nothing_is_explained_before_something_is_published(world: World):
    await world.open(rows=20)
    for ask in (compositions, rebalances, file, explain):
        with pytest.raises(NothingPublished):
            await ask(world)(VIEWER, slug="an-index")


# --- provenance


async def test_every_id_of_an_explanation_resolves_to_its_inputs_and_a_command(published: World):
    (build,) = published.builds.builds.values()
    found = await explain(published)(VIEWER, slug="an-index", day=day(13), symbol="BBB")
    level, weight = found.level, found.weight
    figures = [level.level, level.change, level.divisor, level.gross_points, level.net_points]
    figures += [getattr(level.parts, name) for name in level.parts.__slots__]
    figures += [weight.weight, weight.units, weight.review.target, weight.review.weight]
    named = set()
    for one in figures:
        source = await provenance(published)(VIEWER, figure=one.id)
        named.add(source.figure)
        assert source.formula
        assert source.inputs.digest == build.provenance.input_hash
        assert source.value is None or source.value == one.value
        assert source.command.startswith(f"waardhaven explain an-index --date {source.date}")
    for one in level.contributions.ids:
        named.add((await provenance(published)(VIEWER, figure=one)).figure)
    assert named == set(FIGURES)
    source = await provenance(published)(VIEWER, figure=level.level.id)
    assert source.value == level.level.value
    source = await provenance(published)(VIEWER, figure=weight.weight.id)
    assert source.command == f"waardhaven explain an-index --date {day(13)} --symbol BBB:XNYS"


async def test_ids_of_nothing_and_of_hidden_indices_are_unknown(published: World):
    (build,) = published.builds.builds.values()
    good = figure_id(build.id, "weight", day(3), published.assets[0])
    assert (await provenance(published)(VIEWER, figure=good)).symbol == "AAA"
    wrong = [
        "nothing",
        good.replace(str(build.id), str(BuildId(build.index and type(build.id)(int=1)))),
        good.replace("weight", "wait"),
        good.rpartition(".")[0],
        good.replace(str(day(3)), "2019-02-31"),
        good.replace(str(day(3)), "2050-01-03"),
        good + "999",
        good + ".1",
    ]
    for one in wrong:
        with pytest.raises(UnknownFigure):
            await provenance(published)(VIEWER, figure=one)
    private = Access(owner=None, visibility=Visibility.PRIVATE)
    published.indexes.change_access("an-index", private)
    with pytest.raises(UnknownFigure):
        await provenance(published)(ANALYST, figure=good)


async def test_provenance_names_the_rules_that_the_build_followed(published: World):
    (build,) = published.builds.builds.values()
    await published.indexes.define(replace(DEFINITION, universe="b-universe"), by=OPERATOR)
    found = await provenance(published)(VIEWER, figure=figure_id(build.id, "level", day(3)))
    assert (found.definition_version, found.inputs.universe) == (1, "a-universe")
