"""IndexStore: what every implementation must do."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from tests.contract.conftest import Stores
from tests.contract.indexes import DEFINITION, an_index
from tests.contract.test_unit_of_work_contract import a_user
from tests.fakes.identity import FakePseudonyms

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.unit_of_work import PostgresUnitOfWork
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.access import Access, NotYours, Visibility
from waardhaven.domain.identity.roles import OPERATOR, Principal, Role
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.build_record import IndexRecord, SlugTaken, UnknownIndex
from waardhaven.domain.index.definition import Guards, Schedule, StrategySpec
from waardhaven.domain.types import IndexId

PUBLIC = Access(owner=None, visibility=Visibility.PUBLIC)
Somebody = tuple[Principal, Principal]


@pytest.fixture
async def somebody(backing_url: str | None) -> Somebody:
    """Two analysts, who have accounts where the store needs them."""
    ada, grace = a_user("ada"), a_user("grace")
    if backing_url is not None:
        database = Database(backing_url)
        async with PostgresUnitOfWork(database, FakePseudonyms())() as tx:
            await tx.users.add(ada)
            await tx.users.add(grace)
            await tx.commit()
        await database.close()
    return Principal(user=ada.id, role=Role.ANALYST), Principal(user=grace.id, role=Role.ANALYST)


def slugs(found: Sequence[IndexRecord]) -> list[str]:
    return [one.definition.slug for one in found]


async def test_unknown_index_and_version_are_told_as_such(stores: Stores):
    await an_index(stores)
    for slug, version in (("nothing", None), ("an-index", 2), ("an-index", 0), ("AN-INDEX", None)):
        with pytest.raises(UnknownIndex):
            await stores.indexes.get(slug, version=version)


async def test_new_index_has_version_one_and_every_rule_it_was_given(stores: Stores):
    await an_index(stores)
    events = len(await stores.kinds())
    definition = replace(
        default_definition(),
        universe="a-universe",
        guards=Guards(min_daily_return=-0.1, max_daily_return=1 / 3),
        schedule=Schedule(lag=3, daily_drop_threshold=None),
        description="Ünïcode “quotes” 🌍",
        decimals=0,
        restatement_threshold=1e-7,
    )
    made = await stores.indexes.define(definition, by=OPERATOR)
    assert (made.version, made.definition, made.access) == (1, definition, PUBLIC)
    assert made.defined_at.tzinfo is not None
    assert await stores.indexes.get("autoindex") == made
    assert (await stores.kinds())[events:] == ["index.defined"]


async def test_equal_definition_again_changes_nothing(stores: Stores):
    first = await an_index(stores)
    events = len(await stores.kinds())
    assert await stores.indexes.define(replace(DEFINITION), by=OPERATOR) == first
    assert len(await stores.kinds()) == events


@pytest.mark.parametrize("params", [{"sleeves": ({"weight": 1},)}, {"weight": 1}, {"lag": 1.0}])
async def test_definition_equal_but_for_how_its_parameters_are_written_changes_nothing(
    stores: Stores, params: dict[str, object]
):
    definition = replace(DEFINITION, strategy=StrategySpec(name="blend", params=params))
    await an_index(stores)
    first = await stores.indexes.define(definition, by=OPERATOR)
    assert first.version == 2
    assert (await stores.indexes.define(definition, by=OPERATOR)).version == 2


async def test_change_is_a_new_version_and_the_former_stays_readable(stores: Stores):
    first = await an_index(stores)
    second = await stores.indexes.define(replace(DEFINITION, name="Renamed"), by=OPERATOR)
    third = await stores.indexes.define(DEFINITION, by=OPERATOR)
    assert [one.version for one in (first, second, third)] == [1, 2, 3]
    assert {one.id for one in (first, second, third)} == {first.id}
    for known in (first, second, third):
        assert await stores.indexes.get("an-index", version=known.version) == known
    assert await stores.indexes.get("an-index") == third


async def test_definitions_at_the_same_time_become_versions_one_after_the_other(stores: Stores):
    await an_index(stores)
    names = [f"Name {n % 3}" for n in range(6)]
    works = (stores.indexes.define(replace(DEFINITION, name=name), by=OPERATOR) for name in names)
    made = await asyncio.gather(*works)
    newest = await stores.indexes.get("an-index")
    assert [one.definition.name for one in made] == names
    known = [await stores.indexes.get("an-index", version=n + 1) for n in range(newest.version)]
    assert all(one.definition != other.definition for one, other in pairwise(known))


async def test_two_callers_defining_a_new_index_at_once_get_the_same_one(stores: Stores):
    await an_index(stores)
    definition = replace(DEFINITION, slug="brand-new")
    made = await asyncio.gather(*(stores.indexes.define(definition, by=OPERATOR) for _ in range(4)))
    assert {(one.id, one.version) for one in made} == {(made[0].id, 1)}


async def test_list_is_by_slug_with_newest_versions_and_pages(stores: Stores):
    for slug in ("c-index", "a-index", "b-index"):
        await an_index(stores, slug)
    await an_index(stores, "b-index", name="Renamed")
    found = await stores.indexes.list(by=OPERATOR, limit=10)
    assert [(one.definition.slug, one.version) for one in found] == [
        ("a-index", 1),
        ("b-index", 2),
        ("c-index", 1),
    ]
    assert [one.definition.slug for one in await stores.indexes.list(by=OPERATOR, limit=2)] == [
        "a-index",
        "b-index",
    ]
    assert [
        one.definition.slug for one in await stores.indexes.list(by=OPERATOR, limit=2, after="b-index")
    ] == ["c-index"]
    assert list(await stores.indexes.list(by=OPERATOR, limit=2, after="c-index")) == []


@pytest.mark.parametrize("text", ["an\x00index", "an\ud800index"])
async def test_slug_no_text_column_can_hold_is_refused_as_unknown_or_invalid(stores: Stores, text: str):
    with pytest.raises((UnknownIndex, Invalid)):
        await stores.indexes.get(text)


async def test_new_index_is_its_makers_and_hidden_from_everybody_else(stores: Stores, somebody: Somebody):
    ada, grace = somebody
    await an_index(stores)
    made = await stores.indexes.define(replace(DEFINITION, slug="mine"), by=ada)
    assert made.access == Access(owner=ada.user, visibility=Visibility.PRIVATE)
    assert await stores.indexes.by_id(made.id) == made
    seen = {
        name: [one.definition.slug for one in await stores.indexes.list(by=by, limit=10)]
        for name, by in (("ada", ada), ("grace", grace), ("operator", OPERATOR))
    }
    assert seen == {"ada": ["an-index", "mine"], "grace": ["an-index"], "operator": ["an-index", "mine"]}


async def test_name_of_an_index_one_may_not_change_is_taken(stores: Stores, somebody: Somebody):
    ada, grace = somebody
    await an_index(stores)
    await stores.indexes.define(replace(DEFINITION, slug="mine"), by=ada)
    with pytest.raises(SlugTaken):
        await stores.indexes.define(replace(DEFINITION, slug="mine", name="Hers"), by=grace)
    with pytest.raises(NotYours):
        await stores.indexes.define(replace(DEFINITION, name="Hers"), by=grace)


async def test_no_index_has_an_id_nobody_gave(stores: Stores):
    with pytest.raises(UnknownIndex):
        await stores.indexes.by_id(IndexId(99))


async def test_versions_are_newest_first_with_who_made_them_and_why(stores: Stores, somebody: Somebody):
    ada, _ = somebody
    await an_index(stores)
    mine = replace(DEFINITION, slug="mine")
    first = await stores.indexes.define(mine, by=ada, reason="to begin with")
    for name in ("Second", "Third"):
        await stores.indexes.define(replace(mine, name=name), by=OPERATOR, reason=f"{name} thoughts")
    found = await stores.indexes.versions(first.id, limit=10)
    assert [(one.version, one.author, one.reason) for one in found] == [
        (3, None, "Third thoughts"),
        (2, None, "Second thoughts"),
        (1, ada.user, "to begin with"),
    ]
    assert found[0] == await stores.indexes.get("mine")
    assert [one.version for one in await stores.indexes.versions(first.id, limit=1, before=3)] == [2]
    assert list(await stores.indexes.versions(first.id, limit=1, before=1)) == []
    assert list(await stores.indexes.versions(IndexId(99), limit=1)) == []


@pytest.mark.parametrize("reason", [None, ""])
async def test_change_without_a_reason_has_none(stores: Stores, reason: str | None):
    await an_index(stores)
    made = await stores.indexes.define(replace(DEFINITION, name="Renamed"), by=OPERATOR, reason=reason)
    assert made.reason is None
    assert (await stores.indexes.get("an-index")).reason is None


async def test_archived_index_is_unknown_by_its_slug_and_in_no_list(stores: Stores, somebody: Somebody):
    ada, _ = somebody
    await an_index(stores)
    made = await stores.indexes.define(replace(DEFINITION, slug="mine"), by=ada)
    events = len(await stores.kinds())
    await stores.indexes.archive("mine", by=ada)
    for version in (None, 1):
        with pytest.raises(UnknownIndex):
            await stores.indexes.get("mine", version=version)
    with pytest.raises(UnknownIndex):
        await stores.indexes.archive("mine", by=ada)
    assert slugs(await stores.indexes.list(by=ada, limit=10)) == ["an-index"]
    assert await stores.indexes.by_id(made.id) == made
    assert (await stores.kinds())[events:] == ["index.archived"]
    (entry,) = await stores.recorded("index.archived")
    assert (entry.target, entry.actor) == (f"index:{made.id}", ada.user)


async def test_only_those_who_manage_an_index_archive_it(stores: Stores, somebody: Somebody):
    ada, grace = somebody
    await an_index(stores)
    await stores.indexes.define(replace(DEFINITION, slug="mine"), by=ada)
    with pytest.raises(UnknownIndex):
        await stores.indexes.archive("mine", by=grace)
    with pytest.raises(NotYours):
        await stores.indexes.archive("an-index", by=grace)
    with pytest.raises(UnknownIndex):
        await stores.indexes.archive("nothing", by=OPERATOR)
    assert slugs(await stores.indexes.list(by=OPERATOR, limit=10)) == ["an-index", "mine"]


async def test_archived_slug_is_taken_for_others_and_its_owner_brings_it_back(
    stores: Stores, somebody: Somebody
):
    ada, grace = somebody
    await an_index(stores)
    mine = replace(DEFINITION, slug="mine")
    made = await stores.indexes.define(mine, by=ada)
    for slug in ("mine", "an-index"):
        await stores.indexes.archive(slug, by=OPERATOR)
        with pytest.raises(SlugTaken):
            await stores.indexes.define(replace(DEFINITION, slug=slug, name="Hers"), by=grace)
        with pytest.raises(UnknownIndex):
            await stores.indexes.get(slug)
    assert await stores.indexes.define(mine, by=ada) == made
    assert await stores.indexes.get("mine") == made
    changed = await stores.indexes.define(replace(DEFINITION, name="Renamed"), by=OPERATOR)
    assert changed.version == 2
    assert [one.actor for one in await stores.recorded("index.restored")] == [ada.user, None]
    assert (await stores.kinds()).count("index.restored") == 2


async def test_own_universe_of_an_index_is_there_once_it_is_defined(stores: Stores):
    await an_index(stores)
    definition = replace(DEFINITION, slug="listed", universe="index-listed")
    made = await stores.indexes.define(definition, by=OPERATOR)
    assert made.definition.universe == "index-listed"
    assert await stores.reference.universe("index-listed") == []
    again = await stores.indexes.define(replace(definition, name="Renamed"), by=OPERATOR)
    assert again.version == 2


async def test_forced_review_of_a_day_is_kept_once_and_listed_by_day(stores: Stores, somebody: Somebody):
    ada, _ = somebody
    index = await an_index(stores)
    other = await an_index(stores, "another")
    events = len(await stores.kinds())
    late, early = date(2024, 6, 3), date(2024, 5, 31)
    second = await stores.indexes.force_review(index.id, after_day=late, reason="a merger", by=ada)
    first = await stores.indexes.force_review(index.id, after_day=early, reason="a split", by=OPERATOR)
    again = await stores.indexes.force_review(index.id, after_day=late, reason="twice", by=OPERATOR)
    assert again == second
    assert (second.index, second.after_day, second.reason) == (index.id, late, "a merger")
    assert (second.requested_by, first.requested_by) == (ada.user, None)
    assert second.requested_at.tzinfo is not None
    assert list(await stores.indexes.forced_reviews(index.id)) == [first, second]
    assert list(await stores.indexes.forced_reviews(other.id)) == []
    assert (await stores.kinds())[events:] == ["index.review_forced"] * 2
    entries = await stores.recorded("index.review_forced")
    assert [(one.target, one.detail) for one in entries] == [
        (f"index:{index.id}", {"after_day": "2024-06-03"}),
        (f"index:{index.id}", {"after_day": "2024-05-31"}),
    ]


async def test_one_day_asked_for_by_several_at_once_is_one_review(stores: Stores):
    index = await an_index(stores)
    day = date(2024, 6, 3)
    works = (
        stores.indexes.force_review(index.id, after_day=day, reason=f"reason {n}", by=OPERATOR)
        for n in range(4)
    )
    made = await asyncio.gather(*works)
    assert len({one.id for one in made}) == 1
