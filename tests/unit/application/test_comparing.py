"""What was published then beside what is known now, and what the policy makes of it."""

from dataclasses import replace

import numpy as np
import pytest
from tests.fakes.job_run import FakeJobRun
from tests.unit.application.world import AXIS, DEFINITION, VIEWER, World, day

from waardhaven.application.indexes.compare_history import ListRevisions, ReadKnownNow, RecomputeHistory
from waardhaven.application.indexes.define_index import DefineIndex
from waardhaven.application.indexes.queries import ReadHistory, ViewIndex
from waardhaven.application.jobs.compute_index import ComputeIndex, ComputeParams
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied
from waardhaven.domain.index.definition import IndexDefinition, RestatementPolicy
from waardhaven.domain.index.restating import Decision
from waardhaven.domain.market.calendar import Frequency

SLUG = "an-index"


@pytest.fixture
async def world() -> World:
    world = World()
    await world.open(rows=20)
    return world


async def redefine(world: World, **changes: object) -> IndexDefinition:
    definition = replace(DEFINITION, **changes)
    await DefineIndex(world.indexes)(OPERATOR, definition)
    return definition


async def correct(world: World) -> None:
    """Restate one close of the past."""
    await world.write(world.series[0], AXIS[100:101], [1.0])


async def compute(world: World) -> dict[str, object]:
    job = ComputeIndex(
        world.update, world.verify, ViewIndex(world.indexes, world.builds), world.compare, world.update_all
    )
    return dict((await job(OPERATOR, ComputeParams(index=SLUG), FakeJobRun())).result)


async def levels(world: World) -> np.ndarray:
    found = await ReadHistory(world.indexes, world.builds, world.market)(OPERATOR, slug=SLUG)
    return np.asarray(found.columns["values"])


async def test_nothing_published_is_not_compared(world: World):
    assert await world.compare(OPERATOR, slug=SLUG) is None
    assert world.builds.compared == []


async def test_unchanged_facts_compare_as_the_same_however_many_publications_there_are(world: World):
    await world.published()
    for rows in (25, 26, 30):
        await world.add_prices(20 if rows == 25 else rows - 1, rows)
        await world.published()
    revision = await world.compare(OPERATOR, slug=SLUG)
    assert revision is not None
    assert (revision.decision, revision.found.days, revision.found.first_day) == (Decision.SAME, 0, None)
    assert revision.found.published == revision.found.known


async def test_facts_compare_as_the_same_over_a_change_of_rules_and_a_restatement(world: World):
    await world.published()
    await redefine(world, schedule=replace(DEFINITION.schedule, frequency=Frequency.DAILY))
    await world.add_prices(20, 25)
    await world.published(forced=AXIS[112:113])
    await world.published(restate_from=day(22))
    revision = await world.compare(OPERATOR, slug=SLUG)
    assert revision is not None
    assert revision.decision is Decision.SAME


async def test_a_correction_is_logged_and_left_alone_by_default(world: World):
    await world.published()
    before = await levels(world)
    await correct(world)
    result = await compute(world)
    assert result["compared"] == {
        "decision": "left",
        "first_day": AXIS[100].item().isoformat(),
        "days": 1,
        "largest": pytest.approx(result["compared"]["largest"]),
    }
    assert result["publication"] is None
    assert (await levels(world)).tobytes() == before.tobytes()
    page = await ListRevisions(world.indexes, world.builds)(OPERATOR, slug=SLUG)
    assert [one.decision for one in page.items] == [Decision.LEFT]
    assert (await compute(world))["compared"] == result["compared"]
    assert len(world.builds.compared) == 1


async def test_a_correction_is_restated_from_its_day_where_the_rules_say_so(world: World):
    await redefine(world, restatement=RestatementPolicy.RESTATE, restatement_threshold=0.001)
    await world.published()
    before = await levels(world)
    await correct(world)
    result = await compute(world)
    made = result["publication"]
    assert isinstance(made, dict)
    assert (made["kind"], made["from_day"]) == ("restate", AXIS[100].item().isoformat())
    after = await levels(world)
    row = 100 - (len(AXIS) - 120)
    assert after[:row].tobytes() == before[:row].tobytes()
    assert after[row] != before[row]
    again = await world.compare(OPERATOR, slug=SLUG)
    assert again is not None
    assert again.decision is Decision.SAME


async def test_a_difference_within_the_threshold_is_left_alone(world: World):
    await redefine(world, restatement=RestatementPolicy.RESTATE, restatement_threshold=0.9999)
    await world.published()
    await correct(world)
    assert (await compute(world))["publication"] is None
    assert [one.decision for one in world.builds.compared] == [Decision.LEFT]


async def test_published_and_known_levels_are_shown_beside_each_other(world: World):
    await world.published()
    before = await levels(world)
    await correct(world)
    recompute = RecomputeHistory(world.indexes, world.inputs, world.pool)
    read = ReadKnownNow(world.indexes, world.builds, world.market, recompute)
    shown = (await read(OPERATOR, slug=SLUG)).columns
    np.testing.assert_allclose(shown["published"], before, atol=1e-6)
    changed = np.asarray(shown["difference"]) != 0.0
    assert np.flatnonzero(changed).tolist() == [10]  # units are held: the day itself alone
    part = await read(OPERATOR, slug=SLUG, start=day(12), end=day(13))
    assert part.columns["known"].tolist() == shown["known"][12:14].tolist()


async def test_comparing_needs_the_permission_to_build(world: World):
    await world.published()
    with pytest.raises(PermissionDenied):
        await world.compare(VIEWER, slug=SLUG)
