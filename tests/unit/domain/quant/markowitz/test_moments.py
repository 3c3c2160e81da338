import numpy as np
import pytest

from waardhaven.domain.errors import Invalid
from waardhaven.domain.quant.covariance import ESTIMATORS, ledoit_wolf, sample
from waardhaven.domain.quant.markowitz.estimation import (
    EXPECTED_RETURNS,
    Estimation,
    TooFewPeriods,
    estimated,
)
from waardhaven.domain.quant.markowitz.moments import BadMoments, Moments, Returns, returns_of_levels
from waardhaven.domain.quant.markowitz.soundness import NotSemidefinite, clip_eigenvalues

NAMES = ("A", "B", "C")


def returns(periods: int = 60, names: int = 3, seed: int = 1) -> Returns:
    values = np.random.default_rng(seed).normal(0.001, 0.02, (periods, names))
    return Returns(values=values, names=tuple("ABCDEFGHIJ"[:names]), periods_per_year=252.0)


def rule_of(error: pytest.ExceptionInfo[Invalid]) -> tuple[str, str]:
    (one,) = error.value.errors
    return one.field, one.rule


@pytest.mark.parametrize(
    ("values", "names", "year", "field", "rule"),
    [
        (np.zeros(3), NAMES, 252.0, "returns", "at least two periods"),
        (np.zeros((1, 3)), NAMES, 252.0, "returns", "at least two periods"),
        (np.zeros((4, 3)), ("A", "B"), 252.0, "names", "one different name for each of 3 columns"),
        (np.zeros((4, 3)), ("A", "B", "B"), 252.0, "names", "one different name"),
        (np.zeros((4, 0)), (), 252.0, "names", "one different name"),
        (np.zeros((4, 3)), NAMES, 0.0, "periods_per_year", "above 0"),
        (np.zeros((4, 3)), NAMES, np.nan, "periods_per_year", "above 0"),
        (np.array([[0.0, np.nan, 0.0], [0.0, 0.1, 0.0]]), NAMES, 252.0, "returns", "B has one"),
        (np.array([[0.0, 0.0, -1.0], [0.0, 0.1, 0.0]]), NAMES, 252.0, "returns", "C has not"),
        (np.full((4, 3), 101.5), NAMES, 252.0, "returns", "fractions, not levels"),
    ],
)
def test_what_no_return_can_be_is_refused_with_field_and_rule(
    values: np.ndarray, names: tuple[str, ...], year: float, field: str, rule: str
) -> None:
    with pytest.raises(BadMoments) as error:
        Returns(values=values, names=names, periods_per_year=year)
    assert rule_of(error)[0] == field
    assert rule in rule_of(error)[1]


def test_levels_become_simple_returns() -> None:
    found = returns_of_levels(
        np.array([[100.0, 50.0], [110.0, 40.0], [99.0, 60.0]]), names=("A", "B"), periods_per_year=12.0
    )
    np.testing.assert_allclose(found.values, [[0.1, -0.2], [-0.1, 0.5]], atol=1e-15)


@pytest.mark.parametrize(
    ("levels", "rule"),
    [
        (np.array([1.0, 2.0, 3.0]), "at least three levels"),
        (np.ones((2, 2)), "at least three levels"),
        (np.array([[1.0], [0.0], [1.0]]), "above 0"),
        (np.array([[1.0], [np.nan], [1.0]]), "above 0"),
        (np.array([[5e-324], [1e15], [1.0]]), "at least 1e-15: A is below"),
    ],
)
def test_levels_with_holes_or_without_value_are_refused(levels: np.ndarray, rule: str) -> None:
    with pytest.raises(BadMoments, match=rule):
        returns_of_levels(levels, names=("A",), periods_per_year=12.0)


@pytest.mark.parametrize("method", ESTIMATORS)
def test_mean_and_covariance_are_of_the_same_year_whatever_the_method(method: str) -> None:
    """The origin system used a daily covariance beside annual returns."""
    given = returns()
    found = estimated(given, Estimation(covariance=method))
    daily = Moments.given(expected=found.expected / 252, covariance=found.covariance / 252, names=given.names)
    np.testing.assert_allclose(found.expected, 252 * given.values.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.volatilities, daily.volatilities * np.sqrt(252), rtol=1e-13)
    assert np.abs(found.volatilities - 0.02 * np.sqrt(252)).max() < 0.08
    assert found.made == f"mean and {method} of 60 periods"


