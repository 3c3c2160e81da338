import numpy as np
import pytest
from tests.unit.domain.quant.programmes import programme

from waardhaven.domain.quant import dual_active_set
from waardhaven.domain.quant.active_set import on_face
from waardhaven.domain.quant.dual_active_set import final_set
from waardhaven.domain.quant.qp import minimise


@pytest.mark.parametrize("seed", range(30))
def test_the_minimum_on_the_final_set_is_that_of_the_programme(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names, rows = int(rng.integers(2, 25)), int(rng.integers(0, 6))
    factor = rng.normal(size=(names, 2 * names))
    inside = rng.uniform(0.1, 0.9, names)
    limits = rng.normal(size=(rows, names))
    asked = programme(
        hessian=factor @ factor.T / names,
        linear=rng.normal(size=names),
        equalities=np.ones((1, names)),
        totals=np.array([inside.sum()]),
        inequalities=limits,
        ceilings=limits @ inside + rng.uniform(0.0, 0.2, rows),
    )
    active = final_set(asked)
    assert active is not None
    point = on_face(asked, active, None)
    exact = minimise(
        asked.hessian,
        asked.linear,
        equalities=asked.equalities,
        totals=asked.totals,
        inequalities=asked.inequalities,
        ceilings=asked.ceilings,
        lower=asked.lower,
        upper=asked.upper,
    )
    assert point is not None
    np.testing.assert_allclose(point.x, exact.x, atol=1e-9)
    assert (point.inequality >= -1e-9).all()


def test_copies_of_limits_are_held_once() -> None:
    rows = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [2.0, 2.0, 0.0]])
    asked = programme(
        hessian=np.diag([1.0, 2.0, 30.0]),
        equalities=np.ones((2, 3)),
        totals=np.ones(2),
        inequalities=rows,
        ceilings=np.array([0.6, 0.6, 1.2]),
    )
    active = final_set(asked)
    assert active is not None
    assert active.tight.sum() == 1
    assert active.side.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "limits",
    [
        {"equalities": np.ones((2, 3)), "totals": np.array([1.0, 1.1])},
        {"totals": np.array([3.5])},
        {"inequalities": -np.ones((1, 3)), "ceilings": np.array([-1.2])},
    ],
)
def test_limits_that_contradict_each_other_have_no_active_set(limits: dict[str, np.ndarray]) -> None:
    assert final_set(programme(**({"hessian": np.eye(3)} | limits))) is None


def test_a_singular_hessian_has_no_active_set() -> None:
    assert final_set(programme(hessian=np.zeros((3, 3)))) is None


def test_a_search_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dual_active_set, "STEPS_FOR_EACH", 0)
    assert final_set(programme(hessian=np.eye(3))) is None
