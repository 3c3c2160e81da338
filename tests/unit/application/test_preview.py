"""The next review and changed rules, seen before they are made."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.application.world import AXIS, DEFINITION, VIEWER, WARM_UP, World, day

from waardhaven.application.indexes import preview as previewing
from waardhaven.application.indexes.preview import PreviewIndex, PreviewTooLarge
from waardhaven.application.indexes.pro_forma import ReadProForma
from waardhaven.application.indexes.rule_documents import RuleDocuments
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.build_record import InputsUnavailable, NothingPublished, UnknownIndex
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.definition import Constraints, Schedule, StrategySpec
from waardhaven.domain.index.validation import InvalidDefinition
from waardhaven.domain.market.calendar import Frequency

MOMENTUM = StrategySpec(name="momentum")


def pro_forma(world: World) -> ReadProForma:
    return ReadProForma(world.indexes, world.builds, world.market, world.inputs, world.pool)


def preview(world: World) -> PreviewIndex:
    documents = RuleDocuments(world.market)
    parts = (world.indexes, world.market, documents, world.inputs, world.pool, world.trials)
    return PreviewIndex(*parts)


@pytest.fixture
async def published(world: World) -> World:
    await world.open(rows=20)
    await world.published()
    return world


# --- the next review


async def test_pro_forma_becomes_the_review_once_its_selection_day_is_the_newest_close(world: World):
    await world.open(rows=2)
    await world.indexes.define(replace(DEFINITION, strategy=MOMENTUM), by=OPERATOR)
    await world.published()
    final = 0
    for row in range(2, 14):
        expected = await pro_forma(world)(VIEWER, slug="an-index")
        await world.add_prices(row, row + 1)
        build, _ = await world.published()
        reviewed = build.result.compositions.reason.tolist() == [ReviewReason.SCHEDULED]
        assert reviewed == (expected.effective == day(row))
        if reviewed:
            final += 1
            held = build.result.compositions.at(0)
            assert (expected.provisional, expected.selection) == (False, day(row - 1))
            symbols = dict(zip(expected.names.symbols, expected.names.pro_forma, strict=True))
            names = [("AAA", "BBB", "CCC")[one - 1] for one in held.asset.tolist()]
            assert [symbols[name] for name in names] == held.weight.tolist()
        else:
            assert expected.provisional
            assert expected.date == expected.selected == day(row - 1) < expected.selection
            assert str(expected.selection) in expected.note
    assert final >= 2


async def test_pro_forma_shows_changes_from_the_weights_of_the_newest_close(published: World):
    found = await pro_forma(published)(VIEWER, slug="an-index")
    names = found.names
    assert sum(names.current) == pytest.approx(1.0)
    assert names.pro_forma == pytest.approx((1 / 3,) * 3)
    assert names.change == pytest.approx([b - a for a, b in zip(names.current, names.pro_forma, strict=True)])
    assert found.turnover == pytest.approx(sum(map(abs, names.change)))
    assert (found.entered, found.left, found.effects) == ((), (), ())


async def test_pro_forma_follows_present_rules_members_and_constraints(published: World):
    capped = replace(DEFINITION, strategy=MOMENTUM, constraints=Constraints(max_weight=0.6))
    await published.indexes.define(capped, by=OPERATOR)
    universe = {published.assets[0]: (day(-80), day(12)), published.assets[1]: (day(-80), None)}
    await published.market.write_universe("a-universe", "A universe", universe)
    await published.market.write_universe(
        "a-universe", "A universe", {**universe, published.assets[2]: (day(-80), None)}
    )
    found = await pro_forma(published)(VIEWER, slug="an-index")
    assert found.left == ("AAA",)
    assert found.definition_version == 2
    assert max(found.names.pro_forma) <= 0.6 + 1e-12
    assert [one.step for one in found.effects] == ["limits"]


async def test_a_review_that_was_asked_for_is_the_next_one(published: World):
    quarterly = replace(DEFINITION, schedule=replace(DEFINITION.schedule, frequency=Frequency.YEARLY))
    await published.indexes.define(quarterly, by=OPERATOR)
    index = (await published.indexes.get("an-index")).id
    later = await pro_forma(published)(VIEWER, slug="an-index")
    await published.indexes.force_review(index, after_day=day(19), reason="a test", by=OPERATOR)
    found = await pro_forma(published)(VIEWER, slug="an-index")
    assert (found.effective, found.selection, found.provisional) == (day(20), day(19), False)
    assert later.effective is None or later.effective > found.effective


async def test_the_day_is_unknown_where_the_calendar_ends_before(published: World):
    never = replace(DEFINITION, schedule=Schedule(frequency=Frequency.YEARLY, daily_drop_threshold=None))
    await published.indexes.define(never, by=OPERATOR)
    found = await pro_forma(published)(VIEWER, slug="an-index")
    assert (found.effective, found.selection, found.provisional) == (None, None, True)
    assert "calendar ends" in found.note


async def test_there_is_no_next_review_of_what_is_not_published(world: World):
    with pytest.raises(UnknownIndex):
        await pro_forma(world)(VIEWER, slug="an-index")
    await world.open(rows=20)
    with pytest.raises(NothingPublished):
        await pro_forma(world)(VIEWER, slug="an-index")


# --- changed rules


async def test_no_change_differs_nowhere_and_equals_the_build(published: World):
    (build,) = published.builds.builds.values()
    found = await preview(published)(VIEWER, slug="an-index", changes={})
    assert found.head["first_difference"] is None
    for name in ("own", "live"):
        assert found.columns[name].tolist() == np.round(build.result.levels.level, 6).tolist()
    assert set(found.head["weights"].difference) == {0.0}


async def test_a_change_shows_its_first_difference_weights_turnover_and_figures(published: World):
    published.pool.computed.clear()
    changes = {
        "strategy": {"name": "momentum", "params": {"lookback": 5}},
        "schedule": {"frequency": "daily"},
    }
    found = await preview(published)(VIEWER, slug="an-index", changes=changes)
    own, live = found.columns["own"], found.columns["live"]
    first = np.flatnonzero(own != live)[0]
    assert found.head["first_difference"] == found.columns["dates"][first].item()
    weights = found.head["weights"]
    assert sum(weights.own) == pytest.approx(1.0)
    assert sum(weights.live) == pytest.approx(1.0)
    turnover = found.head["turnover"]
    assert turnover.own[0] > turnover.live[0] > 0.0
    figures = found.head["own_figures"]
    assert figures.total_return == pytest.approx(own[-1] / 100.0 - 1.0, abs=1e-8)
    moves = own[1:] / own[:-1] - 1.0
    assert figures.volatility == pytest.approx(moves.std(ddof=1) * 252**0.5, rel=1e-6)
    assert figures.max_drawdown == pytest.approx((own / np.maximum.accumulate(own) - 1).min(), abs=1e-7)
    assert (figures.annual_return, figures.reviews) == (None, 20)
    assert published.pool.computed == ["outcome", "outcome"]


async def test_another_base_date_leaves_the_other_without_levels(published: World):
    changes = {"base_date": str(day(5))}
    found = await preview(published)(VIEWER, slug="an-index", changes=changes)
    assert np.isnan(found.columns["own"][:5]).all()
    assert found.columns["own"][5] == 100.0
    assert found.head["first_difference"] == day(0)


async def test_nothing_of_a_preview_is_stored(published: World):
    before = (len(published.builds.builds), len(published.indexes.records["an-index"]))
    await preview(published)(VIEWER, slug="an-index", changes={"schedule": {"frequency": "monthly"}})
    assert before == (len(published.builds.builds), len(published.indexes.records["an-index"]))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schedule": {"lag": 0}}, "schedule.lag"),
        ({"nothing": 1}, "nothing"),
        ({"strategy": {"name": "magic"}}, "strategy.name"),
        ({"slug": "other"}, "slug"),
        ({"members": ["AAA"]}, "members"),
        ({"constraints": {"bounds": [{"asset": "ZZZ", "maximum": 0.5}]}}, "constraints.bounds.0.asset"),
    ],
)
async def test_rules_that_can_not_be_are_refused_by_field(published: World, changes: dict, field: str):
    with pytest.raises(InvalidDefinition) as refused:
        await preview(published)(VIEWER, slug="an-index", changes=changes)
    assert field in {one.field for one in refused.value.errors}


async def test_constraints_that_no_weights_keep_are_refused(published: World):
    with pytest.raises(Invalid):
        await preview(published)(VIEWER, slug="an-index", changes={"constraints": {"max_weight": 0.2}})


async def test_a_preview_that_is_too_large_is_refused_before_it_reads(published: World, monkeypatch):
    monkeypatch.setattr(previewing, "MOST_CELLS", 3 * (len(AXIS) - WARM_UP) - 1)
    published.pool.computed.clear()
    with pytest.raises(PreviewTooLarge) as refused:
        await preview(published)(VIEWER, slug="an-index", changes={})
    assert refused.value.errors[0].field == "base_date"
    assert published.pool.computed == []


async def test_a_preview_needs_an_index_and_data(world: World):
    with pytest.raises(UnknownIndex):
        await preview(world)(VIEWER, slug="an-index", changes={})
    await world.indexes.define(DEFINITION, by=OPERATOR)
    with pytest.raises(InputsUnavailable):
        await preview(world)(VIEWER, slug="an-index", changes={})


# --- previews as trials


async def test_a_preview_counts_as_a_variant_for_who_may_change_the_index(published: World):
    index = (await published.indexes.get("an-index")).id
    assert (await published.trials.tried(index)).count == 1
    for cost in (0.001, 0.002, 0.002):
        await preview(published)(OPERATOR, slug="an-index", changes={"cost_rate": cost})
    assert (await published.trials.tried(index)).count == 3
    await preview(published)(VIEWER, slug="an-index", changes={"cost_rate": 0.003})
    await preview(published)(OPERATOR, slug="an-index", changes={"name": "Another"})
    assert (await published.trials.tried(index)).count == 3
