"""Questions about portfolios that no portfolio answers: each is refused with the field and the rule."""

from typing import Any

import numpy as np
import pytest
from tests.unit.application.quant.portfolios import (
    COVARIANCE,
    EXPECTED,
    GIVEN,
    MOVES,
    NAMES,
    NEEDS,
    SAMPLED,
    answer,
    asking,
    broken,
)

from waardhaven.application.quant import markowitz_rules
from waardhaven.application.quant.markowitz_rules import DIRECT, MOST, cost
from waardhaven.application.quant.optimise_portfolio import examine
from waardhaven.domain.errors import Invalid
from waardhaven.domain.quant.markowitz.estimation import TooFewPeriods
from waardhaven.domain.quant.markowitz.frontier import OutOfReach
from waardhaven.domain.quant.markowitz.objectives import OBJECTIVES
from waardhaven.domain.quant.optimal_weights import NothingGained
from waardhaven.domain.quant.quadratic_programme import Infeasible


def test_an_empty_question_is_refused_for_what_it_lacks() -> None:
    told = "must be given, or returns, levels, or expected_returns and covariance"
    assert broken({}) == {"symbols": told}


@pytest.mark.parametrize(
    ("market", "fields", "refused"),
    [
        ({"expected_returns": EXPECTED}, {}, {"covariance"}),
        ({"covariance": COVARIANCE}, {}, {"expected_returns"}),
        ({**GIVEN, **SAMPLED}, {}, {"covariance", "expected_returns"}),
        ({**SAMPLED, "periods_per_year": None}, {}, {"periods_per_year"}),
        (GIVEN, {"periods_per_year": 252, "start": "2020-01-01"}, {"periods_per_year", "start"}),
        ({"symbols": ["A", "B"]}, {"names": ["a", "b"]}, {"names"}),
        ({"symbols": ["A", "A"]}, {}, {"symbols"}),
        ({"symbols": []}, {}, {"symbols"}),
        ({**GIVEN, "names": ["a", "b", "a"]}, {}, {"names"}),
        ({**GIVEN, "names": ["a", "b"]}, {}, {"names"}),
        ({**GIVEN, "expected_returns": [0.1]}, {}, {"expected_returns"}),
        ({**GIVEN, "expected_returns": []}, {}, {"expected_returns"}),
        (GIVEN, {"covariance_method": "sample", "half_life": 5.0}, {"covariance_method", "half_life"}),
        (GIVEN, {"expected_return_method": "bayes_stein"}, {"expected_return_method"}),
        ({**GIVEN, "covariance": COVARIANCE[:2]}, {}, {"covariance"}),
        ({**GIVEN, "covariance": [*COVARIANCE[:2], [1.0]]}, {}, {"covariance.2"}),
        ({**SAMPLED, "returns": []}, {"names": None}, {"returns"}),
        ({**SAMPLED, "returns": [[0.1, 0.1, 0.1]]}, {}, {"returns"}),
        ({**SAMPLED, "returns": [[0.1, 0.1, 0.1], [0.1, -1.0, 0.1]]}, {}, {"returns"}),
        ({**GIVEN, "covariance": [[1.0, 0.5, 0], [0.4, 1, 0], [0, 0, 1]]}, {}, {"covariance"}),
    ],
)
def test_a_market_must_be_told_once_and_whole(
    market: dict[str, Any], fields: dict[str, Any], refused: set[str]
) -> None:
    assert set(broken(market, **fields)) == refused


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"target_return": 0.05}, {"target_return"}),
        ({"objective": "target_return"}, {"target_return"}),
        ({"objective": "risk_budgets", "risk_budgets": {"bonds": 1.0}}, {"risk_budgets"}),
        (
            {"objective": "risk_budgets", "risk_budgets": {"bonds": 0.5, "shares": 0.3, "gold": 0.3}},
            {"risk_budgets"},
        ),
        ({"objective": "minimum_cvar"}, {"objective"}),
        ({"confidence": 0.9}, {"confidence"}),
        ({"risk_aversion": 2.0}, {"risk_aversion"}),
        ({"objective": "risk_aversion", "risk_aversion": 5e-324}, {"risk_aversion"}),
        (
            {"objective": "risk_budgets", "risk_budgets": {"bonds": 1.0, "shares": 5e-324, "gold": 5e-324}},
            {"risk_budgets"},
        ),
        ({"turnover": 0.1}, {"current_weights"}),
        ({"frontier": 1}, {"frontier"}),
        ({"frontier": 5, "most_names": 2}, {"most_names"}),
        ({"most_names": 4}, {"most_names"}),
        ({"most_names": 2, "objective": "risk_parity"}, {"most_names"}),
        ({"tau": 0.1}, {"tau"}),
        ({"market_weights": {"bonds": 1.0}}, {"market_weights"}),
        (
            {"views": [{}], "expected_returns": None},
            {"market_weights", "views.0.expected", "views.0.weights"},
        ),
        (
            {"views": [{"weights": {"gold": 1}, "expected": 0.1}], "market_weights": {"gold": 1.0}},
            {"expected_returns"},
        ),
        (
            {
                "views": [{"weights": {"gold": 1}, "expected": 0.1}],
                "market_weights": {"gold": 0.5},
                "expected_returns": None,
            },
            {"market_weights"},
        ),
        (
            {
                "views": [{"weights": {"gold": 1}, "expected": 0.1, "confidence": 0.5, "variance": 0.1}],
                "market_weights": {"gold": 1.0},
                "expected_returns": None,
            },
            {"views.0"},
        ),
        ({"bounds": {"silver": {}}}, {"bounds.silver"}),
        ({"bounds": {"gold": {"min_weight": 0.5, "max_weight": 0.4}}}, {"bounds.gold"}),
        ({"min_weight": 0.5, "max_weight": 0.4}, {"min_weight"}),
        ({"groups": [{"most": 0.4}]}, {"groups.0.members"}),
        ({"groups": [{"members": ["tin"], "most": 0.4}]}, {"groups.0.members.tin"}),
        ({"groups": [{"members": ["gold"]}]}, {"groups.0"}),
        ({"groups": [{"members": ["gold"], "least": 0.5, "most": 0.4}]}, {"groups.0.least"}),
        ({"groups": [{"name": "a", "members": ["gold"], "most": 0.4}] * 2}, {"groups"}),
        ({"current_weights": {"tin": 1.0}}, {"current_weights.tin"}),
    ],
)
def test_what_does_not_fit_together_is_named_as_it_was_sent(
    fields: dict[str, Any], refused: set[str]
) -> None:
    assert set(broken(**fields)) == refused


