"""ChangeIndex, ImportRules, ArchiveIndex and the reads of rules, over fakes."""

from dataclasses import replace

import pytest
from tests.unit.application.desk import ALL, RULES, Desk, rules_of
from tests.unit.application.world import ANALYST, BASE, DEFINITION, VIEWER, day

from waardhaven.application.indexes.archive_index import DefaultIndexStays
from waardhaven.application.indexes.force_review import ForceReview
from waardhaven.application.indexes.own_universe import ALWAYS
from waardhaven.domain.identity.access import Access, NotYours, Visibility
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.build_record import SlugTaken, UnknownIndex
from waardhaven.domain.index.rules.document import ABSENT
from waardhaven.domain.index.rules.rule_file import InvalidRuleFile
from waardhaven.domain.index.validation import InvalidDefinition


@pytest.fixture
async def desk() -> Desk:
    made = Desk()
    await made.open()
    return made


async def test_slug_that_is_there_is_taken_whoever_asks(desk: Desk):
    await desk.make()
    for by in (desk.ada, desk.grace, OPERATOR):
        with pytest.raises(SlugTaken):
            await desk.create(by, document=RULES)


async def test_change_is_merged_into_what_is_stored_before_it_is_checked(desk: Desk):
    await desk.make(schedule={"lag": 2, "daily_drop_threshold": None}, guards={"max_forward_fill_days": 4})
    made = await desk.change(
        desk.ada, slug="mine", changes={"schedule": {"frequency": "monthly"}}, reason="less trading"
    )
    assert made.version == 2
    assert (made.rules["schedule"]["frequency"], made.rules["schedule"]["lag"]) == ("monthly", 2)
    assert made.rules["schedule"]["daily_drop_threshold"] is None
    assert made.rules["guards"]["max_forward_fill_days"] == 4
    assert made.rules["members"] == ALL[:2]
    on = {"schedule": {"on": {"nth": -1, "weekday": "friday"}}}
    made = await desk.change(desk.ada, slug="mine", changes=on)
    assert made.rules["schedule"]["on"] == {"nth": -1, "weekday": "friday", "month": 1}
    made = await desk.change(desk.ada, slug="mine", changes={"schedule": {"on": {"nth": 2}}})
    assert made.rules["schedule"]["on"] == {"nth": 2, "weekday": "friday", "month": 1}


async def test_parameters_are_merged_while_the_strategy_stays_and_begin_anew_with_another(desk: Desk):
    await desk.make(strategy={"name": "momentum", "params": {"lookback": 30, "skip": 2}})
    made = await desk.change(
        desk.ada, slug="mine", changes={"strategy": {"params": {"lookback": 40, "top": 1}}}
    )
    assert made.rules["strategy"]["params"] == {"lookback": 40, "skip": 2, "top": 1}
    made = await desk.change(desk.ada, slug="mine", changes={"strategy": {"name": "inverse_volatility"}})
    assert made.rules["strategy"] == {"name": "inverse_volatility", "params": {}}


async def test_equal_rules_again_are_no_new_version(desk: Desk):
    await desk.make()
    for changes in ({}, {"name": "Mine"}, {"members": ["AAA", "BBB"]}):
        assert (await desk.change(desk.ada, slug="mine", changes=changes)).version == 1


async def test_change_of_the_slug_is_refused_with_the_one_it_has(desk: Desk):
    await desk.make()
    with pytest.raises(InvalidDefinition) as error:
        await desk.change(desk.ada, slug="mine", changes={"slug": "other"})
    assert rules_of(error) == {"slug": "can not be changed; the nearest legal value is mine"}


async def test_members_have_no_past_while_nothing_is_published(desk: Desk):
    await desk.make()
    await desk.change(desk.ada, slug="mine", changes={"members": ["BBB", "CCC"]})
    assert await desk.members() == {"BBB": (ALWAYS, None), "CCC": (ALWAYS, None)}
    await desk.change(desk.ada, slug="mine", changes={"base_date": day(2).isoformat()})
    assert await desk.members() == {"BBB": (ALWAYS, None), "CCC": (ALWAYS, None)}


async def test_members_that_join_or_leave_later_do_so_on_the_last_official_day(desk: Desk):
    await desk.make()
    await desk.world.update(desk.ada, slug="mine")
    turn = day(19)
    await desk.change(desk.ada, slug="mine", changes={"members": ["BBB", "CCC"]})
    assert await desk.members() == {"AAA": (ALWAYS, turn), "BBB": (ALWAYS, None), "CCC": (turn, None)}
    await desk.change(desk.ada, slug="mine", changes={"members": ["BBB"]})
    assert await desk.members() == {"AAA": (ALWAYS, turn), "BBB": (ALWAYS, None)}
    await desk.change(desk.ada, slug="mine", changes={"members": ["AAA", "BBB"]})
    assert await desk.members() == {"AAA": (ALWAYS, None), "BBB": (ALWAYS, None)}


