import numpy as np
import pytest

from waardhaven.domain.quant import risk_budgeting
from waardhaven.domain.quant.quadratic_programme import NotSolved
from waardhaven.domain.quant.risk_budgeting import CONJUGATE_FROM, contributions, equal_risk, risk_budgets


def covariance(names: int, *, sessions: int = 400, seed: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.01, (sessions, 1)) * rng.uniform(0.3, 1.8, names)
    return np.cov((market + rng.normal(0.0, 1.0, (sessions, names)) * rng.uniform(0.001, 0.05, names)).T)


@pytest.mark.parametrize("names", [2, 3, 20, CONJUGATE_FROM - 1, CONJUGATE_FROM, 300])
def test_contributions_are_equal_to_a_billionth(names: int) -> None:
    given = covariance(names)
    weights = equal_risk(given)
    shares = contributions(given, weights) * names
    assert shares.max() - shares.min() <= 1e-9
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    assert (weights > 0.0).all()


def test_one_name_gets_everything() -> None:
    assert equal_risk(np.array([[0.04]])).tolist() == [1.0]


def test_two_names_are_weighed_by_inverse_volatility_whatever_their_correlation() -> None:
    for correlation in (-0.9, 0.0, 0.9, 1.0):
        given = np.array([[0.01, 0.02 * correlation], [0.02 * correlation, 0.04]])
        np.testing.assert_allclose(equal_risk(given), [2 / 3, 1 / 3], rtol=1e-12)


@pytest.mark.parametrize("names", [5, 150])
def test_budgets_are_met_however_uneven(names: int) -> None:
    budgets = np.exp2(-np.arange(names) / 4.0)
    budgets /= budgets.sum()
    given = covariance(names)
    np.testing.assert_allclose(contributions(given, risk_budgets(given, budgets)), budgets, rtol=1e-9)


@pytest.mark.parametrize("names", [5, 150])
def test_units_do_not_matter(names: int) -> None:
    given = covariance(names)
    pair = [equal_risk(given * factor) for factor in (1.0, 1e-8)]
    np.testing.assert_allclose(pair[0], pair[1], rtol=1e-9)


def test_strong_negative_correlations_need_damped_steps_and_are_met() -> None:
    given = np.array([[1.0, -0.999, 0.1], [-0.999, 1.0, 0.1], [0.1, 0.1, 1.0]])
    shares = contributions(given, equal_risk(given))
    np.testing.assert_allclose(shares, 1 / 3, rtol=1e-9)


@pytest.mark.parametrize("names", [2, 4])
def test_names_that_cancel_each_other_have_no_equal_contributions(names: int) -> None:
    move = np.tile([1.0, -1.0], names // 2)
    with pytest.raises(NotSolved, match="no risk at all"):
        equal_risk(np.outer(move, move))


def test_a_singular_covariance_with_a_market_in_it_is_solved() -> None:
    given = covariance(30, sessions=8)
    market = given + 1e-3
    shares = contributions(market, equal_risk(market)) * 30
    assert shares.max() - shares.min() <= 1e-9


def test_too_few_steps_are_told_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk_budgeting, "STEPS", 2)
    with pytest.raises(NotSolved):
        equal_risk(covariance(20))


def test_conjugate_gradients_that_stop_early_still_lead_to_the_solution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(risk_budgeting, "CONJUGATE_STEPS", 3)
    given = covariance(150)
    np.testing.assert_allclose(contributions(given, equal_risk(given)) * 150, 1.0, rtol=1e-9)