def test_views_are_not_taken_by_what_reads_returns() -> None:
    views = [{"weights": {"gold": 1}, "expected": 0.1}]
    rules = broken(SAMPLED, objective="minimum_cvar", views=views, market_weights={"gold": 1.0})
    assert set(rules) == {"views"}
    unread: dict[str, Any] = {
        "views": views,
        "market_weights": {"gold": 1.0},
        "expected_return_method": "bayes_stein",
    }
    assert set(broken(SAMPLED, **unread)) == {"expected_return_method"}


def test_what_nothing_can_keep_is_refused_with_the_smallest_relaxation() -> None:
    rules = broken(error=Infeasible, max_weight=0.3)
    assert "raise them by 0.1 in total" in rules["max_weight"]
    rules = broken(error=Infeasible, min_weight=0.4)
    assert "lower them by 0.2 in total" in rules["min_weight"]
    group = {"name": "all", "members": NAMES, "most": 0.9}
    rules = broken(error=Infeasible, groups=[{"members": ["gold"], "most": 0.5}, group])
    assert "raise the most of group all by 0.1" in rules["groups.1"]
    own = {name: {"max_weight": 0.3} for name in NAMES}
    assert "raise them by 0.1 in total" in broken(error=Infeasible, bounds=own)["bounds"]
    some = {"gold": {"min_weight": 0.3}, "bonds": {"max_weight": 0.1}}
    assert set(broken(error=Infeasible, max_weight=0.3, bounds=some)) == {"max_weight"}
    held = {"current_weights": {"gold": 1.0}, "turnover": 0.1}
    assert "raise turnover by" in broken(error=Infeasible, max_weight=0.5, **held)["turnover"]
    rules = broken(error=Infeasible, objective="risk_parity", max_weight=0.4)
    assert "breaks an upper bound" in rules["objective"]


def test_a_number_of_names_that_can_not_be_kept_exactly_is_refused_before_it_is_computed() -> None:
    many: dict[str, Any] = {"expected_returns": [0.1] * 21, "covariance": np.eye(21).tolist()}
    assert broken(many, most_names=5) == {
        "most_names": "must be left out: exact for at most 20 names, not 21"
    }
    assert broken(most_names=4) == {"most_names": "must be between 1 and 3, the number of names"}
    assert {name for name, one in OBJECTIVES.items() if one.score is None} == markowitz_rules.WITHOUT_CHOICE


def test_what_reads_returns_is_not_asked_of_moments() -> None:
    told = "minimum_cvar reads returns: it needs symbols, returns or levels, not covariance"
    assert broken(objective="minimum_cvar") == {"objective": told}


