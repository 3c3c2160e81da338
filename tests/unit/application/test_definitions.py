"""CreateIndex: what is kept, and what is refused with what could be, over fakes."""

from typing import Any

import pytest
from tests.unit.application.desk import ALL, RULES, Desk, rules_of
from tests.unit.application.world import AXIS, day

from waardhaven.application.indexes.buildable import NotBuildable
from waardhaven.application.indexes.own_universe import ALWAYS
from waardhaven.application.indexes.rule_documents import MOST_MEMBERS
from waardhaven.domain.index.validation import InvalidDefinition


@pytest.fixture
async def desk() -> Desk:
    made = Desk()
    await made.open()
    return made


async def test_new_index_is_its_makers_with_the_members_it_names(desk: Desk):
    made = await desk.make()
    assert (made.slug, made.version, made.author) == ("mine", 1, "ada")
    assert made.rules["members"] == ALL[:2]
    assert "universe" not in made.rules
    assert made.rules["base_value"] == 100.0
    assert await desk.members() == {"AAA": (ALWAYS, None), "BBB": (ALWAYS, None)}
    stored = await desk.indexes.get("mine")
    assert (stored.definition.universe, stored.access.owner) == ("index-mine", desk.ada.user)
    build = await desk.world.build(desk.ada, slug="mine")
    assert build.universe.tolist() == sorted(desk.world.assets)[:2]


async def test_index_of_a_stored_universe_keeps_its_name(desk: Desk):
    document = {**RULES, "universe": "a-universe"}
    del document["members"]
    made = await desk.create(desk.ada, document=document, reason="to begin with")
    assert made.rules["universe"] == "a-universe"
    assert "members" not in made.rules
    assert made.reason == "to begin with"
    assert await desk.members() == {}


async def test_assets_in_rules_are_symbols_outside_and_ids_inside(desk: Desk):
    weights = {"AAA": 0.5, "BBB:XNYS": 0.5}
    made = await desk.make(
        strategy={"name": "fixed", "params": {"weights": weights}},
        constraints={"bounds": [{"asset": "BBB", "maximum": 0.6}]},
    )
    first, second, _ = desk.world.assets
    stored = (await desk.indexes.get("mine")).definition
    assert stored.strategy.params == {"weights": {str(first): 0.5, str(second): 0.5}}
    assert stored.constraints.bounds[0].asset == second
    assert made.rules["strategy"]["params"] == {"weights": {"AAA:XNYS": 0.5, "BBB:XNYS": 0.5}}
    assert made.rules["constraints"]["bounds"][0]["asset"] == "BBB:XNYS"


async def test_every_broken_rule_and_every_unknown_name_is_told_at_once(desk: Desk):
    with pytest.raises(InvalidDefinition) as error:
        await desk.make(
            members=["AAA", "NONE", "not a symbol", "AAA:XNYS"],
            schedule={"lag": 0},
            currency="XXX",
            strategy={"name": "fixed", "params": {"weights": {"ZZZ": 1.0}}},
            constraints={"bounds": [{"asset": "QQQ"}]},
            colour="red",
        )
    found = rules_of(error)
    assert set(found) == {
        "members.1",
        "members.2",
        "members.3",
        "schedule.lag",
        "currency",
        "strategy.params.weights.ZZZ",
        "constraints.bounds.0.asset",
        "colour",
    }
    assert found["members.1"] == "There is no asset NONE."
    assert found["members.3"] == "AAA:XNYS is named already"
    assert found["schedule.lag"] == "must be a whole number from 1 to 250; the nearest legal value is 1"
    assert "mine" not in desk.indexes.records
    assert await desk.members() == {}


