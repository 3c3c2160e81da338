"""RiskStore: what every implementation must do, and that publications are to be measured."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from tests.contract.conftest import Stores
from tests.contract.indexes import a_draft, a_stored_build, an_index

from waardhaven.application.ports.risk_store import RiskSet, RiskStore, Unmeasured
from waardhaven.domain.identity.roles import OPERATOR, SYSTEM
from waardhaven.domain.index.build_record import BuildRecord, Publication

DAY = date(2024, 5, 31)


async def published(stores: Stores, slug: str = "an-index") -> tuple[BuildRecord, Publication]:
    build = await a_stored_build(stores, await an_index(stores, slug=slug))
    return build, await stores.builds.publish(a_draft(build), by=OPERATOR)


def a_set(one: Unmeasured, day: date = DAY, **changes: object) -> RiskSet:
    plain = RiskSet(
        publication=one.publication,
        day=day,
        base=date(2024, 1, 2),
        currency="USD",
        variant="price",
        benchmark="SPX:XCBO",
        returns=104,
        common=103,
        coverage=0.99,
        periods_per_year=252.0,
        risk_free_rate=0.0,
        confidence=0.95,
        trials=3,
        names=("total_return", "sharpe", "beta"),
        units=("fraction", "ratio", "ratio"),
        values=np.array([1 / 3, np.nan, -5e-324]),
        reasons=(None, "constant_series", None),
        notes=("A note.",),
        code="0.1.0",
        measured_at=datetime(2024, 6, 1, 12, 0, 0, 123456, tzinfo=UTC),
    )
    return replace(plain, **changes)


def same(one: RiskSet, other: RiskSet) -> bool:
    return repr(one) == repr(other) and one.values.tobytes() == other.values.tobytes()


async def test_a_publication_is_to_be_measured_once_it_is_in_force(stores: Stores):
    risk: RiskStore = stores.risk
    assert await risk.claim(limit=5) == []
    build, made = await published(stores)
    later = await a_stored_build(stores, await an_index(stores, slug="later"), minutes=1)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await stores.builds.publish(a_draft(later, effective_at=tomorrow), by=OPERATOR)
    (found,) = await risk.claim(limit=5)
    assert found == Unmeasured(
        publication=made.id,
        index=build.index,
        slug="an-index",
        from_day=build.start,
        through_day=build.through,
        effective_at=made.effective_at,
    )


async def test_publishing_again_gives_nothing_more_to_measure(stores: Stores):
    build, _ = await published(stores)
    await stores.builds.publish(a_draft(build), by=OPERATOR)
    assert len(await stores.risk.claim(limit=5)) == 1


async def test_what_one_has_nobody_else_is_given(stores: Stores):
    for slug in ("one", "two", "three"):
        await published(stores, slug)
    (first,) = await stores.risk.claim(limit=1)
    rest = await asyncio.gather(*(stores.risk.claim(limit=1) for _ in range(4)))
    given = [each.slug for found in rest for each in found]
    assert first.slug == "one"
    assert sorted(given) == ["three", "two"]
    assert await stores.risk.claim(limit=5) == []


async def test_sets_come_back_bit_for_bit_newest_first(stores: Stores):
    await published(stores)
    (one,) = await stores.risk.claim(limit=1)
    sets = [a_set(one, DAY - timedelta(days=back)) for back in (2, 0, 1)]
    await stores.risk.keep(one, sets, by=SYSTEM)
    found = await stores.risk.newest(one.index, limit=10)
    assert [each.day for each in found] == [DAY, DAY - timedelta(1), DAY - timedelta(2)]
    assert same(found[0], sets[1])
    page = await stores.risk.newest(one.index, limit=1, before=(DAY, one.publication))
    assert [each.day for each in page] == [DAY - timedelta(1)]
    assert await stores.risk.newest(9_999, limit=10) == []


async def test_a_stored_set_never_changes(stores: Stores):
    """Not even in another unit: what was measured then stays beside what is measured now."""
    await published(stores)
    (one,) = await stores.risk.claim(limit=1)
    await stores.risk.keep(one, [a_set(one)], by=SYSTEM)
    per_cent = a_set(one, values=np.array([100 / 3, np.nan, -5e-322]), units=("per cent",) * 3)
    await stores.risk.keep(one, [per_cent, a_set(one, DAY - timedelta(1))], by=SYSTEM)
    found = await stores.risk.newest(one.index, limit=10)
    assert same(found[0], a_set(one))
    assert len(found) == 2


async def test_a_measured_publication_is_told_of_once_and_not_given_again(stores: Stores):
    await published(stores)
    (one,) = await stores.risk.claim(limit=1)
    before = len(await stores.kinds())
    for _ in range(2):
        await stores.risk.keep(one, [a_set(one)], by=SYSTEM)
    assert (await stores.kinds())[before:] == ["index.risk_measured"]
    (entry,) = await stores.recorded("index.risk_measured")
    assert (entry.target, entry.credential) == (f"index:{one.index}", "system")
    assert await stores.risk.claim(limit=5) == []


async def test_a_publication_with_nothing_to_measure_is_done_too(stores: Stores):
    await published(stores)
    (one,) = await stores.risk.claim(limit=1)
    await stores.risk.keep(one, [], by=SYSTEM)
    assert await stores.risk.newest(one.index, limit=5) == []
    assert await stores.recorded("index.risk_measured") == []