@pytest.mark.parametrize("objective", ["risk_parity", "hierarchical_risk_parity", "minimum_variance"])
def test_a_variance_whose_inverse_is_beyond_floats_is_refused_with_the_limit(objective: str) -> None:
    tiny = {**GIVEN, "covariance": (np.array(COVARIANCE) * 1e-300).tolist()}
    rules = broken(tiny, objective=objective)
    assert rules == {"covariance": "variances of 0 or at least 1e-140, not 2.5e-303"}
    small = answer({**GIVEN, "covariance": (np.array(COVARIANCE) * 1e-130).tolist()}, objective=objective)
    assert small.weights == pytest.approx(answer(objective=objective).weights)


def test_large_questions_are_examined_without_being_solved() -> None:
    for fields in (
        {"max_weight": 0.3},
        {"groups": [{"members": ["gold"], "most": 0.5}, {"members": ["bonds", "shares"], "most": 0.4}]},
        {"objective": "target_return", "target_return": 0.2},
        {"most_names": 1, "max_weight": 0.5, "min_weight": 0.2},
    ):
        rules = broken(**fields)
        with pytest.raises(Invalid) as caught:
            examine(asking(**fields))
        assert {one.field: one.rule for one in caught.value.errors} == rules
    for objective in OBJECTIVES:
        examine(asking(SAMPLED, objective=objective, **NEEDS.get(objective, {})))


def test_a_target_out_of_reach_is_refused_with_the_range() -> None:
    rules = broken(error=OutOfReach, objective="target_return", target_return=0.2)
    assert "between 0.03 and 0.08" in rules["target_return"]
    assert "between" in broken(error=OutOfReach, objective="target_risk", target_risk=0.9)["target_risk"]


def test_nothing_above_the_riskless_rate_has_no_highest_ratio() -> None:
    rules = broken(error=NothingGained, objective="maximum_sharpe", risk_free_rate=0.5)
    assert rules == {"objective": "No weights within the limits have a return above 0.5."}


def test_a_market_in_which_nothing_moves_is_refused() -> None:
    rules = broken({"covariance": [[0.0] * 2] * 2, "expected_returns": [0.01, 0.02]})
    assert rules == {"covariance": "must have a name that moves: no volatility is above 0"}
    still = {"returns": [[0.01, 0.02]] * 3, "periods_per_year": 12}
    assert set(broken(still)) == {"returns"}


def test_no_more_periods_than_names_need_shrinkage_or_a_repair() -> None:
    few = {**SAMPLED, "returns": MOVES[:3].tolist()}
    rules = broken(few, TooFewPeriods, covariance_method="sample")
    assert rules == {"returns": "more than 3 periods for a sample covariance"}
    assert answer(few, covariance_method="sample", repair=True).moments.repair is not None
    assert answer(few).moments.repair is None
    rules = broken({**SAMPLED, "returns": MOVES[:5].tolist()}, expected_return_method="bayes_stein")
    assert set(rules) == {"expected_return_method"}
    still = {**SAMPLED, "returns": (MOVES * [1, 1, 0]).tolist()}
    rules = broken(still, objective="maximum_diversification", covariance_method="sample")
    assert set(rules) == {"covariance_method"}


def test_more_figures_than_one_call_takes_are_refused_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markowitz_rules, "MOST_FIGURES", 239)
    assert broken(SAMPLED) == {"returns": "must be at most 239 figures, not 240"}


def test_work_beyond_all_measure_is_refused_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markowitz_rules, "MOST", 1e4)
    assert broken(most_names=2)["most_names"].startswith("must need at most 10000 operations")
    assert broken()["objective"].startswith("must need at most 10000 operations")


def test_the_cost_follows_what_is_asked() -> None:
    plain = asking(SAMPLED)
    assert cost(plain) < cost(asking(SAMPLED, frontier=50)) < DIRECT
    assert cost(asking(SAMPLED, objective="minimum_cvar")) < DIRECT
    week = {"symbols": ["A", "B"], "start": "2020-01-06", "end": "2020-01-13"}
    cvar = {"objective": "minimum_cvar"}
    assert cost(asking({**week, **cvar})) < cost(asking({"symbols": ["A", "B"], **cvar})) < DIRECT
    rows = [[0.01]] * 20_000
    long = asking({"returns": rows, "periods_per_year": 252, **cvar})
    assert DIRECT < cost(long) < MOST
    twenty = {"symbols": [str(one) for one in range(20)]}
    assert DIRECT < cost(asking({**twenty, "most_names": 5})) < MOST
    assert cost(asking({})) < DIRECT
    assert cost(asking({**week, "end": "2019-01-01", **cvar})) < DIRECT
