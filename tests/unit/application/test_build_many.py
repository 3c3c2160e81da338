"""Many indices from facts that are read once: each is what it would be alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tests.factories import a_definition
from tests.unit.application.world import AXIS, VIEWER, WARM_UP, World, day

from waardhaven.application.indexes.build_many import AT_ONCE
from waardhaven.domain.errors import NotFound
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied
from waardhaven.domain.index.build import ShortWarmUp
from waardhaven.domain.index.build_record import BuildRecord, Publication
from waardhaven.domain.index.definition import Adjustment, IndexDefinition
from waardhaven.domain.index.official import official_state
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.types import Days

STRATEGIES = ("momentum", "inverse_volatility", "market_cap")


def rules(slug: str, strategy: str = "equal_weight", *, later: int = 0, **changes: Any) -> IndexDefinition:
    made = a_definition(
        strategy, base=AXIS[WARM_UP + later], adjustment=Adjustment.ALL, frequency=Frequency.MONTHLY
    )
    return replace(made, slug=slug, name=slug, **changes)


class Counted(World):
    """Counts reads of prices."""

    reads: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        original = self.market.closes

        async def closes(*args: Any, **named: Any) -> Any:
            self.reads += 1
            return await original(*args, **named)

        self.market.closes = closes  # type: ignore[method-assign]


async def opened(*more: IndexDefinition, rows: int = 20) -> Counted:
    world = Counted()
    await world.open(rows=rows)
    await world.add_shares()
    for one in more:
        await world.indexes.define(one, by=OPERATOR)
    return world


def several() -> list[IndexDefinition]:
    return [rules(name.replace("_", "-"), name, later=3 * i) for i, name in enumerate(STRATEGIES)]


def bits(build: object) -> list[bytes]:
    assert isinstance(build, BuildRecord)
    levels, held = build.result.levels, build.result.compositions
    return [levels.day.tobytes(), levels.level.tobytes(), held.asset.tobytes(), held.units.tobytes()]


async def test_each_of_many_equals_its_build_alone_bit_for_bit_and_prices_are_read_once():
    world = await opened(*several())
    slugs = ["an-index", *(one.slug for one in several())]
    together = await world.build_all(OPERATOR, slugs=slugs)
    assert world.reads == 1
    assert list(together) == slugs
    for slug in slugs:
        alone = await world.build(OPERATOR, slug=slug)
        made = together[slug]
        assert isinstance(made, BuildRecord)
        assert (made.id, made.provenance) == (alone.id, alone.provenance)
        assert bits(made) == bits(alone)


async def test_continued_indices_equal_those_continued_alone():
    world, twin = await opened(*several()), await opened(*several())
    slugs = ["an-index", *(one.slug for one in several())]
    for last in (20, 21, 33):
        for one in (world, twin):
            await one.add_prices(0, last)
        found = await world.update_all(OPERATOR, slugs=slugs)
        for slug in slugs:
            made = found[slug]
            alone = await twin.update(OPERATOR, slug=slug)
            assert isinstance(made, Publication)
            assert alone is not None
            record, other = world.builds.builds[made.build], twin.builds.builds[alone.build]
            assert record.provenance.input_hash == other.provenance.input_hash
            assert bits(record) == bits(other)


async def test_what_a_build_closed_with_is_the_official_state():
    world = await opened(*several())
    for last in (20, 21, 33):
        await world.add_prices(0, last)
        for slug in ("an-index", *(one.slug for one in several())):
            await world.update(OPERATOR, slug=slug)
            index = await world.indexes.get(slug)
            published = await world.builds.published(index.id, compositions=True)
            state = official_state([one.segment for one in published])
            closing = await world.builds.closing((await world.builds.chain(index.id))[-1].build)
            assert state is not None
            assert closing is not None
            for name in ("assets", "units", "reviewed", "targets"):
                assert getattr(state, name).tobytes() == getattr(closing, name).tobytes(), name
            for name in ("day", "level", "divisor", "previous_level"):
                assert getattr(state, name) == getattr(closing, name)


async def test_indices_that_do_not_share_their_facts_are_read_apart():
    world = await opened(rules("other-fixing", fixing="elsewhere"), rules("third"))
    found = await world.build_all(OPERATOR, slugs=["an-index", "other-fixing", "third"])
    assert world.reads == 2
    assert all(isinstance(one, BuildRecord) for one in found.values())


async def test_index_without_new_sessions_builds_nothing_and_the_others_do():
    world = await opened(rules("second"), rules("third"))
    await world.update(OPERATOR, slug="an-index")
    found = await world.update_all(OPERATOR, slugs=["an-index", "second", "third"])
    assert found["an-index"] is None
    assert [isinstance(found[slug], Publication) for slug in ("second", "third")] == [True, True]


@pytest.mark.parametrize("slugs", [["broken"], ["broken", "an-index"]])
async def test_index_that_can_not_be_computed_says_why_and_does_not_stop_others(slugs: list[str]):
    world = await opened(rules("broken", later=5 - WARM_UP))
    found = await world.update_all(OPERATOR, slugs=slugs)
    assert isinstance(found["broken"], ShortWarmUp)
    assert all(isinstance(found[slug], Publication) for slug in slugs[1:])


async def test_index_that_begins_after_the_last_price_builds_nothing_and_the_others_do():
    world = await opened(rules("later", later=40), rules("second"))
    found = await world.build_all(OPERATOR, slugs=["later", "second", "an-index"])
    assert found["later"] is None
    assert isinstance(found["second"], BuildRecord)
    assert isinstance(found["an-index"], BuildRecord)


async def test_where_nothing_can_be_read_together_each_index_tells_its_own():
    saturday = day(1) + timedelta(days=5 - day(1).weekday())
    world = await opened(*(rules(slug, base_date=saturday) for slug in _weekends(2)))
    found = await world.build_all(OPERATOR, slugs=_weekends(2))
    alone = []
    for slug in _weekends(2):
        with pytest.raises(type(found[slug])) as told:  # type: ignore[arg-type]
            await world.build(OPERATOR, slug=slug)
        alone.append(str(told.value))
    assert [str(found[slug]) for slug in _weekends(2)] == alone


def _weekends(count: int) -> list[str]:
    return [f"off-session-{n}" for n in range(count)]


async def test_held_name_without_recent_bars_is_read_from_further_back_as_alone():
    world, twin = await opened(rules("second")), await opened(rules("second"))
    for one in (world, twin):
        await one.update(OPERATOR, slug="an-index")
        await one.update(OPERATOR, slug="second")
        await _withdraw(one, column=2, days=AXIS[: WARM_UP + 20])
        await one.write(one.series[2], AXIS[3:4], [50.0])
        await one.add_prices(20, 25, columns=(0, 1))
    found = await world.update_all(OPERATOR, slugs=["an-index", "second"])
    for slug in ("an-index", "second"):
        made, alone = found[slug], await twin.update(OPERATOR, slug=slug)
        assert isinstance(made, Publication)
        assert alone is not None
        assert bits(world.builds.builds[made.build]) == bits(twin.builds.builds[alone.build])


async def _withdraw(world: World, *, column: int, days: Days) -> None:
    await world.market.withdraw(world.series[column], _dates(days), reason="a test")


def _dates(days: Days) -> Sequence[date]:
    found: list[date] = days.tolist()
    return found


async def test_held_name_that_the_universe_lost_is_read_as_alone():
    world, twin = await opened(rules("second")), await opened(rules("second"))
    for one in (world, twin):
        await one.update(OPERATOR, slug="an-index")
        await one.update(OPERATOR, slug="second")
        await one.market.write_universe(
            "a-universe", "A universe", dict.fromkeys(one.assets[:2], (day(-80), None))
        )
        await one.add_prices(20, 25)
    found = await world.update_all(OPERATOR, slugs=["an-index", "second"])
    for slug in ("an-index", "second"):
        made, alone = found[slug], await twin.update(OPERATOR, slug=slug)
        assert isinstance(made, Publication)
        assert alone is not None
        assert bits(world.builds.builds[made.build]) == bits(twin.builds.builds[alone.build])


async def test_more_indices_than_one_computation_takes_are_all_built():
    definitions = [rules(f"index-{n}", later=n) for n in range(AT_ONCE + 1)]
    world = await opened(*definitions)
    found = await world.update_all(OPERATOR, slugs=[one.slug for one in definitions])
    first_days = [one.from_day for one in found.values() if isinstance(one, Publication)]
    assert first_days == [one.base_date for one in definitions]
    assert world.reads == 1


async def test_index_published_meanwhile_is_brought_up_to_date_on_top_of_that():
    world = await opened(rules("second"))
    original = world.builds.save
    raced: list[str] = []

    async def save(build: BuildRecord, **named: Any) -> None:
        await original(build, **named)
        if not raced:
            raced.append("once")
            await world.add_prices(20, 22)
            await world.update(OPERATOR, slug="second")

    world.builds.save = save  # type: ignore[method-assign]
    found = await world.update_all(OPERATOR, slugs=["an-index", "second"])
    second = (await world.indexes.get("second")).id
    days = [(one.from_day, one.through_day) for one in await world.builds.chain(second)]
    assert days == [(day(0), day(21))]
    assert found["second"] is None
    assert isinstance(found["an-index"], Publication)


async def test_unknown_index_and_missing_right_are_refused_before_anything_is_computed():
    world = await opened()
    with pytest.raises(NotFound):
        await world.build_all(OPERATOR, slugs=["an-index", "nowhere"])
    with pytest.raises(PermissionDenied):
        await world.update_all(VIEWER, slugs=["an-index"])
    assert (world.reads, world.builds.builds) == (0, {})