@pytest.mark.parametrize("method", ["sample", "ledoit_wolf_constant_correlation"])
def test_a_name_of_one_and_the_same_return_has_no_variance_but_for_rounding(method: str) -> None:
    """The mean of thirty times 0.001 is not 0.001, so that a sum of squares is about 1e-38."""
    values = returns().values.copy()
    values[:, 1] = 0.001
    given = Returns(values=values, names=NAMES, periods_per_year=252.0)
    assert ESTIMATORS[method](values, half_life=63.0)[1, 1] > 0.0
    found = estimated(given, Estimation(covariance=method))
    assert (found.volatilities > 0.0).tolist() == [True, False, True]
    assert not found.covariance[1].any()
    moving = np.ix_([0, 2], [0, 2])
    plain = 252.0 * ESTIMATORS[method](values, half_life=63.0)[moving]
    np.testing.assert_array_equal(found.covariance[moving], plain)


def test_supplied_figures_of_a_month_are_made_annual() -> None:
    found = Moments.given(
        expected=np.array([0.01]), covariance=np.array([[0.0025]]), names=("A",), periods_per_year=12.0
    )
    assert found.expected[0] == pytest.approx(0.12)
    assert found.volatilities[0] == pytest.approx(0.05 * np.sqrt(12))


@pytest.mark.parametrize(
    ("expected", "covariance", "field", "rule"),
    [
        (np.zeros(2), np.eye(3), "names", "each of 2 columns"),
        (np.array([0.0, np.nan, 0.0]), np.eye(3), "expected_returns", "3 finite figures"),
        (np.zeros((3, 1)), np.eye(3), "expected_returns", "3 finite figures"),
        (np.zeros(3), np.eye(2), "covariance", "3 x 3"),
        (np.zeros(3), np.full((3, 3), np.inf), "covariance", "3 x 3"),
        (np.zeros(3), np.eye(3) + np.eye(3, k=1), "covariance", "symmetric"),
        (np.zeros(3), np.eye(3) + 2.0 * np.eye(3, k=1) + 5.0 * np.eye(3, k=-1), "covariance", "symmetric"),
        (np.zeros(3), np.diag([1.0, -1.0, 1.0]), "covariance", "variances of at least 0, not -1"),
        (np.zeros(3), np.diag([1.0, 0.0, 1e-310]), "covariance", "0 or at least 1e-140, not 1e-310"),
    ],
)
@pytest.mark.parametrize("repair", [False, True])
def test_supplied_figures_that_can_be_no_moments_are_refused(
    expected: np.ndarray, covariance: np.ndarray, field: str, rule: str, repair: bool
) -> None:
    with pytest.raises(BadMoments) as error:
        Moments.given(expected=expected, covariance=covariance, names=NAMES, repair=repair)
    assert rule_of(error)[0] == field
    assert rule in rule_of(error)[1]


IMPOSSIBLE = np.array([[0.04, 0.05, 0.0], [0.05, 0.04, 0.0], [0.0, 0.0, 0.0]])


def test_a_covariance_with_a_negative_eigenvalue_is_refused_and_told() -> None:
    with pytest.raises(NotSemidefinite, match=r"smallest eigenvalue is -0\.01") as error:
        Moments.given(expected=np.zeros(3), covariance=IMPOSSIBLE, names=NAMES)
    assert error.value.errors[0].field == "covariance"


def test_a_repair_that_is_asked_for_keeps_variances_and_tells_the_spectrum() -> None:
    found = Moments.given(expected=np.zeros(3), covariance=IMPOSSIBLE, names=NAMES, repair=True)
    assert found.repair is not None
    assert found.repair.before[0] == pytest.approx(-0.01)
    assert found.repair.after[0] >= 0.0
    assert found.repair.largest_change == pytest.approx(0.2, abs=1e-6)
    np.testing.assert_allclose(found.covariance.diagonal(), [0.04, 0.04, 0.0], atol=1e-17)
    assert found.covariance[0, 1] == pytest.approx(0.04, abs=1e-9)
    assert not found.covariance[2].any()


def test_the_spectrum_of_a_repair_is_that_of_a_year_as_the_covariance_is() -> None:
    found = Moments.given(
        expected=np.zeros(3), covariance=IMPOSSIBLE, names=NAMES, periods_per_year=12.0, repair=True
    )
    assert found.repair is not None
    assert found.repair.before[0] == pytest.approx(-0.12)
    np.testing.assert_allclose(found.repair.after, np.linalg.eigvalsh(found.covariance), atol=1e-12)


