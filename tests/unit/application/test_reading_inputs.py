"""What a build reads does not depend on how much of the calendar was guessed to be enough."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.application.world import AXIS, DEFINITION, WARM_UP, World, a_listing, day

from waardhaven.application.indexes import build_index, read_inputs
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.build_record import BuildRecord
from waardhaven.domain.market.calendar import Frequency


def same(one: BuildRecord, other: BuildRecord) -> bool:
    """Tell whether two builds are of the same inputs with the same levels."""
    levels = one.result.levels.level.tobytes() == other.result.levels.level.tobytes()
    return levels and one.provenance.input_hash == other.provenance.input_hash


async def continued(world: World) -> BuildRecord:
    """Return the second build of an index one of whose names has no price since its first day."""
    await world.open(rows=1)
    rules = replace(DEFINITION, schedule=replace(DEFINITION.schedule, frequency=Frequency.YEARLY))
    await world.indexes.define(rules, by=OPERATOR)
    await world.add_prices(1, 110, columns=(0, 1))
    await world.published()
    await world.add_prices(110, 112, columns=(0, 1))
    return await world.build(OPERATOR, slug="an-index")


@pytest.mark.parametrize("spare", [-10_000, -130, -60, 0, 10_000])
async def test_calendar_is_read_again_where_the_guess_was_too_short(
    monkeypatch: pytest.MonkeyPatch, spare: int
):
    expected = await continued(World())
    assert expected.opening is not None
    assert expected.opening.day == np.datetime64(day(109))
    monkeypatch.setattr(read_inputs, "SPARE_DAYS", spare)
    assert same(await continued(World()), expected)


async def test_axis_begins_with_the_last_bar_of_a_name_that_is_held_without_a_price(world: World):
    build = await continued(world)
    inputs = await world.inputs(
        DEFINITION,
        vintage=build.provenance.vintage,
        anchor=day(109),
        held=[*world.assets],
    )
    assert inputs.panel.days[0] == AXIS[WARM_UP]
    assert np.isfinite(inputs.panel.close[0]).all()
    assert np.isnan(inputs.panel.close[1:, 2]).all()


async def test_name_that_never_had_a_price_does_not_make_the_axis_longer(world: World):
    await world.open(rows=1)
    await world.add_prices(1, 112, columns=(0, 1))
    (asset,) = (await world.market.register_assets([a_listing("DDD")])).values()
    await world.add_series(asset)
    vintage = (await world.market.latest_vintage()).id
    inputs = await world.inputs(DEFINITION, vintage=vintage, anchor=day(109), held=[asset])
    assert inputs.panel.days[0] > AXIS[WARM_UP]
    assert np.isnan(inputs.panel.close[:, inputs.panel.assets.tolist().index(asset)]).all()


async def test_digest_made_beside_the_computation_is_the_same(monkeypatch: pytest.MonkeyPatch):
    expected = await continued(World())
    monkeypatch.setattr(build_index, "WORTH_A_THREAD", 0)
    assert same(await continued(World()), expected)
