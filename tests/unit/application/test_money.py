"""Simulations and target units over fakes: dated rates, bounds, unknown figures."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests.factories import WARM_UP
from tests.unit.application.world import AXIS, BASE, CLOSES, VIEWER, World, day

from waardhaven.application.indexes import simulate as simulating
from waardhaven.application.indexes.closing import read_close
from waardhaven.application.indexes.official import read_official
from waardhaven.application.indexes.queries import ReadCurrent, ReadHistory
from waardhaven.application.indexes.simulate import Simulate, SimulationOrder
from waardhaven.application.indexes.target_units import LotKind, TargetOrder, TargetUnits
from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.build_record import InputsUnavailable, UnknownIndex
from waardhaven.domain.index.composition import LevelColumns
from waardhaven.domain.index.definition import Variant
from waardhaven.domain.index.publishing import Segment
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.types import Floats


@pytest.fixture
async def published(world: World) -> World:
    """Twenty sessions published, rates of two currencies that change in the middle."""
    await world.open(rows=20)
    await world.add_rates("USD", {day(one): 1.25 if one < 10 else 1.5 for one in range(-90, 20)})
    await world.add_rates("GBP", {day(one): 0.5 if one < 15 else 0.75 for one in range(-90, 20)})
    await world.published()
    return world


async def simulated(world: World, **changes: object):
    order = SimulationOrder(**{"amount": 1000.0, "start_date": day(5), **changes})
    return await Simulate(world.indexes, world.builds, world.market)(VIEWER, slug="an-index", order=order)


async def targeted(world: World, **changes: object):
    order = TargetOrder(**{"amount": 10_000.0, **changes})
    return await _targets(world)(VIEWER, slug="an-index", order=order)


def _targets(world: World) -> TargetUnits:
    return TargetUnits(world.indexes, world.builds, world.market, world.market, world.pool)


async def history(world: World, currency: str | None = None) -> Floats:
    read = ReadHistory(world.indexes, world.builds, world.market)
    return (await read(VIEWER, slug="an-index", currency=currency)).columns["values"]


async def refused(asked: object, field: str) -> str:
    with pytest.raises(Invalid) as error:
        await asked
    (broken,) = error.value.errors
    assert broken.field == field
    return broken.rule


# --- simulations


async def test_money_follows_the_levels_from_the_start_to_the_last_official_day(published: World):
    found = await simulated(published)
    levels = await history(published)
    np.testing.assert_allclose(found.columns["values"], 1000 * levels[5:] / levels[5], rtol=0, atol=0.006)
    assert found.columns["dates"].tolist() == [day(one) for one in range(5, 20)]
    assert (found.columns["invested"] == 1000.0).all()
    head = found.head
    assert (head["start_date"], head["end_date"], head["currency"]) == (day(5), day(19), "USD")
    assert (head["start_value"], head["end_value"]) == (levels[5], levels[19])
    assert head["profit"] == pytest.approx(head["amount_final"] - 1000.0, abs=0.011)
    assert head["roi"] == pytest.approx(levels[19] / levels[5] - 1, abs=1e-8)
    assert head["time_weighted_return"] == pytest.approx(head["roi"], abs=1e-12)
    assert head["notes"] == (simulating.UNDER_A_YEAR,)
    assert head["provenance"].publication == 1


@pytest.mark.parametrize(("currency", "gain"), [("EUR", 1.25 / 1.5), ("gbp", (0.75 / 1.5) / (0.5 / 1.25))])
async def test_each_day_is_converted_at_its_own_rate_both_ways(published: World, currency: str, gain: float):
    """The origin converted there and back at one rate, so that no currency ever changed a return (D-W27)."""
    own, found = await simulated(published), await simulated(published, currency=currency)
    assert found.head["currency"] == currency.upper()
    assert found.columns["values"][0] == 1000.0
    assert (1 + found.head["roi"]) / (1 + own.head["roi"]) == pytest.approx(gain, rel=1e-12)
    assert found.head["fx_end"] / found.head["fx_start"] == pytest.approx(gain, rel=1e-12)
    levels = await history(published, currency)
    ratio = found.columns["values"] / 1000.0
    np.testing.assert_allclose(ratio, levels[5:] / levels[5], rtol=0, atol=6e-6)


async def test_contributions_buy_at_the_level_and_rate_of_their_own_day(published: World):
    asked = {"contribution": 100.0, "contribution_frequency": Frequency.WEEKLY, "currency": "EUR"}
    found = await simulated(published, **asked)
    levels = await history(published)
    rate = np.array([1 / 1.25] * 10 + [1 / 1.5] * 10)
    price = (levels * rate)[5:]
    weeks = (AXIS[WARM_UP + 5 : WARM_UP + 20].astype(int) + 3) // 7
    paid = np.flatnonzero(np.diff(weeks, prepend=weeks[0])).tolist()
    units = 1000 / price[0] + sum(100 / price[one] for one in paid)
    assert len(paid) >= 2
    assert found.head["amount_final"] == pytest.approx(units * price[-1], abs=0.01)
    assert found.head["total_invested"] == 1000.0 + 100.0 * len(paid)


async def test_fees_are_taken_and_told(published: World):
    found = await simulated(published, management_fee=0.1, entry_fee=0.01)
    plain = await simulated(published)
    years = (day(19) - day(5)).days / 365
    assert found.head["entry_fees"] == 10.0
    assert found.head["management_fees"] > 0.0
    expected = plain.columns["values"][-1] * 0.99 * 0.9**years
    assert found.head["amount_final"] == pytest.approx(expected, abs=0.02)


async def test_days_without_a_session_are_moved_and_it_is_said(published: World):
    saturday = next(one for n in range(20) if (one := day(0) + timedelta(days=n)).weekday() == 5)
    found = await simulated(published, start_date=saturday, end_date=saturday + timedelta(days=8))
    assert found.head["start_date"] == saturday + timedelta(days=2)
    assert found.head["end_date"] == saturday + timedelta(days=6)
    assert len([one for one in found.head["notes"] if "session" in one]) == 2


async def test_an_end_after_the_last_official_day_is_the_last_official_day(published: World):
    found = await simulated(published, end_date=date(2100, 1, 1))
    assert found.head["end_date"] == day(19)
    assert "2100-01-01" in found.head["notes"][0]


async def test_one_session_has_no_annual_rate_and_says_why(published: World):
    found = await simulated(published, end_date=day(5))
    assert len(found.columns["values"]) == 1
    assert found.head["money_weighted_return"] is None
    assert "one day" in found.head["money_weighted_reason"]


async def test_yen_are_whole(published: World):
    await published.add_rates("JPY", {day(one): 130.0 for one in range(-90, 20)})
    await published.published(restate_from=BASE)
    found = await simulated(published, currency="JPY", amount=1000.0)
    assert (found.columns["values"] == np.round(found.columns["values"])).all()


async def test_a_day_without_a_rate_is_unknown_with_the_reason(world: World):
    await world.open(rows=20)
    await world.add_rates("USD", {day(-90): 1.25, day(0): 1.25, day(18): 1.5})
    await world.published()
    found = await simulated(world, start_date=day(0), currency="EUR")
    values = found.columns["values"]
    assert np.isnan(values).any()
    assert not np.isnan(values[[0, -1]]).any()
    assert found.head["unknown_days"] == np.isnan(values).sum()
    assert found.head["unknown_reason"] == simulating.NO_RATE
    short = await simulated(world, start_date=day(0), end_date=day(10), currency="EUR")
    for name in ("amount_final", "profit", "roi", "time_weighted_return", "money_weighted_return", "fx_end"):
        assert short.head[name] is None
    rule = await refused(simulated(world, start_date=day(8), currency="EUR"), "start_date")
    assert rule.endswith(str(day(18)))


@pytest.mark.parametrize(
    ("changes", "field", "nearest"),
    [
        ({"amount": 0.0}, "amount", "0.01"),
        ({"amount": -3.0}, "amount", "0.01"),
        ({"amount": 1e308}, "amount", "1000000000000"),
        ({"amount": float("nan")}, "amount", "0.01"),
        ({"currency": "XXX"}, "currency", "'MXN'"),
        ({"currency": "JPY"}, "currency", "'USD'"),
        ({"start_date": day(0) - timedelta(days=1)}, "start_date", str(day(0))),
        ({"start_date": day(19) + timedelta(days=1)}, "start_date", str(day(19))),
        ({"end_date": day(4)}, "end_date", str(day(5))),
        ({"variant": Variant.NET}, "variant", "'price'"),
        ({"contribution": 5.0}, "contribution_frequency", "'monthly'"),
        ({"contribution": -5.0, "contribution_frequency": Frequency.DAILY}, "contribution", "0"),
        ({"management_fee": 0.6}, "management_fee", "0.5"),
        ({"entry_fee": -0.1}, "entry_fee", "0"),
    ],
)
async def test_what_can_not_be_simulated_names_field_rule_and_nearest(
    published: World, changes: dict[str, object], field: str, nearest: str
):
    rule = await refused(simulated(published, **changes), field)
    assert rule.endswith(f"the nearest is {nearest}")


async def test_a_weekend_holds_no_simulation(published: World):
    saturday = next(one for n in range(20) if (one := day(0) + timedelta(days=n)).weekday() == 5)
    asked = simulated(published, start_date=saturday, end_date=saturday + timedelta(days=1))
    assert (await refused(asked, "end_date")).endswith(str(saturday + timedelta(days=2)))


async def test_another_variant_is_simulated_where_the_history_has_it(
    published: World, monkeypatch: pytest.MonkeyPatch
):
    def official(segments: Sequence[Segment]) -> LevelColumns:
        levels = read(segments)
        return replace(levels, gross=levels.level**2)

    read = simulating.official_levels
    monkeypatch.setattr(simulating, "official_levels", official)
    plain, gross = await simulated(published), await simulated(published, variant=Variant.GROSS)
    assert gross.head["variant"] == "gross"
    assert 1 + gross.head["roi"] == pytest.approx((1 + plain.head["roi"]) ** 2, rel=1e-12)
    await refused(simulated(published, variant=Variant.NET), "variant")


async def test_nothing_is_simulated_of_an_index_that_is_not_there(world: World):
    with pytest.raises(UnknownIndex):
        await simulated(world)
    with pytest.raises(UnknownIndex):
        await targeted(world)


# --- target units


async def test_targets_follow_the_weights_of_the_newest_close(published: World):
    found = await targeted(published)
    now = await ReadCurrent(published.indexes, published.builds, published.market, published.market)(
        VIEWER, slug="an-index"
    )
    weights = {one.symbol: one.weight for one in now.allocations}
    closes = dict(zip(("AAA", "BBB", "CCC"), CLOSES[WARM_UP + 19], strict=True))
    assert [one.symbol for one in found.allocations] == [one.symbol for one in now.allocations]
    for one in found.allocations:
        assert one.target_weight == weights[one.symbol]
        assert float(one.price) == pytest.approx(closes[one.symbol], rel=1e-11)
        assert float(one.value) == pytest.approx(float(one.units) * closes[one.symbol], abs=0.006)
        assert abs(one.achieved_weight - one.target_weight) * 10_000 < closes[one.symbol] * 2
    total = sum(Decimal(one.value) for one in found.allocations)
    assert total + Decimal(found.cash_left) == Decimal(found.amount) == 10_000
    assert Decimal(found.invested) == total
    assert found.date == day(19)
    assert "adjusted" in found.notes[0]
    assert published.pool.computed[-1] == "_targets"


async def test_prices_are_converted_at_the_rate_of_the_close(published: World):
    own = {one.symbol: float(one.price) for one in (await targeted(published)).allocations}
    found = await targeted(published, currency="GBP")
    assert found.currency == "GBP"
    for one in found.allocations:
        assert float(one.price) == pytest.approx(own[one.symbol] * 0.75 / 1.5, rel=1e-11)


async def test_fractions_leave_less_than_coins(published: World):
    found = await targeted(published, lot=LotKind.FRACTIONAL)
    assert Decimal(found.cash_left) <= Decimal("0.03")
    assert {one.lot for one in found.allocations} == {"0.000001"}


async def test_lots_and_minimum_trade_are_kept(published: World):
    found = await targeted(published, lot_sizes={"BBB": 10}, minimum_trade=50.0)
    units = {one.symbol: Decimal(one.units) for one in found.allocations}
    assert units["BBB"] % 10 == 0
    assert (await targeted(published, minimum_trade=9000.0)).cash_left == "10000.00"


async def test_targets_as_of_an_instant_are_those_of_the_publication_then(published: World):
    then = published.clock.now()
    published.clock.advance(timedelta(days=1))
    await published.add_prices(20, 40)
    await published.published()
    order = TargetOrder(amount=1000.0)
    assert (await targeted(published)).date == day(39)
    found = await _targets(published)(VIEWER, slug="an-index", order=order, as_of=then)
    assert found.date == day(19)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": 0.0}, "amount"),
        ({"amount": 1e308}, "amount"),
        ({"amount": 0.4, "currency": "JPY"}, "amount"),
        ({"currency": "XXX"}, "currency"),
        ({"minimum_trade": -1.0}, "minimum_trade"),
        ({"minimum_trade": 1e13}, "minimum_trade"),
        ({"minimum_trade": float("nan")}, "minimum_trade"),
        ({"lot_sizes": {"ZZZ": 2}}, "lot_sizes"),
        ({"lot_sizes": {"AAA": 0}}, "lot_sizes"),
        ({"lot_sizes": {"AAA": 2}, "lot": LotKind.FRACTIONAL}, "lot_sizes"),
    ],
)
async def test_what_no_target_units_follow_from_names_the_field(
    published: World, changes: dict[str, object], field: str
):
    await refused(targeted(published, **changes), field)


async def test_a_currency_without_a_rate_on_the_day_is_refused(world: World):
    await world.open(rows=20)
    await world.add_rates("USD", {day(-90): 1.25, day(0): 1.25})
    await world.published()
    assert "'USD'" in await refused(targeted(world, currency="EUR"), "currency")


async def test_a_history_without_a_composition_in_force_can_not_be_turned_into_units(published: World):
    history = await read_official(published.indexes, published.builds, VIEWER, "an-index", compositions=False)
    with pytest.raises(InputsUnavailable):
        await read_close(published.market, published.market, history)
