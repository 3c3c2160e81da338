from collections.abc import Callable

import numpy as np
import pytest

from waardhaven.domain.index.constraints.apply import Constrained, constrain
from waardhaven.domain.index.constraints.feasibility import InfeasibleConstraints
from waardhaven.domain.index.constraints.traits import Traits, limits_of
from waardhaven.domain.index.definition import Constraints, GroupCap, Grouping, WeightBounds
from waardhaven.domain.types import Flags, Floats

SECTORS = ("A", "A", "B", "B", None)
TRAITS = Traits(sector=SECTORS, country=("US",) * 5, currency=("USD",) * 5)
NOTHING = np.zeros(5)
TARGET = np.array([0.4, 0.3, 0.15, 0.1, 0.05])


def scaled(among: Flags) -> Floats:
    weights = np.where(among, TARGET, 0.0)
    return weights / weights.sum()


def run(
    constraints: Constraints,
    *,
    target: Floats = TARGET,
    held: Floats = NOTHING,
    eligible: Flags | None = None,
    reweigh: Callable[[Flags], Floats] = scaled,
) -> Constrained:
    return constrain(
        target=target,
        eligible=np.ones(5, dtype=bool) if eligible is None else eligible,
        held=held,
        limits=limits_of(constraints, np.arange(1, 6), TRAITS),
        constraints=constraints,
        reweigh=reweigh,
    )


def test_without_constraints_nothing_is_done() -> None:
    found = run(Constraints())
    assert found.weights is TARGET
    assert found.effects == ()


def test_nothing_to_weigh_stays_nothing() -> None:
    found = run(Constraints(min_weight=0.1), target=NOTHING)
    assert found.weights is NOTHING
    assert found.effects == ()


def test_every_constraint_tells_its_effect_in_order() -> None:
    constraints = Constraints(
        max_weight=0.45,
        min_position=0.12,
        max_names=4,
        max_turnover=0.1,
        group_caps=(GroupCap(by=Grouping.SECTOR, maximum=0.6),),
    )
    held = np.array([0.3, 0.3, 0.2, 0.2, 0.0])
    found = run(constraints, held=held)
    assert [one.step for one in found.effects] == ["selection", "min_position", "limits", "turnover"]
    assert [one.text for one in found.effects] == [
        "4 names of 5 selected, at most 4",
        "1 name below 0.12 left",
        "0 names at the cap, 0 names at the floor, groups at their caps: sector A",
        "turnover of 0.485714 wanted, 0.4 traded, limit 0.1: exceeded, for names had to leave or weights to "
        "come within their limits",
    ]
    for one, following in zip(found.effects, found.effects[1:], strict=False):
        assert one.after is following.before
    np.testing.assert_allclose(found.effects[2].after, [0.6 * 4 / 7, 0.6 * 3 / 7, 0.4, 0, 0], rtol=1e-15)
    np.testing.assert_allclose(found.weights, [0.3, 0.3, 0.4, 0.0, 0.0], rtol=1e-14)


def test_the_names_selected_are_weighed_again_by_the_strategy() -> None:
    found = run(Constraints(max_names=2), reweigh=lambda among: np.where(among, 0.5, 0.0))
    assert found.weights.tolist() == [0.5, 0.5, 0.0, 0.0, 0.0]


def test_a_strategy_that_can_not_weigh_the_names_selected_leaves_their_proportions() -> None:
    found = run(Constraints(max_names=2), reweigh=lambda _: NOTHING)
    np.testing.assert_allclose(found.weights, [4 / 7, 3 / 7, 0, 0, 0], rtol=1e-15)


def test_enough_places_for_all_weigh_nothing_again() -> None:
    def never(_: Flags) -> Floats:
        raise AssertionError

    assert run(Constraints(max_names=5), reweigh=never).weights is TARGET


def test_limits_without_groups_tell_of_names_alone() -> None:
    found = run(Constraints(max_weight=0.3, min_weight=0.1))
    assert found.effects[0].text == "2 names at the cap, 1 name at the floor"
    np.testing.assert_allclose(found.weights, [0.3, 0.3, 0.18, 0.12, 0.1], rtol=1e-14)


def test_a_name_that_a_cap_on_its_group_makes_too_small_leaves_too() -> None:
    cap = GroupCap(by=Grouping.SECTOR, maximum=0.5, group="A")
    target = np.array([0.7, 0.15, 0.15, 0.0, 0.0])
    found = run(Constraints(min_position=0.1, group_caps=(cap,)), target=target)
    np.testing.assert_allclose(found.weights, [0.5, 0.0, 0.5, 0.0, 0.0], rtol=1e-14)


