"""Questions about simulations: what they offer, and what is refused under which name."""

from dataclasses import fields
from typing import Any, get_args

import pytest
from msgspec import structs
from tests.unit.application.quant.simulations import CALL, MIXED, PAID, PAST, SOURCES, asking, broken

from waardhaven.application.quant.monte_carlo_answers import METHODS
from waardhaven.application.quant.monte_carlo_derivative import CHOICES, SENT_AS
from waardhaven.application.quant.monte_carlo_rules import MOST
from waardhaven.application.quant.run_monte_carlo import (
    KINDS,
    checked,
    cost,
)
from waardhaven.application.questions.monte_carlo import (
    OF_DERIVATIVES,
    OF_PORTFOLIOS,
    SEEDS,
    MonteCarloQuestion,
    PayoffPart,
)
from waardhaven.application.questions.reading import UnusableQuestion, read_question
from waardhaven.domain.quant.monte_carlo.controls import CONTROLS
from waardhaven.domain.quant.monte_carlo.models import MODELS
from waardhaven.domain.quant.monte_carlo.payoff import Kind
from waardhaven.domain.quant.monte_carlo.payoffs import PAYOFFS
from waardhaven.domain.quant.monte_carlo.portfolio import QUANTILES, PortfolioProblem
from waardhaven.domain.quant.monte_carlo.refusals import DRAWS, UnusableSimulation
from waardhaven.domain.quant.monte_carlo.returns_law import Convention
from waardhaven.domain.quant.monte_carlo.sampling import SAMPLINGS


def choices(kind: type, name: str) -> set[str]:
    """Return the words that a field of a question takes."""
    hint = next(one for one in structs.fields(kind) if one.name == name).type
    found: list[Any] = [hint]
    words: set[str] = set()
    while found:
        inner = get_args(found.pop())
        words |= {one for one in inner if isinstance(one, str)}
        found += [one for one in inner if not isinstance(one, str)]
    return words


def test_an_empty_question_is_refused_for_what_it_lacks_and_not_for_its_shape():
    """The origin refused it for its shape, and let an unknown key choose another model (D-Q12)."""
    empty = read_question(MonteCarloQuestion, {})
    with pytest.raises(UnusableSimulation) as refused:
        checked(empty)
    assert [one.field for one in refused.value.errors] == ["symbols"]
    assert set(broken({"kind": "derivative"})) == {"payoff", "spot_price", "volatility", "time_to_expiry"}


def test_questions_offer_what_the_domain_has():
    assert choices(MonteCarloQuestion, "kind") == set(KINDS)
    assert choices(MonteCarloQuestion, "model") == set(MODELS)
    assert choices(MonteCarloQuestion, "convention") == set(Convention)
    assert choices(MonteCarloQuestion, "sampling") == set(SAMPLINGS)
    assert choices(MonteCarloQuestion, "control") == {*CONTROLS, "automatic", "none"}
    assert choices(PayoffPart, "type") == set(PAYOFFS) == set(PAID)
    assert choices(PayoffPart, "option_type") == set(Kind)
    for name in ("direction", "effect", "monitoring"):
        assert choices(PayoffPart, name) == set(CHOICES[name])
    terms = {SENT_AS.get(one.name, one.name) for kind in PAYOFFS.values() for one in fields(kind)}
    assert terms == {*PayoffPart.__struct_fields__} - {"type"}
    assert set(METHODS) == {*MODELS, *SAMPLINGS}
    empty = MonteCarloQuestion()
    assert empty.quantiles == QUANTILES
    usual = {one.name: one.default for one in fields(PortfolioProblem)}
    assert (empty.fan_dates, empty.bins, empty.confidence_level) == (
        usual["dates"],
        usual["bins"],
        usual["confidence"],
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"returns": PAST.tolist()}, "expected_returns"),
        ({"symbols": ["AAA"]}, "expected_returns"),
        ({"start": "2020-01-01"}, "start"),
        ({"frequency": "weekly"}, "frequency"),
        ({"currency": "EUR"}, "currency"),
        ({"covariance": [[1.0, 0.0], [0.0, 1.0]]}, "volatilities"),
        ({"volatilities": None, "covariance": [[0.1, 0.0], [0.0, 0.1]]}, "correlation"),
        ({"volatilities": None}, "covariance"),
        ({"volatilities": [0.1]}, "volatilities"),
        ({"volatilities": None, "correlation": None, "covariance": [[1.0, 0.0], [0.0]]}, "covariance"),
        ({"volatilities": None, "correlation": None, "covariance": [[1.0, 2.0], [2.0, 1.0]]}, "covariance"),
        ({"correlation": [[1.0]]}, "correlation"),
        ({"correlation": [[1.0, 0.5], [0.5, 0.9]]}, "correlation"),
        ({"correlation": [[1.0, 1.5], [1.5, 1.0]]}, "correlation"),
        ({"correlation": [[1.0, 0.5], [0.4, 1.0]]}, "correlation"),
        ({"expected_returns": [20.0 / 3, -5.0], "periods_per_year": 4}, "expected_returns"),
        ({"model": "stationary_bootstrap"}, "model"),
        ({"model": "student_t"}, "degrees"),
        ({"degrees": 5.0}, "degrees"),
        ({"block_length": 5.0}, "block_length"),
        ({"time_steps": 5, "horizon_years": 2.0}, "horizon_years"),
        ({"horizon_years": 1000.0, "periods_per_year": 366}, "horizon_years"),
        ({"names": ["one"]}, "names"),
        ({"weights": [0.6, 0.5]}, "weights"),
        ({"weights": [1.0]}, "weights"),
        ({"flows": [{"amount": 1.0}, {"amount": 1.0, "first": 13}]}, "flows.1.first"),
        ({"flows": [{"amount": -1000.0, "timing": "begin"}]}, "flows"),
        ({"quantiles": [0.5, 0.1]}, "quantiles"),
        ({"simulations": 3_000_000, "time_steps": 12}, "simulations"),
        ({"simulations": 100_000_000, "time_steps": 500}, "simulations"),
        ({"time_steps": 30_000, "expected_returns": [9.0, 9.0], "periods_per_year": 1}, "expected_returns"),
        ({"payoff": {"strike_price": 1.0}}, "payoff"),
        ({"sampling": "plain"}, "sampling"),
    ],
)
def test_what_a_portfolio_can_not_be_is_told_with_its_field(changes: dict[str, Any], field: str):
    assert field in broken(MIXED, **changes)


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"periods_per_year": None}, "periods_per_year", "must be given"),
        ({"returns": [[0.1, 0.2], [0.1]]}, "returns", "equal length: 2"),
        ({"returns": [[100.0, 50.0], [101.0, 49.0]]}, "returns", "not prices"),
        ({"returns": [[], []]}, "returns", "from 1 to 200"),
        ({"returns": []}, "returns", "at least 2 rows"),
        ({"convention": "simple"}, "convention", "of expected_returns alone"),
        ({"volatilities": [0.1, 0.1]}, "volatilities", "of expected_returns alone"),
        ({"model": "stationary_bootstrap", "block_length": 500.0}, "block_length", "120 rows"),
        ({"model": "student_t", "returns": PAST[:3].tolist()}, "returns", "more than 3 rows"),
    ],
)
def test_what_a_past_can_not_be_is_told_with_its_field(changes: dict[str, Any], field: str, told: str):
    assert told in broken(SOURCES["returns"], **changes)[field]


