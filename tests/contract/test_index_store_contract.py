"""IndexStore: what every implementation must do."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.contract.conftest import Stores
from tests.contract.indexes import DEFINITION, an_index

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.build_record import UnknownIndex
from waardhaven.domain.index.definition import Guards, Schedule, StrategySpec


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
    made = await stores.indexes.define(definition)
    assert (made.version, made.definition, made.visibility) == (1, definition, "public")
    assert made.defined_at.tzinfo is not None
    assert await stores.indexes.get("autoindex") == made
    assert (await stores.kinds())[events:] == ["index.defined"]


async def test_equal_definition_again_changes_nothing(stores: Stores):
    first = await an_index(stores)
    events = len(await stores.kinds())
    assert await stores.indexes.define(replace(DEFINITION)) == first
    assert len(await stores.kinds()) == events


@pytest.mark.parametrize("params", [{"sleeves": ({"weight": 1},)}, {"weight": 1}, {"lag": 1.0}])
async def test_definition_equal_but_for_how_its_parameters_are_written_changes_nothing(
    stores: Stores, params: dict[str, object]
):
    definition = replace(DEFINITION, strategy=StrategySpec(name="blend", params=params))
    await an_index(stores)
    first = await stores.indexes.define(definition)
    assert first.version == 2
    assert (await stores.indexes.define(definition)).version == 2


async def test_change_is_a_new_version_and_the_former_stays_readable(stores: Stores):
    first = await an_index(stores)
    second = await stores.indexes.define(replace(DEFINITION, name="Renamed"))
    third = await stores.indexes.define(DEFINITION)
    assert [one.version for one in (first, second, third)] == [1, 2, 3]
    assert {one.id for one in (first, second, third)} == {first.id}
    for known in (first, second, third):
        assert await stores.indexes.get("an-index", version=known.version) == known
    assert await stores.indexes.get("an-index") == third


async def test_definitions_at_the_same_time_become_versions_one_after_the_other(stores: Stores):
    await an_index(stores)
    names = [f"Name {n % 3}" for n in range(6)]
    works = (stores.indexes.define(replace(DEFINITION, name=name)) for name in names)
    made = await asyncio.gather(*works)
    newest = await stores.indexes.get("an-index")
    assert [one.definition.name for one in made] == names
    known = [await stores.indexes.get("an-index", version=n + 1) for n in range(newest.version)]
    assert all(one.definition != other.definition for one, other in pairwise(known))


async def test_two_callers_defining_a_new_index_at_once_get_the_same_one(stores: Stores):
    await an_index(stores)
    definition = replace(DEFINITION, slug="brand-new")
    made = await asyncio.gather(*(stores.indexes.define(definition) for _ in range(4)))
    assert {(one.id, one.version) for one in made} == {(made[0].id, 1)}


async def test_list_is_by_slug_with_newest_versions_and_pages(stores: Stores):
    for slug in ("c-index", "a-index", "b-index"):
        await an_index(stores, slug)
    await an_index(stores, "b-index", name="Renamed")
    found = await stores.indexes.list(limit=10)
    assert [(one.definition.slug, one.version) for one in found] == [
        ("a-index", 1),
        ("b-index", 2),
        ("c-index", 1),
    ]
    assert [one.definition.slug for one in await stores.indexes.list(limit=2)] == ["a-index", "b-index"]
    assert [one.definition.slug for one in await stores.indexes.list(limit=2, after="b-index")] == ["c-index"]
    assert list(await stores.indexes.list(limit=2, after="c-index")) == []


@pytest.mark.parametrize("text", ["an\x00index", "an\ud800index"])
async def test_slug_no_text_column_can_hold_is_refused_as_unknown_or_invalid(stores: Stores, text: str):
    with pytest.raises((UnknownIndex, Invalid)):
        await stores.indexes.get(text)