async def test_one_asset_under_two_names_in_weights_is_refused(desk: Desk):
    weights = {"AAA": 0.5, "AAA:XNYS": 0.5}
    with pytest.raises(InvalidDefinition) as error:
        await desk.make(strategy={"name": "fixed", "params": {"weights": weights}})
    assert rules_of(error)["strategy.params.weights.AAA:XNYS"] == "AAA:XNYS is named already"


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"members": []}, "members", f"must be a list of 1 to {MOST_MEMBERS} symbols"),
        ({"members": "AAA"}, "members", f"must be a list of 1 to {MOST_MEMBERS} symbols"),
        ({"members": ["AAA"] * 3001}, "members", f"must be a list of 1 to {MOST_MEMBERS} symbols"),
        ({"universe": "a-universe"}, "members", "can not be given beside universe"),
        ({"slug": "a" * 60}, "slug", "must have at most 57 characters where members are given"),
        ({"slug": "A"}, "slug", "must be lower-case letters, digits and hyphens, at most 63"),
        (
            {"strategy": {"name": "blend", "params": {"sleeves": [{"strategy": "momentum", "weight": 0.5}]}}},
            "strategy.params.sleeves",
            "weights must sum to 1 within 0.001, not 0.5",
        ),
        (
            {"schedule": {"frequency": "monthly", "on": {"nth": 5, "weekday": "friday"}}},
            "schedule.on.nth",
            "must be 1, 2, 3, 4 or -1 (the last one); 5 does not occur in every month, the nearest legal "
            "value is -1",
        ),
    ],
)
async def test_rules_that_can_not_be_are_refused_with_the_nearest_legal_value(
    desk: Desk, changes: dict[str, Any], field: str, rule: str
):
    with pytest.raises(InvalidDefinition) as error:
        await desk.make(**changes)
    assert rules_of(error) == {field: rule}


def nearest(row: int) -> str:
    return str(AXIS[row])


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        (
            {"constraints": {"max_weight": 0.4}},
            "constraints.max_weight",
            "2 names at most 0.4 each hold 0.8 of the index; the nearest legal value is 0.5",
        ),
        ({"benchmark": "NONE"}, "benchmark", "There is no asset NONE."),
        ({"benchmark": "index:nothing"}, "benchmark", "There is no index 'nothing'."),
        ({"calendar": "XLON"}, "calendar", "no sessions of XLON are known"),
        (
            {"base_date": "2019-01-05"},
            "base_date",
            "is not a session of XNYS; the nearest ones are 2019-01-04 and 2019-01-07",
        ),
        (
            {"series": {"source": "nobody", "adjustment": "all"}},
            "series",
            "has no prices of nobody (all) for any name; there are prices of sample (all)",
        ),
        (
            {"series": {"source": "sample", "adjustment": "raw"}},
            "series",
            "has no prices of sample (raw) for any name; there are prices of sample (all)",
        ),
    ],
)
async def test_index_that_could_not_be_built_is_refused_with_what_could(
    desk: Desk, changes: dict[str, Any], field: str, rule: str
):
    with pytest.raises(NotBuildable) as error:
        await desk.make(**changes)
    assert rules_of(error)[field] == rule
    assert "mine" not in desk.indexes.records


async def test_base_date_before_the_first_price_and_the_warm_up_names_the_first_that_is_not(desk: Desk):
    early = {"base_date": nearest(5), "strategy": {"name": "momentum", "params": {"lookback": 60}}}
    with pytest.raises(NotBuildable) as error:
        await desk.make(**early)
    told = rules_of(error)["base_date"]
    assert told.startswith(
        f"the first price is of {AXIS[0]} and the first review needs 61 sessions before it"
    )
    legal = told.rpartition(" ")[2]
    assert (await desk.make(**early | {"base_date": legal})).version == 1
    build = await desk.world.build(desk.ada, slug="mine")
    assert build.start.isoformat() == legal


@pytest.mark.parametrize("universe", ["nothing", "index-theirs"])
async def test_universe_that_is_unknown_or_of_an_index_one_may_not_see_is_refused(desk: Desk, universe: str):
    await desk.create(desk.grace, document=RULES | {"slug": "theirs"})
    document = {**RULES, "universe": universe, "members": None}
    with pytest.raises(NotBuildable) as error:
        await desk.create(desk.ada, document=document)
    assert rules_of(error) == {"universe": f"{universe!r} is unknown or has no members"}


async def test_universe_without_members_on_the_base_date_says_since_when(desk: Desk):
    await desk.world.market.write_universe("late", "Late", {desk.world.assets[0]: (day(3), None)})
    with pytest.raises(NotBuildable) as error:
        await desk.create(desk.ada, document={**RULES, "universe": "late", "members": None})
    told = rules_of(error)["universe"]
    assert told == f"'late' has no members when the base date is selected; the first are of {day(3)}"