async def test_review_forced_after_a_change_of_members_holds_the_new_ones_and_no_day_before(desk: Desk):
    await desk.make(schedule={"frequency": "yearly", "daily_drop_threshold": None})
    first = await desk.world.update(desk.ada, slug="mine")
    await desk.change(desk.ada, slug="mine", changes={"members": ["BBB", "CCC"]})
    await ForceReview(desk.indexes, desk.world.builds)(desk.ada, slug="mine")
    await desk.world.add_prices(20, 25)
    await desk.world.update(desk.ada, slug="mine")
    held = []
    for one in await desk.world.builds.published(first.index, compositions=True):
        part = one.compositions
        held += [part.asset[part.offset[i] : part.offset[i + 1]].tolist() for i in range(len(part.effective))]
    one, other, third = desk.world.assets
    assert held == [[one, other], [other, third]]
    again = await desk.world.build(desk.ada, slug="mine", restate_from=BASE)
    assert again.result.compositions.asset.tolist() == [one, other, other, third]


async def test_members_can_give_way_to_a_stored_universe(desk: Desk):
    await desk.make()
    made = await desk.change(desk.ada, slug="mine", changes={"universe": "a-universe"})
    assert made.rules["universe"] == "a-universe"
    assert (await desk.indexes.get("mine")).definition.universe == "a-universe"


async def test_stored_benchmark_is_not_asked_about_again(desk: Desk):
    stored = replace(DEFINITION, slug="old", benchmark="GONE")
    await desk.indexes.define(stored, by=desk.ada)
    assert (await desk.change(desk.ada, slug="old", changes={"name": "Renamed"})).version == 2


async def test_others_change_nothing(desk: Desk):
    await desk.make()
    with pytest.raises(UnknownIndex):
        await desk.change(desk.grace, slug="mine", changes={"name": "Hers"})
    with pytest.raises(NotYours):
        await desk.change(desk.grace, slug="an-index", changes={"name": "Hers"})
    for use in (
        desk.create(VIEWER, document=RULES),
        desk.change(VIEWER, slug="mine", changes={}),
        desk.replace(VIEWER, text=""),
        desk.archive(VIEWER, slug="mine"),
    ):
        with pytest.raises(PermissionDenied):
            await use
    assert len(desk.indexes.records["mine"]) == 1


async def test_archived_index_comes_back_when_its_owner_defines_it_again(desk: Desk):
    await desk.make()
    await desk.world.update(desk.ada, slug="mine")
    await desk.archive(desk.ada, slug="mine")
    with pytest.raises(UnknownIndex):
        await desk.read(desk.ada, slug="mine")
    with pytest.raises(SlugTaken):
        await desk.create(desk.grace, document=RULES)
    assert (await desk.make()).version == 1
    index = await desk.indexes.get("mine")
    assert len(await desk.world.builds.published(index.id)) == 1


async def test_default_index_can_not_be_archived(desk: Desk):
    definition = replace(default_definition(), universe="a-universe")
    await desk.indexes.define(definition, by=OPERATOR)
    with pytest.raises(DefaultIndexStays):
        await desk.archive(OPERATOR, slug="autoindex")
    with pytest.raises(NotYours):
        await desk.archive(desk.ada, slug="autoindex")
    desk.indexes.change_access("autoindex", Access(owner=desk.grace.user, visibility=Visibility.PRIVATE))
    with pytest.raises(UnknownIndex):
        await desk.archive(desk.ada, slug="autoindex")
    assert (await desk.indexes.get("autoindex")).version == 1


async def test_versions_tell_what_changed_by_whom_and_why(desk: Desk):
    await desk.make(strategy={"name": "fixed", "params": {"weights": {"AAA": 1.0}}})
    await desk.change(
        desk.ada, slug="mine", changes={"strategy": {"params": {"weights": {"BBB": 1.0}}}}, reason="better"
    )
    await desk.change(OPERATOR, slug="mine", changes={"schedule": {"lag": 2}})
    page = await desk.versions(desk.ada, slug="mine")
    assert [(one.version, one.author, one.reason) for one in page.items] == [
        (3, None, None),
        (2, "ada", "better"),
        (1, "ada", None),
    ]
    assert [(one.field, one.old, one.new) for one in page.items[0].changes] == [("schedule.lag", 1, 2)]
    assert [(one.field, one.old, one.new) for one in page.items[1].changes] == [
        ("strategy.params.weights.AAA:XNYS", 1.0, ABSENT),
        ("strategy.params.weights.BBB:XNYS", ABSENT, 1.0),
    ]
    assert page.items[2].changes == ()
    assert page.next_cursor is None