def test_symbols_tell_themselves_what_the_others_must():
    changes = {"names": ["x", "y"], "periods_per_year": 12}
    assert set(broken({"symbols": ["AAA", "BBB"], "seed": 1}, **changes)) == {"names", "periods_per_year"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"payoff": {}}, "payoff.strike_price"),
        ({"payoff": {"strike_price": 1.0, "barrier": 3.0}}, "payoff.barrier"),
        ({"payoff": {"type": "barrier", "strike_price": 1.0}, "time_steps": 2}, "payoff.effect"),
        ({"payoff": {"type": "american", "strike_price": 1.0}}, "time_steps"),
        ({"payoff": {"type": "basket", "strike_price": 1.0, "weights": [1.0, 1.0]}}, "payoff.weights"),
        (
            {
                "payoff": PAID["barrier"] | {"type": "barrier", "strike_price": 1.0, "barrier": 90.0},
                "time_steps": 2,
            },
            "payoff.barrier",
        ),
        ({"spot_price": [100.0, 100.0]}, "spot_price"),
        ({"spot_price": 0.0}, "spot_price"),
        ({"volatility": [0.2, 0.3]}, "volatility"),
        ({"dividend_yield": [0.2, 0.3]}, "dividend_yield"),
        ({"correlation": [[1.0, 0.5], [0.5, 1.0]]}, "correlation"),
        ({"risk_free_rate": 9.0, "time_to_expiry": 50.0}, "risk_free_rate"),
        ({"volatility": 10.0, "time_to_expiry": 150.0}, "volatility"),
        ({"sampling": "plain", "replicates": 16}, "replicates"),
        ({"time_steps": 30_000}, "sampling"),
        ({"control": "geometric"}, "control"),
        ({"simulations": 100_000_000, "time_steps": 301}, "simulations"),
        ({"goal": 3.0}, "goal"),
        ({"weights": [1.0]}, "weights"),
    ],
)
def test_what_a_derivative_can_not_be_is_told_with_its_field(changes: dict[str, Any], field: str):
    assert field in broken(CALL, **changes)


@pytest.mark.parametrize(
    "raw",
    [
        {"simulations": 10**9},
        {"simulations": 127},
        {"horizon_years": 0},
        {"kind": "blackscholes"},
        {"spot_prices": 3},
        {"confidence_level": 1.0},
        {"seed": SEEDS},
        {"kind": "derivative", "time_to_expiry": -1},
        {"kind": "derivative", "volatility": -0.1},
        {"kind": "derivative", "volatility": [11.0]},
    ],
)
def test_what_no_question_can_be_is_refused_by_its_shape(raw: dict[str, Any]):
    with pytest.raises(UnusableQuestion):
        read_question(MonteCarloQuestion, raw)


def test_a_run_beyond_what_anybody_may_ask_names_the_limit():
    rule = broken(MIXED, simulations=100_000_000, time_steps=252)["simulations"]
    assert str(DRAWS) in rule
    assert str(DRAWS // (2 * 252)) in rule


def test_a_run_that_takes_too_long_for_its_numbers_names_the_limit():
    """20,000 Sobol dimensions leave room for 16 paths a block."""
    question = asking(CALL, simulations=100_000, time_steps=20_000)
    with pytest.raises(UnusableSimulation) as refused:
        checked(question)
    assert cost(question) > MOST
    assert "1e+11" in refused.value.errors[0].rule


def test_every_field_belongs_to_both_kinds_or_to_one():
    assert not set(OF_PORTFOLIOS) & set(OF_DERIVATIVES)
    derivative = asking(CALL, goal=3.0, model="student_t", fan_dates=3)
    assert derivative.foreign == ("model", "goal", "fan_dates")
    assert asking().foreign == asking(CALL).foreign == ()
