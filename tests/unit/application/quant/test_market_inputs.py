"""What options need and a caller left out, read from stored prices over fakes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.unit.application.bench import DAYS, Bench
from tests.unit.application.quant.options_desk import answer, ask, asking, broken, told_of
from tests.unit.application.world import World

from waardhaven.application.pricing.choose_series import Adjust
from waardhaven.application.pricing.read_closes import AssetCloses
from waardhaven.application.quant.market_inputs import MarketInputs, PricesNotStored, ReadMarketInputs
from waardhaven.application.quant.option_views import options_view
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import UnknownAsset
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.quant.options.contracts import UnusableOptions
from waardhaven.domain.quant.volatility import VOLATILITY_ESTIMATORS, Bars, estimate
from waardhaven.domain.types import AssetId


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    return bench


async def test_the_spot_left_out_is_the_last_raw_close_with_its_day(bench: Bench) -> None:
    closes = np.linspace(50.0, 60.0, len(DAYS))
    asset, _ = await bench.add("OPT", closes, adjustment=Adjustment.RAW)
    found = await ask(bench, asking(spot=None, symbol="OPT"))
    spot = found.inputs.spot
    assert spot is not None
    assert (spot.symbol, spot.close, spot.quote_unit) == ("OPT", 60.0, "USD")
    assert spot.day == DAYS[-1].astype(object)
    assert found.inputs.volatility is None
    assert found.figures["price"] == pytest.approx(answer(asking(spot=np.array(60.0))).figures["price"])
    assert asset


async def test_a_raw_close_older_than_an_adjusted_one_is_not_the_spot(bench: Bench) -> None:
    asset, _ = await bench.add("OPT", [50.0, 51.0], adjustment=Adjustment.RAW, axis=DAYS[:2])
    adjusted = await bench.world.add_series(asset, "USD", "USD", Adjustment.ALL)
    await bench.world.write(adjusted, DAYS, np.linspace(50.0, 60.0, len(DAYS)))
    spot = (await ask(bench, asking(spot=None, symbol="OPT"))).inputs.spot
    assert spot is not None
    assert (spot.close, spot.adjust, spot.day) == (60.0, "all", DAYS[-1].astype(object))


async def test_volatility_left_out_is_estimated_with_window_and_estimator_named(bench: Bench) -> None:
    closes = 50.0 * np.exp(np.random.default_rng(2).normal(0.0, 0.02, len(DAYS)).cumsum())
    await bench.add("OPT", closes)
    found = await ask(bench, asking(volatility=None, symbol="OPT", window=20))
    told = found.inputs.volatility
    assert told is not None
    assert (told.estimator, told.window, told.periods_per_year, told.adjust) == (
        "close_to_close",
        20,
        252.0,
        "all",
    )
    expected = np.diff(np.log(closes[-21:])).std(ddof=1) * np.sqrt(252.0)
    assert told.volatility == pytest.approx(expected, rel=1e-12)
    assert (told.first, told.last) == (DAYS[-21].astype(object), DAYS[-1].astype(object))
    assert found.figures["price"] == pytest.approx(
        answer(asking(volatility=np.array(expected))).figures["price"], rel=1e-12
    )
    weighted = await ask(
        bench, asking(volatility=None, symbol="OPT", window=20, estimator="exponentially_weighted")
    )
    assert weighted.inputs.volatility is not None
    assert weighted.inputs.volatility.volatility != told.volatility


async def test_spot_and_volatility_come_from_one_symbol_and_the_pool_computes(bench: Bench) -> None:
    await bench.add("OPT", np.geomspace(50.0, 60.0, len(DAYS)) * (1 + 0.01 * (np.arange(len(DAYS)) % 2)))
    found = await ask(bench, asking(spot=None, volatility=None, symbol="OPT"))
    view = options_view(found)
    assert view.stored_spot is not None
    assert (view.stored_spot.close, view.stored_spot.adjust) == (pytest.approx(60.6), "all")
    assert view.estimated_volatility is not None
    assert bench.world.pool.computed[-1] == "answered"  # type: ignore[attr-defined]


async def test_nothing_is_read_where_everything_was_sent(bench: Bench) -> None:
    found = await ask(bench, asking())
    assert found.inputs == MarketInputs()


async def test_what_is_not_stored_is_not_found(bench: Bench) -> None:
    with pytest.raises(UnknownAsset):
        await ask(bench, asking(spot=None, symbol="NOPE"))
    await bench.add("BARE", [], axis=[])
    for left_out in ({"spot": None}, {"volatility": None}):
        with pytest.raises(PricesNotStored, match="BARE"):
            await ask(bench, asking(symbol="BARE", **left_out))


@pytest.mark.parametrize(
    ("estimator", "rule"),
    [
        ("close_to_close", "at least 3 days of ONE, not 1"),
        ("yang_zhang", "at least 3 days of ONE, not 0: 1 lack an open, a high or a low, or have one"),
        ("parkinson", "at least 2 days of ONE, not 0: 1 lack an open"),
    ],
)
async def test_too_few_days_are_refused_with_how_many_it_takes(
    bench: Bench, estimator: str, rule: str
) -> None:
    await bench.add("ONE", [50.0], axis=DAYS[:1])
    with pytest.raises(UnusableOptions) as caught:
        await ask(bench, asking(volatility=None, symbol="ONE", estimator=estimator))
    ((field, found),) = told_of(caught.value).items()
    assert field == "volatility_estimator"
    assert found.startswith(f"{estimator} needs {rule}")


@pytest.mark.parametrize(("estimator", "least"), [("close_to_close", 2), ("yang_zhang", 2)])
def test_a_window_shorter_than_its_estimator_needs_is_refused(estimator: str, least: int) -> None:
    question = asking(volatility=None, symbol="A", estimator=estimator, window=1)
    assert broken(question) == {"volatility_window": f"must be at least {least} days with {estimator}"}
    assert replace(question, estimator="parkinson").checked()
    assert asking(window=1, estimator=estimator).checked(), "nothing is estimated"


def whole_bars(random: np.random.Generator, days: int) -> dict[str, np.ndarray]:
    close = 50.0 * np.exp(random.normal(0.0, 0.02, days).cumsum())
    opened = close * np.exp(random.normal(0.0, 0.01, days))
    high = np.maximum(close, opened) * np.exp(random.random(days) * 0.01)
    low = np.minimum(close, opened) * np.exp(-random.random(days) * 0.01)
    return {"open": opened, "high": high, "low": low, "close": close}


async def add_bars(bench: Bench, symbol: str, rows: dict[str, Any], adjustment: Adjustment) -> AssetId:
    asset, series = await bench.add(symbol, [], axis=[], adjustment=adjustment)
    size = len(rows["close"])
    await bench.world.market.write(
        PriceColumns(series=np.full(size, series), day=DAYS[:size], volume=np.full(size, np.nan), **rows)
    )
    return asset


@pytest.mark.parametrize("name", [name for name, one in VOLATILITY_ESTIMATORS.items() if one.needs_ranges])
async def test_ranges_are_read_from_whole_bars_and_days_that_lack_one_are_left_out(
    bench: Bench, name: str
) -> None:
    rows = whole_bars(np.random.default_rng(8), len(DAYS))
    unusable = [2, 40, 41, 50]
    rows["high"][2] = rows["open"][40] = rows["low"][41] = np.nan
    rows["open"][50] = rows["high"][50] * 1.01
    await add_bars(bench, "BARS", rows, Adjustment.ALL)
    found = (await ask(bench, asking(volatility=None, symbol="BARS", estimator=name, window=30))).inputs
    kept = np.setdiff1d(np.arange(len(DAYS)), unusable)
    estimator = VOLATILITY_ESTIMATORS[name]
    expected = estimate(
        Bars(**{column: one[kept] for column, one in rows.items()}),
        estimator=estimator,
        window=30,
        periods_per_year=252.0,
    )
    told = found.volatility
    assert told is not None
    assert told.volatility == expected.volatility
    assert (told.estimator, told.window, told.bars) == (name, 30, 30 + estimator.before)
    assert told.left_out == 3, "one lies before the days that are read"
    assert (told.first, told.last) == (DAYS[kept[-told.bars]].astype(object), DAYS[-1].astype(object))


async def test_all_four_prices_are_adjusted_by_the_same_factor_of_the_day(bench: Bench) -> None:
    rows = whole_bars(np.random.default_rng(9), len(DAYS))
    split = 30
    before = np.arange(len(DAYS)) < split
    raw = {name: np.where(before, one * 4.0, one) for name, one in rows.items()}
    asset = await add_bars(bench, "SPLIT", raw, Adjustment.RAW)
    await bench.acted(asset, "split", DAYS[split].astype(object), ratio="4")
    for name in ("yang_zhang", "close_to_close", "rogers_satchell"):
        found = (await ask(bench, asking(volatility=None, symbol="SPLIT", estimator=name))).inputs.volatility
        expected = estimate(
            Bars(**rows), estimator=VOLATILITY_ESTIMATORS[name], window=252, periods_per_year=252.0
        )
        assert found is not None
        assert found.volatility == pytest.approx(expected.volatility, rel=1e-12), name
        assert found.adjust == "all"


async def test_one_day_tells_no_year_of_such_days(bench: Bench) -> None:
    rows = whole_bars(np.random.default_rng(8), 2)
    await add_bars(bench, "ONE", {name: one[:1] for name, one in rows.items()}, Adjustment.ALL)
    with pytest.raises(UnusableOptions) as caught:
        await ask(bench, asking(volatility=None, symbol="ONE", estimator="parkinson"))
    assert told_of(caught.value) == {"volatility_estimator": "parkinson needs at least 2 days of ONE, not 1"}
    await add_bars(bench, "TWO", rows, Adjustment.ALL)
    assert (await ask(bench, asking(volatility=None, symbol="TWO", estimator="parkinson"))).inputs.volatility


async def test_closes_that_are_no_prices_are_refused(bench: Bench) -> None:
    market = bench.world.market
    await bench.add("ODD", np.linspace(50.0, 60.0, len(DAYS)))

    class Odd:
        async def __call__(self, asset: Any, mode: Any, *, vintage: Any) -> AssetCloses:
            del mode, vintage
            return AssetCloses(
                asset=asset,
                source="sample",
                quote_unit="USD",
                adjust=Adjust.ALL,
                day=DAYS[:4],
                close=np.array([1.0, np.nan, 1.0, 1.0]),
            )

    odd: Any = Odd()
    with pytest.raises(UnusableOptions) as caught:
        await ReadMarketInputs(market, odd, odd)(asking(volatility=None, symbol="ODD"))
    assert told_of(caught.value) == {"volatility_estimator": "Every price must be known and above 0."}


@pytest.mark.parametrize(("close", "found"), [([1.0, 100.0] * 4, "78.1523"), ([1.0, 1.0 + 1e-9] * 4, "1.69")])
async def test_prices_that_tell_a_volatility_out_of_bounds_are_refused_by_what_was_asked(
    bench: Bench, close: list[float], found: str
) -> None:
    await bench.add("WILD", close, axis=DAYS[: len(close)])
    with pytest.raises(UnusableOptions) as caught:
        await ask(bench, asking(volatility=None, symbol="WILD"))
    rules = told_of(caught.value)
    assert list(rules) == ["volatility_estimator"]
    assert rules["volatility_estimator"].startswith(f"close_to_close finds {found}")
    assert "of WILD: volatility must be 0, or from 1e-06 to 10" in rules["volatility_estimator"]


async def test_an_asset_without_bars_has_no_range(bench: Bench) -> None:
    await bench.add("BARE", [], axis=[])
    with pytest.raises(PricesNotStored, match="BARE"):
        await ask(bench, asking(volatility=None, symbol="BARE", estimator="parkinson"))
