import numpy as np
import pytest

from waardhaven.domain.quant.markowitz.constraints import BadConstraints, Constraints, Group
from waardhaven.domain.quant.markowitz.standard_form import StandardForm, reach, require_feasible
from waardhaven.domain.quant.quadratic_programme import Infeasible

ZERO, ONE = np.zeros(3), np.ones(3)
NAMES = ("A", "B", "C")
FIRST = np.array([True, False, False])


def limits(**given: object) -> Constraints:
    return Constraints(**({"lower": ZERO, "upper": ONE} | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"lower": np.zeros(0), "upper": np.zeros(0)}, "bounds"),
        ({"lower": np.zeros((3, 1))}, "bounds"),
        ({"upper": np.ones(2)}, "bounds"),
        ({"upper": np.array([1.0, np.inf, 1.0])}, "bounds"),
        ({"lower": np.array([0.0, np.nan, 0.0])}, "bounds"),
        ({"budget": np.nan}, "budget"),
        ({"turnover": -0.1, "current": ONE / 3}, "turnover"),
        ({"turnover": np.nan, "current": ONE / 3}, "turnover"),
        ({"turnover": 0.1}, "current_weights"),
        ({"turnover": 0.1, "current": np.ones(2)}, "current_weights"),
        ({"turnover": 0.1, "current": np.array([np.nan, 0.0, 1.0])}, "current_weights"),
        ({"most_names": 0}, "most_names"),
        ({"most_names": 4}, "most_names"),
        ({"groups": (Group(name="g", member=np.ones(2, dtype=np.bool_)),)}, "groups.g"),
        ({"groups": (Group(name="g", member=np.zeros(3, dtype=np.bool_)),)}, "groups.g"),
        ({"groups": (Group(name="g", member=np.ones(3)),)}, "groups.g"),  # type: ignore[arg-type]
        ({"groups": (Group(name="g", member=FIRST, least=np.nan),)}, "groups.g"),
        ({"groups": (Group(name="g", member=FIRST, most=np.nan),)}, "groups.g"),
    ],
)
def test_what_can_be_no_limit_is_refused_with_its_field(given: dict[str, object], field: str) -> None:
    with pytest.raises(BadConstraints) as error:
        limits(**given)
    assert error.value.errors[0].field == field


def test_limits_that_cross_are_infeasible() -> None:
    with pytest.raises(Infeasible, match="lower bound of name 2 lies above"):
        limits(lower=np.array([0.0, 1.5, 0.0]))
    with pytest.raises(Infeasible, match=r"Group g must hold at least 0\.5 and at most 0\.2"):
        limits(groups=(Group(name="g", member=FIRST, least=0.5, most=0.2),))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"upper": np.full(3, 0.3)}, r"add up to 0\.9, below .* raise them by 0\.1 in total, .* 0\.333333\."),
        ({"lower": np.full(3, 0.4)}, r"add up to 1\.2, above .* lower them by 0\.2 in total"),
        (
            {"groups": (Group(name="g", member=~FIRST, most=0.3),), "upper": np.full(3, 0.5)},
            r"raise the most of group g by 0\.2\.",
        ),
        (
            {"groups": (Group(name="g", member=FIRST, least=0.7),), "upper": np.full(3, 0.5)},
            r"lower the least of group g by 0\.2\.",
        ),
        (
            {"turnover": 0.2, "current": np.array([1.0, 0.0, 0.0]), "upper": np.full(3, 0.5)},
            r"raise turnover by 0\.8\.",
        ),
    ],
)
def test_limits_that_nothing_keeps_are_told_with_the_smallest_relaxation(
    given: dict[str, object], told: str
) -> None:
    with pytest.raises(Infeasible, match=told) as error:
        require_feasible(limits(**given), NAMES)
    assert error.value.errors


def test_limits_that_can_be_kept_pass() -> None:
    require_feasible(limits(), NAMES)
    require_feasible(limits(groups=(Group(name="g", member=FIRST, most=0.2),)), NAMES)


def test_the_range_of_returns_is_that_of_all_weights_within_the_limits() -> None:
    gain = np.array([0.1, 0.2, 0.4])
    assert reach(StandardForm.of(limits()), gain) == pytest.approx((0.1, 0.4))
    short = limits(lower=np.full(3, -0.5), upper=np.full(3, 2.0))
    assert reach(StandardForm.of(short), gain) == pytest.approx((2 * 0.1 - 0.5 * 0.2 - 0.5 * 0.4, 0.65))
    traded = limits(turnover=0.2, current=np.array([0.0, 1.0, 0.0]))
    assert reach(StandardForm.of(traded), gain) == pytest.approx((0.19, 0.22))
    grouped = limits(groups=(Group(name="g", member=~FIRST, most=0.5),))
    assert reach(StandardForm.of(grouped), gain) == pytest.approx((0.1, 0.25))


def test_a_range_of_nothing_is_infeasible() -> None:
    with pytest.raises(Infeasible, match="No weights keep every limit"):
        reach(StandardForm.of(limits(upper=np.full(3, 0.2))), ONE)


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ([0.5, 0.3, 0.2], None),
        ([1.2, -0.1, -0.1], "an upper bound by 0.2"),
        ([0.9, 0.3, -0.2], "a lower bound by 0.2"),
        ([0.5, 0.3, 0.0], "the budget by 0.2"),
        ([0.0, 0.5, 0.5], "group g by 0.1"),
        ([0.8, 0.1, 0.1], "turnover by 0.1"),
    ],
)
def test_the_worst_breach_is_named(weights: list[float], told: str | None) -> None:
    traded = {"turnover": 0.9, "current": np.array([0.3, 0.4, 0.3])} if "turnover" in (told or "") else {}
    kept = limits(groups=(Group(name="g", member=FIRST, least=0.1),), **traded)
    assert kept.broken_by(np.array(weights)) == told


def test_present_weights_outside_their_bounds_are_traded_at_least_so_far() -> None:
    kept = limits(
        lower=np.array([0.2, 0.0, 0.0]),
        upper=np.array([1.0, 1.0, 0.3]),
        turnover=1.0,
        current=np.array([0.1, 0.4, 0.5]),
    )
    form = StandardForm.of(kept)
    np.testing.assert_allclose(form.lower, [0.1, 0.0, 0.0, 0.0, 0.0, 0.2])
    np.testing.assert_allclose(form.upper, [0.9, 0.6, 0.0, 0.0, 0.4, 0.5])
    least = form.netted(np.array([0.4, 0.2, 0.0, 0.2, 0.1, 0.3]) * 1.0)
    np.testing.assert_allclose(form.weights(least), form.weights(np.array([0.4, 0.2, 0.0, 0.2, 0.1, 0.3])))
    np.testing.assert_allclose(least, [0.2, 0.1, 0.0, 0.0, 0.0, 0.3])


@pytest.mark.parametrize(("turnover", "split"), [(1.9, True), (2.0, False)])
def test_a_turnover_that_nothing_can_pass_is_no_limit(turnover: float, split: bool) -> None:
    """Long-only weights that sum to 1 differ by 2 at most from others that do."""
    kept = limits(turnover=turnover, current=ONE / 3)
    assert (StandardForm.of(kept).current is not None) == split
    require_feasible(kept, NAMES)
    short = limits(turnover=turnover, current=ONE / 3, lower=np.full(3, -0.5))
    assert StandardForm.of(short).current is not None
