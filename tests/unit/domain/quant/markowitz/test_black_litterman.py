import numpy as np
import pytest

from waardhaven.domain.quant.markowitz.black_litterman import View, black_litterman, equilibrium
from waardhaven.domain.quant.markowitz.moments import BadMoments, Moments

NAMES = ("A", "B")
COVARIANCE = np.array([[0.04, 0.01], [0.01, 0.09]])
PRIOR = Moments.given(expected=np.zeros(2), covariance=COVARIANCE, names=NAMES)
MARKET = np.array([0.6, 0.4])


def posterior(*views: View, **given: object) -> Moments:
    return black_litterman(PRIOR, views, **({"market": MARKET} | given))  # type: ignore[arg-type]


def test_a_certain_view_is_taken_over_and_a_vague_one_changes_nothing() -> None:
    pick = np.array([1.0, -1.0])
    sure = posterior(View(weights=pick, expected=0.03, confidence=1.0))
    assert pick @ sure.expected == pytest.approx(0.03, abs=1e-15)
    vague = posterior(View(weights=pick, expected=0.03, variance=1e12))
    np.testing.assert_allclose(vague.expected, equilibrium(COVARIANCE, MARKET, 2.5), rtol=1e-9)


@pytest.mark.parametrize("confidence", [0.25, 0.5, 0.9])
def test_a_confidence_is_the_share_of_the_way_to_certainty(confidence: float) -> None:
    """Idzorek (2005): the tilt of a view of confidence c is c times that of certainty."""
    pick = np.array([0.0, 1.0])
    start = equilibrium(COVARIANCE, MARKET, 2.5)
    sure = posterior(View(weights=pick, expected=0.15, confidence=1.0)).expected - start
    part = posterior(View(weights=pick, expected=0.15, confidence=confidence)).expected - start
    np.testing.assert_allclose(part, confidence * sure, rtol=1e-12)


def test_a_riskless_rate_is_added_to_equilibrium() -> None:
    found = posterior(risk_free=0.03)
    np.testing.assert_allclose(found.expected, equilibrium(COVARIANCE, MARKET, 2.5) + 0.03)
    assert found.made.startswith("Black-Litterman, 0 views")


@pytest.mark.parametrize(
    ("views", "given", "field"),
    [
        ([], {"market": np.ones(3)}, "market"),
        ([], {"market": np.array([np.nan, 1.0])}, "market"),
        ([], {"tau": 0.0}, "tau"),
        ([], {"tau": 5e-324}, "tau"),
        ([], {"risk_aversion": -1.0}, "risk_aversion"),
        ([View(weights=np.ones(3), expected=0.1)], {}, "views.0.weights"),
        ([View(weights=np.zeros(2), expected=0.1)], {}, "views.0.weights"),
        ([View(weights=np.array([1e-200, 0.0]), expected=0.1)], {}, "views.0.weights"),
        ([View(weights=np.array([np.inf, 0.0]), expected=0.1)], {}, "views.0.weights"),
        ([View(weights=np.ones(2), expected=np.nan)], {}, "views.0.expected"),
        ([View(weights=np.ones(2), expected=0.1, confidence=0.0)], {}, "views.0.confidence"),
        ([View(weights=np.ones(2), expected=0.1, confidence=5e-324)], {}, "views.0.confidence"),
        ([View(weights=np.ones(2), expected=0.1, confidence=1.1)], {}, "views.0.confidence"),
        ([View(weights=np.ones(2), expected=0.1, variance=-0.1)], {}, "views.0.variance"),
        ([View(weights=np.ones(2), expected=0.1, variance=0.1, confidence=0.5)], {}, "views.0"),
        ([View(weights=np.ones(2), expected=one, variance=0.0) for one in (0.1, 0.2)], {}, "views"),
    ],
)
def test_what_no_view_can_be_is_refused_with_its_field(
    views: list[View], given: dict[str, object], field: str
) -> None:
    with pytest.raises(BadMoments) as error:
        posterior(*views, **given)
    assert error.value.errors[0].field == field


@pytest.mark.parametrize("last", [0.5, -0.03])
def test_certain_views_that_follow_from_each_other_are_refused_whether_they_contradict_or_not(
    last: float,
) -> None:
    """A over B and B over C leave no room for A over C; rounding must not hide that they are singular."""
    covariance = np.array([[0.0025, 0.001, 0.0], [0.001, 0.04, 0.004], [0.0, 0.004, 0.0225]])
    prior = Moments.given(expected=np.zeros(3), covariance=covariance, names=("A", "B", "C"))
    views = [
        View(weights=np.array(one), expected=told, confidence=1.0)
        for one, told in (([1.0, -1.0, 0.0], -0.05), ([0.0, 1.0, -1.0], 0.02), ([1.0, 0.0, -1.0], last))
    ]
    with pytest.raises(BadMoments, match="must not depend on each other"):
        black_litterman(prior, views, market=np.full(3, 1 / 3))
    assert black_litterman(prior, views[:2], market=np.full(3, 1 / 3)).made.startswith("Black-Litterman")


@pytest.mark.parametrize("sure", [{}, {"confidence": 1.0}, {"variance": 0.0}])
@pytest.mark.parametrize("pick", [[1.0, 0.0, 0.0], [0.0, 1.0, -0.5]])
def test_a_view_about_what_has_no_risk_is_refused_by_its_own_field(
    sure: dict[str, float], pick: list[float]
) -> None:
    covariance = np.array([[0.0, 0.0, 0.0], [0.0, 0.01, 0.02], [0.0, 0.02, 0.04]])
    prior = Moments.given(expected=np.zeros(3), covariance=covariance, names=("cash", "A", "twice A"))
    known = View(weights=np.array([0.0, 1.0, 0.0]), expected=0.05)
    idle = View(weights=np.array(pick), expected=0.1, **sure)
    with pytest.raises(BadMoments) as error:
        black_litterman(prior, [known, idle], market=np.full(3, 1 / 3))
    assert [one.field for one in error.value.errors] == ["views.1.weights"]


def test_a_doubtful_view_about_what_has_no_risk_changes_nothing() -> None:
    prior = Moments.given(expected=np.zeros(2), covariance=np.diag([0.0, 0.04]), names=NAMES)
    idle = View(weights=np.array([1.0, 0.0]), expected=0.1, variance=0.01)
    found = black_litterman(prior, [idle], market=MARKET)
    np.testing.assert_allclose(found.expected, equilibrium(prior.covariance, MARKET, 2.5))
