"""ChangeStrategyConfig, ListStrategyChanges, ListStrategies, ReadMethodology over fakes."""

from dataclasses import replace

import pytest
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.application.world import ADA, ANALYST, VIEWER, World

from waardhaven.application.indexes.authors import Authors
from waardhaven.application.indexes.methodology import ReadMethodology
from waardhaven.application.indexes.rule_documents import RuleDocuments
from waardhaven.application.indexes.rule_queries import ListVersions
from waardhaven.application.indexes.strategy_config import ChangeStrategyConfig, ListStrategyChanges
from waardhaven.application.indexes.strategy_queries import ListStrategies
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.access import NotYours
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied, Principal, Role
from waardhaven.domain.index.autoindex import InvalidConfiguration, NotConfigurable, default_definition
from waardhaven.domain.index.build_record import UnknownIndex
from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.validation import validated

ADMIN = Principal(user=ADA, role=Role.ADMIN)


@pytest.fixture
async def world() -> World:
    made = World()
    await made.indexes.define(validated(default_definition()), by=OPERATOR)
    return made


def change(world: World) -> ChangeStrategyConfig:
    return ChangeStrategyConfig(world.indexes, world.builds)


async def test_one_weight_is_checked_with_the_stored_ones_and_not_with_defaults(world: World):
    weights = {"momentum_weight": 0.6, "market_cap_weight": 0.2, "risk_parity_weight": 0.2}
    made = await change(world)(OPERATOR, changes=weights)
    assert (made.momentum_weight, made.version) == (0.6, 2)
    with pytest.raises(InvalidConfiguration) as error:
        await change(world)(OPERATOR, changes={"momentum_weight": 0.4})
    assert [one.rule for one in error.value.errors] == ["must sum to 1 ± 0.001"]
    made = await change(world)(OPERATOR, changes={"momentum_weight": 0.5, "risk_parity_weight": 0.3})
    assert (made.momentum_weight, made.market_cap_weight, made.risk_parity_weight) == (0.5, 0.2, 0.3)
    assert made.min_price_threshold == 1.0


async def test_null_switches_the_daily_drop_off_and_absence_leaves_it(world: World):
    assert (
        await change(world)(OPERATOR, changes={"daily_drop_threshold": None})
    ).daily_drop_threshold is None
    made = await change(world)(OPERATOR, changes={"max_daily_return": 0.3})
    assert made.daily_drop_threshold is None


async def test_equal_parameters_change_nothing(world: World):
    for changes in ({}, {"momentum_weight": 0.4}, {"rebalance_frequency": "weekly"}):
        assert (await change(world)(OPERATOR, changes=changes)).version == 1


async def test_every_broken_parameter_is_named_and_none_can_be_invented(world: World):
    wrong = {"min_price_threshold": -1, "rebalance_frequency": "hourly", "max_forward_fill_days": 1.5}
    with pytest.raises(InvalidConfiguration) as error:
        await change(world)(OPERATOR, changes=wrong)
    assert {one.field for one in error.value.errors} == set(wrong)
    with pytest.raises(InvalidConfiguration) as error:
        await change(world)(OPERATOR, changes={"id": 3, "version": 1})
    assert [(one.field, one.rule) for one in error.value.errors] == [
        ("id", "is not known here"),
        ("version", "is not known here"),
    ]
    assert len(world.indexes.records["autoindex"]) == 1


async def test_only_those_who_may_change_the_default_index_configure_it(world: World):
    with pytest.raises(NotYours):
        await change(world)(ANALYST, changes={"momentum_weight": 0.4})
    with pytest.raises(PermissionDenied):
        await change(world)(VIEWER, changes={})
    with pytest.raises(UnknownIndex):
        await change(World())(OPERATOR, changes={})
    assert (await change(world)(ADMIN, changes={"max_daily_return": 0.3})).version == 2


async def test_history_tells_every_change_with_from_and_to_and_why(world: World):
    await change(world)(OPERATOR, changes={"max_daily_return": 0.3}, reason="calmer")
    both = {"momentum_weight": 0.5, "risk_parity_weight": 0.2}
    await change(world)(OPERATOR, changes=both)
    listing = ListStrategyChanges(world.indexes, Authors(FakeUnitOfWork()))
    page = await listing(VIEWER)
    assert [(one.version, one.reason) for one in page.items] == [(3, None), (2, "calmer"), (1, None)]
    assert [(one.field, one.old, one.new) for one in page.items[0].changes] == [
        ("momentum_weight", 0.4, 0.5),
        ("risk_parity_weight", 0.3, 0.2),
    ]
    assert [(one.field, one.old, one.new) for one in page.items[1].changes] == [
        ("max_daily_return", 0.5, 0.3)
    ]
    assert page.items[2].changes == ()
    found, cursor = [], None
    while not found or cursor:
        part = await listing(VIEWER, limit=2, cursor=cursor)
        found += part.items
        cursor = part.next_cursor
    assert tuple(found) == page.items


async def test_version_that_is_no_three_way_blend_is_in_the_history_without_parameters(world: World):
    other = replace(validated(default_definition()), strategy=StrategySpec(name="equal_weight"))
    await world.indexes.define(other, by=OPERATOR)
    page = await ListStrategyChanges(world.indexes, Authors(FakeUnitOfWork()))(VIEWER)
    assert {one.new for one in page.items[0].changes} == {"(absent)"}
    with pytest.raises(NotConfigurable):
        await change(world)(OPERATOR, changes={})


async def test_catalogue_tells_choices_and_what_may_be_null(world: World):
    catalogue = {one.name: {p.name: p for p in one.parameters} for one in await ListStrategies()(VIEWER)}
    momentum = catalogue["momentum"]
    assert momentum["method"].choices == ("proportional", "rank", "equal")
    assert (momentum["top"].optional, momentum["lookback"].optional) == (True, False)
    assert catalogue["fixed"]["weights"].type == "weights"


async def test_methodology_is_written_from_the_rules_in_force_and_their_versions(world: World):
    await change(world)(OPERATOR, changes={"max_daily_return": 0.3}, reason="calmer")
    documents, authors = RuleDocuments(world.market), Authors(FakeUnitOfWork())
    read = ReadMethodology(world.indexes, documents, ListVersions(world.indexes, documents, authors))
    found = await read(VIEWER, slug="autoindex")
    sections = {one.title: one.text for one in found.sections}
    assert (found.index, found.version) == ("autoindex", 2)
    assert "max_daily_return = 0.3" in sections["Data rules"]
    assert "(calmer)\n  - guards.max_daily_return: 0.5 → 0.3" in sections["Changes"]
    assert all(f"## {title}\n" in found.markdown for title in sections)
    with pytest.raises(UnknownIndex):
        await read(VIEWER, slug="nothing")
    with pytest.raises(Invalid):
        await ListVersions(world.indexes, documents, authors)(VIEWER, slug="autoindex", cursor="x")
