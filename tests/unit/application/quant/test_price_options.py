"""PriceOptions: what is valued, read from stored prices, refused, and told, over fakes."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.unit.application.bench import DAYS, Bench
from tests.unit.application.world import VIEWER, World

from waardhaven.application.ports.market_data import MarketSetup, SourceInfo
from waardhaven.application.pricing.adjusting import ReadActions
from waardhaven.application.pricing.read_closes import ReadCloses
from waardhaven.application.quant.catalogue import ListOptionModels
from waardhaven.application.quant.market_inputs import MarketInputs, PricesNotStored, ReadMarketInputs
from waardhaven.application.quant.option_question import (
    MOST_AMERICAN,
    MOST_OPTIONS,
    Exercise,
    OptionQuestion,
)
from waardhaven.application.quant.option_views import AMERICAN, options_view
from waardhaven.application.quant.price_options import VOLATILITY, Priced, PriceOptions, priced
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.roles import ANONYMOUS
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import UnknownAsset
from waardhaven.domain.quant.options.contracts import Options, Reason, UnusableOptions
from waardhaven.domain.quant.options.greeks import GREEKS
from waardhaven.domain.quant.options.models import MODELS
from waardhaven.domain.quant.options.payoffs import PAYOFFS
from waardhaven.domain.quant.options.valuation import evaluate
from waardhaven.domain.quant.volatility import VOLATILITY_ESTIMATORS

PLAIN = OptionQuestion(
    strike=np.array(95.0),
    time=np.array(0.5),
    is_call=np.array(True),
    spot=np.array(100.0),
    volatility=np.array(0.2),
    rate=np.array(0.03),
)


def asking(**changes: Any) -> OptionQuestion:
    return replace(PLAIN, **changes)


def answer(question: OptionQuestion) -> Priced:
    return priced(question.checked(), MarketInputs())


def broken(question: OptionQuestion) -> dict[str, str]:
    with pytest.raises(UnusableOptions) as caught:
        answer(question)
    return {one.field: one.rule for one in caught.value.errors}


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    return bench


async def ask(bench: Bench, question: OptionQuestion, by: Any = VIEWER) -> Priced:
    market = bench.world.market
    setup = MarketSetup(sources=(SourceInfo(name="sample", capabilities=frozenset()),))
    closes = ReadCloses(market, market, ReadActions(market), setup)
    use_case = PriceOptions(bench.world.pool, ReadMarketInputs(market, closes))
    content = pickle.dumps(question)
    found: Priced = pickle.loads(await use_case(by, content=content, read=pickle.loads, write=pickle.dumps))
    return found


# --- what is computed


def test_figures_are_those_of_the_domain() -> None:
    found = answer(asking(strike=np.array([90.0, 110.0]), greeks=("delta", "vanna")))
    expected = evaluate(
        Options.of(spot=100.0, strike=[90.0, 110.0], time=0.5, volatility=0.2, rate=0.03),
        greeks=("delta", "vanna"),
    )
    assert list(found.figures) == ["price", "delta", "vanna"]
    for name, column in expected.values.items():
        np.testing.assert_array_equal(found.figures[name], column)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("payoff", PAYOFFS)
def test_every_model_and_payoff_can_be_asked_for(model: str, payoff: str) -> None:
    found = answer(asking(model=model, payoff=payoff, greeks=tuple(GREEKS)))
    lacking = {"phi": Reason.NOT_OF_MODEL} if model == "black_76" else {}
    assert found.lacking == lacking
    assert all(np.isfinite(one).all() for name, one in found.figures.items() if name not in lacking)


def test_volatility_is_implied_by_prices_and_used_for_the_greeks() -> None:
    price = answer(asking()).figures["price"]
    found = answer(asking(volatility=None, price=price))
    assert found.figures[VOLATILITY] == pytest.approx(0.2, rel=1e-12)
    assert found.figures["vega"] == pytest.approx(answer(asking()).figures["vega"], rel=1e-9)


def test_a_price_that_no_volatility_gives_is_unknown_among_others_and_refused_alone() -> None:
    prices = np.array([8.0, 1.0, 100.0, np.nan])
    found = answer(asking(volatility=None, price=prices))
    view = options_view(found)
    assert view.reasons == (None, "below_intrinsic_value", "above_upper_bound", "unknown_input")
    assert view.figures[VOLATILITY].values[1:] == (None, None, None)
    assert view.figures["price"].values[1:] == (None, None, None)
    assert set(view.explanations) == set(view.reasons) - {None}
    for price in (1.0, 100.0):
        rules = broken(asking(volatility=None, price=np.array(price)))
        assert rules["price"].startswith("must be between 6.41")


def test_american_options_have_their_error_told_and_figures_they_lack() -> None:
    question = asking(exercise=Exercise.AMERICAN, is_call=np.array(False), greeks=("delta", "vanna"))
    found = answer(question)
    assert found.figures["price"][0] > answer(asking(is_call=np.array(False))).figures["price"][0]
    view = options_view(found)
    assert (view.exercise, view.method) == ("american", AMERICAN)
    assert view.figures["vanna"].values == (None,)
    assert view.figures["vanna"].lacking == "not_for_american_exercise"
    assert set(view.explanations) == {"not_for_american_exercise"}


# --- what is read


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
    assert bench.world.pool.computed[-2:] == ["understood", "answered"]  # type: ignore[attr-defined]


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


async def test_closes_that_tell_no_volatility_are_refused(bench: Bench) -> None:
    await bench.add("ONE", [50.0], axis=DAYS[:1])
    with pytest.raises(UnusableOptions) as caught:
        await ask(bench, asking(volatility=None, symbol="ONE"))
    assert [one.field for one in caught.value.errors] == ["volatility_estimator"]


async def test_a_store_without_facts_has_no_closes(world: World) -> None:
    class Empty:
        async def resolve(self, ref: Any) -> Any:
            return next(iter(await world.market.assets([1])), None) or type("A", (), {"symbol": "X"})

        async def latest_vintage(self) -> None:
            return None

    with pytest.raises(PricesNotStored):
        await ReadMarketInputs(Empty(), None)(asking(spot=None, symbol="X"))  # type: ignore[arg-type]


async def test_who_may_not_read_may_not_ask(bench: Bench) -> None:
    with pytest.raises(Forbidden):
        await ask(bench, asking(), by=ANONYMOUS)
    with pytest.raises(Forbidden):
        await ListOptionModels()(ANONYMOUS)


# --- what is refused


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"time": np.array(-1.0)}, "time_to_expiry", "must be 0, or from 1e-08 to 100"),
        ({"strike": np.array([1.0, -1.0])}, "strike_price.1", "must be from 1e-12 to 1e+15"),
        ({"rate": np.array(3.0)}, "risk_free_rate", "must be from -1 to 1"),
        ({"spot": np.array([1.0, 2.0]), "time": np.array([1.0] * 3)}, "time_to_expiry", "as spot_price has"),
        ({"price": np.ones(3), "volatility": None, "strike": np.ones(2)}, "price", "as strike_price has"),
        ({"spot": None}, "spot_price", "must be given, or symbol"),
        ({"spot": None, "symbol": "A", "model": "black_76"}, "spot_price", "no forward price"),
        ({"volatility": None}, "volatility", "must be given, or price or symbol"),
        ({"price": np.array(5.0)}, "price", "where volatility is given"),
        ({"symbol": "A"}, "symbol", "must be left out"),
        ({"dividend_yield": np.array(0.0), "model": "black_76"}, "dividend_yield", "must be left out"),
        ({"cash": np.array(5.0)}, "cash", "must be left out"),
        ({"greeks": ("delta", "nonsense")}, "greeks", "not nonsense"),
        ({"model": "heston"}, "model", "not heston"),
        ({"payoff": "lookback"}, "payoff", "not lookback"),
        ({"estimator": "guess"}, "volatility_estimator", "not guess"),
        ({"window": 0}, "volatility_window", "from 1 to 5000"),
        ({"strike": np.ones(MOST_OPTIONS + 1)}, "strike_price", "at most 1000000 options"),
        ({"exercise": Exercise.AMERICAN, "strike": np.ones(MOST_AMERICAN + 1)}, "exercise", "more than 5000"),
        ({"exercise": Exercise.AMERICAN, "payoff": "cash_or_nothing"}, "exercise", "must be european"),
        ({"exercise": Exercise.AMERICAN, "volatility": None, "price": np.array(5.0)}, "price", "European"),
    ],
)
def test_a_broken_rule_names_the_field_as_it_was_sent(changes: Any, field: str, rule: str) -> None:
    assert rule in broken(asking(**changes))[field]


async def test_the_catalogue_has_every_model_payoff_greek_and_estimator() -> None:
    found = await ListOptionModels()(VIEWER)
    assert [one.name for one in found.models] == list(MODELS)
    assert [one.name for one in found.payoffs] == list(PAYOFFS)
    assert [one.name for one in found.greeks] == list(GREEKS)
    assert [one.name for one in found.volatility_estimators] == list(VOLATILITY_ESTIMATORS)
    assert {one.name for one in found.greeks if one.american} >= {"delta", "theta_per_day", "vega"}
    assert "vanna" not in {one.name for one in found.greeks if one.american}
    assert set(found.reasons) == {str(one) for one in Reason}