def test_positions_that_leave_until_the_caps_can_not_hold_name_a_smaller_minimum() -> None:
    cap = GroupCap(by=Grouping.SECTOR, maximum=0.6)
    constraints = Constraints(min_position=0.3, max_weight=0.35, group_caps=(cap,))
    with pytest.raises(InfeasibleConstraints, match=r"the nearest legal value is 0\.2") as caught:
        run(constraints, target=np.array([0.5, 0.5, 0.0, 0.0, 0.0]))
    assert caught.value.errors[0].field == "constraints.min_position"


def test_the_names_left_share_alike_where_none_of_the_target_is_left() -> None:
    """One name alone has weight and may hold 0.05: it is too small, and the others share the rest."""
    bounds = (WeightBounds(asset=1, maximum=0.05),)
    found = run(Constraints(min_position=0.1, bounds=bounds), target=np.array([1.0, 0, 0, 0, 0]))
    np.testing.assert_allclose(found.weights, [0.0, 0.25, 0.25, 0.25, 0.25], rtol=1e-14)


def test_the_first_review_has_no_limit_on_turnover() -> None:
    found = run(Constraints(max_turnover=0.01))
    assert found.weights is TARGET
    assert found.effects == ()


def test_turnover_is_limited_and_a_name_on_its_way_out_keeps_a_part() -> None:
    held = np.array([0.0, 0.0, 0.0, 0.0, 1.0])
    found = run(Constraints(max_turnover=0.38), held=held)
    np.testing.assert_allclose(found.weights, 0.8 * held + 0.2 * TARGET, rtol=1e-14)
    assert found.effects[0].text == "turnover of 1.9 wanted, 0.38 traded, limit 0.38"


def test_a_small_enough_turnover_reaches_the_goal() -> None:
    found = run(Constraints(max_turnover=2.0), held=np.full(5, 0.2))
    assert found.weights is TARGET
    assert found.effects[0].text == "turnover of 0.6 wanted, 0.6 traded, limit 2"


def test_a_name_that_is_not_eligible_leaves_whatever_the_limit() -> None:
    eligible = np.array([True, True, True, True, False])
    held = np.array([0.3, 0.0, 0.0, 0.0, 0.7])
    found = run(Constraints(max_turnover=0.5), held=held, eligible=eligible, target=scaled(eligible))
    np.testing.assert_allclose(found.weights, [1.0, 0.0, 0.0, 0.0, 0.0], rtol=1e-15)
    assert "1.4 traded, limit 0.5: exceeded" in found.effects[0].text


def test_where_everything_held_has_to_leave_the_goal_is_reached_at_once() -> None:
    eligible = np.array([True, True, True, True, False])
    held = np.array([0.0, 0.0, 0.0, 0.0, 1.0])
    target = scaled(eligible)
    found = run(Constraints(max_turnover=0.5), held=held, eligible=eligible, target=target)
    assert found.weights is target


def test_a_name_on_its_way_in_begins_at_its_floor_and_one_with_a_floor_leaves_at_once() -> None:
    held = np.array([0.5, 0.0, 0.0, 0.0, 0.5])
    target = np.array([0.5, 0.5, 0.0, 0.0, 0.0])
    found = run(Constraints(min_weight=0.1, max_turnover=0.2), held=held, target=target)
    np.testing.assert_allclose(found.weights, [0.9, 0.1, 0.0, 0.0, 0.0], rtol=1e-14)
    assert "1 traded, limit 0.2: exceeded" in found.effects[1].text


def test_weights_that_drifted_above_a_cap_come_back_to_it_before_anything_else() -> None:
    held = np.array([0.8, 0.2, 0.0, 0.0, 0.0])
    target = np.array([0.2, 0.2, 0.2, 0.2, 0.2])
    found = run(Constraints(max_weight=0.6, max_turnover=0.4), held=held, target=target)
    np.testing.assert_allclose(found.weights, [0.6, 0.4, 0.0, 0.0, 0.0], rtol=1e-14)


def test_cash_stays_cash_under_every_constraint() -> None:
    constraints = Constraints(max_weight=0.2, min_position=0.06, max_turnover=0.1)
    found = run(constraints, target=0.5 * TARGET, held=0.8 * TARGET)
    assert found.weights.sum() == pytest.approx(0.5, abs=1e-15)
