"""PriceOptions: what is valued, refused, and told, over fakes."""

from typing import Any

import numpy as np
import pytest
from tests.unit.application.bench import Bench
from tests.unit.application.quant.options_desk import answer, asking, broken
from tests.unit.application.world import VIEWER, World

from waardhaven.application.quant.catalogue import ListOptionModels
from waardhaven.application.quant.option_question import (
    MOST_AMERICAN,
    MOST_OPTIONS,
    Exercise,
)
from waardhaven.application.quant.option_views import AMERICAN, options_view
from waardhaven.application.quant.value_options import VOLATILITY
from waardhaven.domain.quant.options.contracts import Options, Reason
from waardhaven.domain.quant.options.greeks import GREEKS
from waardhaven.domain.quant.options.models import MODELS
from waardhaven.domain.quant.options.payoffs import PAYOFFS
from waardhaven.domain.quant.options.valuation import evaluate
from waardhaven.domain.quant.volatility import VOLATILITY_ESTIMATORS


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    return bench


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
        ({"volatility": None, "price": np.array([5.0, -1.0])}, "price.1", "must be"),
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


@pytest.mark.parametrize(("price", "field"), [(np.array(0.1), "price"), (np.array([0.1]), "price.0")])
def test_one_price_out_of_its_bounds_is_refused_by_the_name_it_was_sent_under(
    price: np.ndarray, field: str
) -> None:
    assert list(broken(asking(volatility=None, price=price))) == [field]