async def test_versions_come_in_pages_without_losing_a_change(desk: Desk):
    await desk.make()
    for lag in (2, 3):
        await desk.change(desk.ada, slug="mine", changes={"schedule": {"lag": lag}})
    whole = (await desk.versions(desk.ada, slug="mine")).items
    found, cursor = [], None
    while not found or cursor:
        page = await desk.versions(desk.ada, slug="mine", limit=1, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
    assert tuple(found) == whole


async def test_who_only_reads_an_index_is_not_told_who_changed_it(desk: Desk):
    await desk.indexes.define(replace(DEFINITION, slug="shown"), by=desk.ada)
    record = desk.indexes.records["shown"][0]
    desk.indexes.change_access("shown", replace(record.access, visibility=Visibility.PUBLIC))
    page = await desk.versions(desk.grace, slug="shown")
    assert [one.author for one in page.items] == [None]
    assert (await desk.versions(desk.ada, slug="shown")).items[0].author == "ada"
    assert (await desk.read(desk.grace, slug="shown")).author is None


async def test_exported_rules_are_taken_back_as_no_change(desk: Desk):
    await desk.make(
        strategy={"name": "fixed", "params": {"weights": {"AAA": 0.25, "BBB": 0.75}}},
        constraints={"bounds": [{"asset": "BBB", "maximum": 0.9}]},
    )
    text = await desk.export(desk.ada, slug="mine")
    assert '"AAA:XNYS" = 0.25' in text
    assert 'members = ["AAA:XNYS", "BBB:XNYS"]' in text
    assert (await desk.replace(desk.ada, text=text, slug="mine")).version == 1
    assert (await desk.replace(desk.ada, text=text)).version == 1


async def test_rule_file_of_a_new_slug_creates_the_index(desk: Desk):
    await desk.make()
    text = (await desk.export(desk.ada, slug="mine")).replace('slug = "mine"', 'slug = "copy"')
    made = await desk.replace(desk.grace, text=text, reason="a copy")
    assert (made.slug, made.version, made.author, made.reason) == ("copy", 1, "grace", "a copy")
    assert set(await desk.members("index-copy")) == {"AAA", "BBB"}


async def test_rule_file_replaces_what_it_leaves_out_by_defaults(desk: Desk):
    await desk.make(schedule={"lag": 5})
    text = f"""
name = "Whole"
base_date = {BASE}
base_value = 50.0
currency = "USD"
universe = "a-universe"
strategy = {{ name = "equal_weight" }}
series = {{ source = "sample", adjustment = "all" }}
"""
    made = await desk.replace(desk.ada, text=text, slug="mine")
    assert (made.version, made.rules["schedule"]["lag"], made.rules["base_value"]) == (2, 1, 50.0)


@pytest.mark.parametrize("text", ["name = ", "a = 1\na = 2", "x" * 1_000_001, "a = " + "[" * 5000])
async def test_text_that_is_no_rule_file_is_refused(desk: Desk, text: str):
    with pytest.raises(InvalidRuleFile) as error:
        await desk.replace(desk.ada, text=text)
    assert set(rules_of(error)) == {"rules"}


async def test_rule_file_of_an_index_of_somebody_else_is_refused(desk: Desk):
    await desk.make()
    text = await desk.export(desk.ada, slug="mine")
    with pytest.raises(SlugTaken):
        await desk.replace(desk.grace, text=text)
    with pytest.raises(UnknownIndex):
        await desk.replace(desk.grace, text=text, slug="mine")
    with pytest.raises(InvalidDefinition) as error:
        await desk.replace(desk.grace, text="slug = 3")
    assert "slug" in rules_of(error)


async def test_former_version_of_the_rules_can_be_read(desk: Desk):
    await desk.make()
    await desk.change(desk.ada, slug="mine", changes={"name": "Renamed"})
    assert (await desk.read(desk.ada, slug="mine", version=1)).rules["name"] == "Mine"
    assert (await desk.read(desk.ada, slug="mine")).rules["name"] == "Renamed"
    with pytest.raises(UnknownIndex):
        await desk.read(desk.ada, slug="mine", version=3)
    with pytest.raises(UnknownIndex):
        await desk.read(ANALYST, slug="mine")
