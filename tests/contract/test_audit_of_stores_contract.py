"""IndexStore, BuildStore, PriceStore and MarketFacts record what they change, once, with who did it."""

from dataclasses import replace

import pytest
from tests.contract.conftest import Stores
from tests.contract.indexes import DEFINITION, a_build, a_draft, a_stored_build, an_index

from waardhaven.domain.errors import WaardhavenError
from waardhaven.domain.identity.roles import OPERATOR, SYSTEM


async def test_definition_is_recorded_with_the_states_before_and_after(stores: Stores):
    index = await an_index(stores)
    second = replace(DEFINITION, name="Renamed")
    for definition in (second, second, DEFINITION):
        await stores.indexes.define(definition, by=SYSTEM)
    entries = await stores.recorded("index.defined")
    assert [one.credential for one in entries] == ["operator", "system", "system"]
    assert {one.target for one in entries} == {f"index:{index.id}"}
    assert entries[0].before is None
    assert entries[0].after == entries[1].before
    assert entries[1].after == entries[2].before
    assert entries[1].before != entries[1].after


async def test_build_is_recorded_once(stores: Stores):
    index = await an_index(stores)
    build = await a_build(stores, index)
    for by in (OPERATOR, SYSTEM):
        await stores.builds.save(build, by=by)
    (entry,) = await stores.recorded("index.built")
    assert (entry.target, entry.credential, entry.before) == (f"build:{build.id}", "operator", None)
    assert entry.after is not None


async def test_publication_is_recorded_once_and_follows_the_one_before(stores: Stores):
    index = await an_index(stores)
    builds = [await a_stored_build(stores, index, minutes=n) for n in range(2)]
    first = await stores.builds.publish(a_draft(builds[0]), by=OPERATOR)
    await stores.builds.publish(a_draft(builds[0]), by=OPERATOR)
    await stores.builds.publish(a_draft(builds[1], first.id), by=SYSTEM)
    one, other = await stores.recorded("index.published")
    assert (one.target, one.credential, one.before) == (f"index:{index.id}", "operator", None)
    assert (other.credential, other.before) == ("system", one.after)


async def test_publication_that_is_refused_is_not_recorded(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    with pytest.raises(WaardhavenError):
        await stores.builds.publish(a_draft(build, 777), by=OPERATOR)
    assert await stores.recorded("index.published") == []


async def test_every_vintage_is_recorded_and_nothing_else_of_the_market(stores: Stores):
    await an_index(stores)
    await an_index(stores)
    entries = await stores.recorded("market.")
    assert [one.target for one in entries] == [f"vintage:{n}" for n in range(1, await stores.vintage() + 1)]
    assert {(one.action, one.credential) for one in entries} == {("market.committed", "system")}
