import numpy as np
import pytest
from tests.unit.domain.quant.programmes import programme

from waardhaven.domain.quant.proximal_point import approached
from waardhaven.domain.quant.quadratic_programme import Point, Programme, Solution


def from_nothing(asked: Programme) -> Solution | None:
    start = Point(
        x=np.full(len(asked.linear), np.nan),
        equality=np.zeros(len(asked.totals)),
        inequality=np.zeros(len(asked.ceilings)),
    )
    return approached(asked, start)


def worth(asked: Programme, x: np.ndarray) -> float:
    return float(x @ asked.hessian @ x / 2.0 + asked.linear @ x)


@pytest.mark.parametrize("seed", range(30))
def test_a_singular_programme_is_solved_from_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = int(rng.integers(2, 20))
    factor = rng.normal(size=(names, int(rng.integers(1, names + 1)))) * 10.0 ** rng.uniform(
        -3, 0, (names, 1)
    )
    asked = programme(hessian=factor @ factor.T, linear=rng.normal(size=names) * rng.choice([0.0, 0.01]))
    found = from_nothing(asked)
    assert found is not None
    assert found.residual <= 1e-9
    assert found.violation <= 1e-12
    slope = asked.hessian @ found.x + asked.linear
    assert (
        slope @ found.x - slope.min()
        <= 1e-9 * np.abs(asked.hessian).max() + 1e-9 * np.abs(asked.linear).max()
    )


def test_a_linear_programme_is_solved() -> None:
    found = from_nothing(programme(hessian=np.zeros((3, 3)), linear=np.array([1.0, -2.0, -2.0])))
    assert found is not None
    assert worth(programme(hessian=np.zeros((3, 3)), linear=np.array([1.0, -2.0, -2.0])), found.x) == -2.0


def test_nothing_to_minimise_leaves_any_legal_point() -> None:
    found = from_nothing(programme(hessian=np.zeros((2, 2))))
    assert found is not None
    assert found.x.sum() == pytest.approx(1.0, abs=1e-12)
    assert found.equality.tolist() == [0.0]


def test_a_minimum_at_nothing_held_is_reached() -> None:
    """The residual is relative to the curvature times |x|, which goes to 0 with x."""
    asked = programme(
        hessian=np.diag([2.0, 1e-9]), totals=np.zeros(1), lower=np.full(2, -1.0), upper=np.full(2, 1.0)
    )
    found = from_nothing(asked)
    assert found is not None
    assert found.x.tolist() == [0.0, 0.0]


def test_equalities_that_repeat_each_other_share_their_force() -> None:
    asked = programme(hessian=np.diag([1.0, 3.0]), equalities=np.ones((2, 2)), totals=np.ones(2))
    found = from_nothing(asked)
    assert found is not None
    np.testing.assert_allclose(found.x, [0.75, 0.25], atol=1e-12)
    assert found.equality.sum() == pytest.approx(-0.75, rel=1e-9)


def test_limits_that_contradict_each_other_have_no_solution() -> None:
    assert from_nothing(programme(hessian=np.eye(2), totals=np.array([2.5]))) is None


def test_an_objective_without_a_minimum_has_no_solution() -> None:
    asked = programme(
        hessian=np.zeros((2, 2)),
        linear=np.array([-1.0, 0.0]),
        equalities=np.zeros((0, 2)),
        totals=np.zeros(0),
        upper=np.full(2, np.inf),
    )
    assert from_nothing(asked) is None
