from dataclasses import replace

import numpy as np
import pytest

from waardhaven.domain.quant import active_set
from waardhaven.domain.quant.active_set import ActiveSet, settled
from waardhaven.domain.quant.qp import Infeasible, NotSolved, minimise
from waardhaven.domain.quant.quadratic_programme import (
    Point,
    Points,
    Programme,
    residual,
    residuals,
    solution,
    violation,
    violations,
)


def positive(names: int, rank: int | None = None, seed: int = 0) -> np.ndarray:
    factor = np.random.default_rng(seed).normal(size=(names, rank or 3 * names))
    return factor @ factor.T / factor.shape[1]


def conditions_hold(hessian: np.ndarray, x: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> bool:
    """Whether x minimises x'Px / 2 over its bounds and a budget: one gradient where x is free."""
    slope = hessian @ x
    free = (x > lower) & (x < upper)
    level = slope[free].mean() if free.any() else slope[x == lower].min()
    room = 1e-9 * np.abs(slope).max()
    return bool(
        (np.abs(slope[free] - level) <= room).all()
        and (slope[x == lower] >= level - room).all()
        and (slope[x == upper] <= level + room).all()
    )


def test_without_constraints_the_minimum_solves_the_linear_system() -> None:
    hessian, linear = positive(5), np.arange(5.0)
    found = minimise(hessian, linear)
    np.testing.assert_allclose(hessian @ found.x, -linear, atol=1e-12)
    assert found.method == "active_set"


@pytest.mark.parametrize("names", [1, 2, 10, 63, 64, 200])
@pytest.mark.parametrize("cap", [1.0, 2.0])
def test_bounds_and_a_budget_are_solved_exactly(names: int, cap: float) -> None:
    hessian = positive(names, seed=names)
    lower, upper = np.zeros(names), np.full(names, min(cap / names * 1.5, 1.0))
    found = minimise(hessian, equalities=np.ones((1, names)), totals=np.ones(1), lower=lower, upper=upper)
    assert abs(found.x.sum() - 1.0) <= 1e-12
    assert ((found.x >= lower) & (found.x <= upper)).all()
    assert found.residual <= 1e-9
    assert found.violation <= 1e-12
    assert names == 1 or conditions_hold(hessian, found.x, lower, upper)


@pytest.mark.parametrize("seed", range(20))
def test_general_inequalities_keep_the_conditions_of_an_optimum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = int(rng.integers(2, 30))
    hessian, linear = positive(names, seed=seed), rng.normal(size=names)
    rows = rng.normal(size=(5, names))
    inside = rng.uniform(0.1, 0.9, names)
    found = minimise(
        hessian,
        linear,
        inequalities=rows,
        ceilings=rows @ inside + rng.uniform(0.0, 0.2, 5),
        lower=np.zeros(names),
        upper=np.ones(names),
    )
    assert found.residual <= 1e-9
    assert found.violation <= 1e-12
    slope = hessian @ found.x + linear
    for _ in range(200):  # no step towards a legal point goes down
        other = inside + 0.1 * rng.normal(size=names)
        legal = ((other >= 0) & (other <= 1)).all() and (rows @ other <= rows @ inside).all()
        assert not legal or slope @ (other - found.x) >= -1e-8


def test_a_singular_hessian_is_solved_by_the_interior_point() -> None:
    names = 12
    hessian = positive(names, rank=3)
    found = minimise(
        hessian,
        np.linspace(0.0, 0.01, names) @ hessian,
        equalities=np.ones((1, names)),
        totals=np.ones(1),
        lower=np.zeros(names),
        upper=np.full(names, 0.2),
    )
    assert found.method == "interior_point"
    assert found.residual <= 1e-9
    assert found.violation <= 1e-12


def test_dependent_constraints_are_solved() -> None:
    groups = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    found = minimise(
        np.diag([1.0, 2.0, 3.0, 4.0]),
        equalities=np.ones((1, 4)),
        totals=np.ones(1),
        inequalities=groups,
        ceilings=np.array([0.5, 0.5]),
        lower=np.zeros(4),
        upper=np.ones(4),
    )
    np.testing.assert_allclose(found.x, [1 / 3, 1 / 6, 2 / 7, 3 / 14], atol=1e-12)


def test_a_fixed_variable_stays_where_it_is() -> None:
    lower, upper = np.array([0.3, 0.0, 0.0]), np.array([0.3, 1.0, 1.0])
    found = minimise(np.eye(3), equalities=np.ones((1, 3)), totals=np.ones(1), lower=lower, upper=upper)
    np.testing.assert_allclose(found.x, [0.3, 0.35, 0.35], atol=1e-14)


def test_the_same_programme_gives_the_same_bits() -> None:
    hessian = positive(80, rank=20)
    budget = {
        "equalities": np.ones((1, 80)),
        "totals": np.ones(1),
        "lower": np.zeros(80),
        "upper": np.ones(80),
    }
    pair = [minimise(hessian.copy(), **budget).x.tobytes() for _ in range(2)]
    assert pair[0] == pair[1]


@pytest.mark.parametrize(
    "constraints",
    [
        {"lower": np.ones(2), "upper": np.zeros(2)},
        {"equalities": np.ones((1, 2)), "totals": np.array([3.0]), "lower": np.zeros(2), "upper": np.ones(2)},
        {"equalities": np.ones((1, 2)), "totals": np.array([-1.0]), "lower": np.zeros(2)},
        {"inequalities": np.array([[1.0, 1.0], [-1.0, -1.0]]), "ceilings": np.array([1.0, -2.0])},
    ],
)
def test_constraints_that_contradict_each_other_are_infeasible(constraints: dict[str, np.ndarray]) -> None:
    with pytest.raises(Infeasible):
        minimise(np.eye(2), **constraints)


def test_an_objective_without_a_minimum_is_not_solved() -> None:
    with pytest.raises(NotSolved):
        minimise(np.zeros((2, 2)), np.array([-1.0, 0.0]), lower=np.zeros(2))


def programme(**changes: np.ndarray) -> Programme:
    plain = {
        "hessian": np.eye(2),
        "linear": np.zeros(2),
        "equalities": np.ones((1, 2)),
        "totals": np.ones(1),
        "inequalities": np.zeros((0, 2)),
        "ceilings": np.zeros(0),
        "lower": np.zeros(2),
        "upper": np.ones(2),
    }
    return Programme(**(plain | changes))


def point(*x: float, equality: float = -0.5) -> Point:
    return Point(x=np.array(x), equality=np.array([equality]), inequality=np.zeros(0))


def test_residual_and_violation_tell_how_far_a_point_is_from_the_solution() -> None:
    assert residual(programme(), point(0.5, 0.5)) == 0.0
    assert residual(programme(), point(0.6, 0.4)) == pytest.approx(0.2)
    assert violation(programme(), point(0.6, 0.6)) == pytest.approx(0.2)
    assert violation(programme(), point(-0.25, 1.25)) == pytest.approx(0.2)


@pytest.mark.parametrize("rows", [0, 3])
def test_many_points_have_the_residuals_and_violations_of_each(rows: int) -> None:
    rng = np.random.default_rng(rows)
    asked = programme(
        hessian=positive(5),
        equalities=rng.normal(size=(2, 5)),
        totals=rng.normal(size=2),
        inequalities=rng.normal(size=(rows, 5)),
        ceilings=rng.normal(size=rows),
        lower=np.zeros(5),
        upper=np.ones(5),
    )
    linear = rng.normal(size=(40, 5))
    many = Points(
        x=np.clip(rng.normal(0.5, 1.0, (40, 5)), np.repeat([[-0.1], [0.0]], 20, axis=0), 1.0),
        equality=rng.normal(size=(40, 2)),
        inequality=rng.normal(size=(40, rows)),
    )
    each = [
        Point(x=x, equality=equality, inequality=inequality)
        for x, equality, inequality in zip(many.x, many.equality, many.inequality, strict=True)
    ]
    alone = [residual(replace(asked, linear=q), one) for q, one in zip(linear, each, strict=True)]
    np.testing.assert_allclose(residuals(asked, linear, many), alone, rtol=1e-12)
    np.testing.assert_allclose(violations(asked, many.x), [violation(asked, one) for one in each], rtol=1e-12)


@pytest.mark.parametrize("x", [(0.6, 0.4), (0.6, 0.6), (float("nan"), 0.5)])
def test_a_point_that_breaks_a_promise_is_no_solution(x: tuple[float, float]) -> None:
    assert solution(programme(), point(*x), "guess") is None


def test_no_active_set_settles_where_nothing_is_free_and_the_budget_is_not_met() -> None:
    start = ActiveSet(side=np.array([-1.0, -1.0]), tight=np.zeros(0, dtype=np.bool_))
    assert settled(programme(), start) is None


def test_one_constraint_is_exchanged_at_a_time_when_all_at_once_does_not_help() -> None:
    now = ActiveSet(side=np.array([0.0, 0.0, 1.0]), tight=np.array([False, False]))
    wanted = ActiveSet(side=np.array([-1.0, 0.0, 0.0]), tight=np.array([True, True]))
    first = now.exchanged(wanted, only_one=True)
    assert (first.side.tolist(), first.tight.tolist()) == ([0.0, 0.0, 1.0], [False, True])
    same = ActiveSet(side=wanted.side, tight=now.tight)
    assert now.exchanged(same, only_one=True).side.tolist() == [0.0, 0.0, 0.0]
    assert now.exchanged(wanted, only_one=False) is wanted
    assert now.distance(wanted) == 4


def test_a_programme_that_pivoting_does_not_settle_goes_to_the_interior_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hessian = positive(30)
    budget = {"equalities": np.ones((1, 30)), "totals": np.ones(1), "lower": np.zeros(30)}
    exact = minimise(hessian, upper=np.full(30, 0.06), **budget)
    monkeypatch.setattr(active_set, "ROUNDS", 1)
    found = minimise(hessian, upper=np.full(30, 0.06), **budget)
    assert (exact.method, found.method) == ("active_set", "interior_point")
    np.testing.assert_allclose(found.x, exact.x, atol=1e-9)