def test_a_sound_covariance_is_not_repaired() -> None:
    found = Moments.given(expected=np.zeros(3), covariance=np.eye(3), names=NAMES, repair=True)
    assert found.repair is None


def test_a_market_without_any_risk_stays_as_it_is() -> None:
    found, told = clip_eigenvalues(np.zeros((2, 2)))
    assert not found.any()
    assert told.largest_change == 0.0


@pytest.mark.parametrize("method", ["sample", "exponentially_weighted"])
def test_no_more_periods_than_names_are_refused_unless_shrunk_or_repaired(method: str) -> None:
    few = returns(periods=4, names=5)
    with pytest.raises(TooFewPeriods, match="4 periods for 5 names") as error:
        estimated(few, Estimation(covariance=method))
    assert error.value.errors[0].field == "returns"
    repaired = estimated(few, Estimation(covariance=method, repair=True))
    assert repaired.repair is not None
    assert np.linalg.eigvalsh(repaired.covariance)[0] > 0.0
    np.testing.assert_allclose(repaired.repair.after, np.linalg.eigvalsh(repaired.covariance), atol=1e-12)
    assert estimated(few, Estimation(covariance="ledoit_wolf")).repair is None
    np.testing.assert_allclose(
        estimated(few, Estimation()).covariance, 252 * ledoit_wolf(few.values), rtol=1e-13
    )


@pytest.mark.parametrize(
    ("how", "field"),
    [
        (Estimation(covariance="robust"), "covariance"),
        (Estimation(expected="guess"), "expected_returns"),
        (Estimation(half_life=0.0), "half_life"),
        (Estimation(expected="capm"), "market"),
        (Estimation(expected="implied_equilibrium", market=np.ones(2)), "market"),
        (Estimation(expected="implied_equilibrium", market=np.array([1.0, np.nan, 0.0])), "market"),
        (Estimation(expected="capm", market=np.zeros(3)), "market"),
    ],
)
def test_unknown_methods_and_missing_parts_are_named(how: Estimation, field: str) -> None:
    with pytest.raises(BadMoments) as error:
        estimated(returns(), how)
    assert rule_of(error)[0] == field


def test_recent_returns_weigh_more_by_halves() -> None:
    given = Returns(values=np.array([[0.04], [0.01], [0.02]]), names=("A",), periods_per_year=1.0)
    found = EXPECTED_RETURNS["exponentially_weighted"](given, np.eye(1), Estimation(half_life=1.0))
    assert found[0] == pytest.approx((0.25 * 0.04 + 0.5 * 0.01 + 0.02) / 1.75)


def test_equilibrium_and_capm_agree_where_the_premium_pays_for_the_risk() -> None:
    given, market = returns(), np.array([0.5, 0.3, 0.2])
    spread = sample(given.values)
    premium = float(given.values.mean(axis=0) @ market) - 0.01 / 252
    how = Estimation(market=market, risk_free=0.01, risk_aversion=premium / float(market @ spread @ market))
    by_beta = EXPECTED_RETURNS["capm"](given, spread, how)
    np.testing.assert_allclose(
        by_beta, EXPECTED_RETURNS["implied_equilibrium"](given, spread, how), rtol=1e-12
    )
    assert by_beta @ market == pytest.approx(float(given.values.mean(axis=0) @ market))


def test_bayes_stein_draws_means_towards_that_of_least_variance_by_the_published_share() -> None:
    given = returns()
    spread = sample(given.values)
    average = given.values.mean(axis=0)
    inverse = np.linalg.inv(spread * 59 / (60 - 3 - 2))
    ones = np.ones(3)
    common = ones @ inverse @ average / (ones @ inverse @ ones)
    apart = average - common
    share = 5 / (5 + 60 * apart @ inverse @ apart)
    found = EXPECTED_RETURNS["bayes_stein"](given, spread, Estimation())
    np.testing.assert_allclose(found, average + share * (common - average), rtol=1e-11)


def test_bayes_stein_needs_more_periods_than_names_and_a_definite_covariance() -> None:
    with pytest.raises(BadMoments, match="more than 5 periods"):
        EXPECTED_RETURNS["bayes_stein"](returns(periods=5), np.eye(3), Estimation())
    with pytest.raises(BadMoments, match="not singular"):
        EXPECTED_RETURNS["bayes_stein"](returns(), np.zeros((3, 3)), Estimation())
