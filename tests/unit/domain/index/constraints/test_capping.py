import numpy as np
import pytest

from waardhaven.domain.index.constraints import overlapping
from waardhaven.domain.index.constraints.capping import BARELY_WANTED, capped, keeps
from waardhaven.domain.index.constraints.disjoint import families
from waardhaven.domain.index.constraints.feasibility import InfeasibleConstraints
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.types import Floats


def limits(
    columns: int,
    *,
    lower: float = 0.0,
    upper: float = 1.0,
    groups: dict[tuple[int, ...], float] | None = None,
) -> Limits:
    members = [[i in names for i in range(columns)] for names in (groups or {})]
    return Limits(
        lower=np.full(columns, lower),
        upper=np.full(columns, upper),
        member=np.array(members, dtype=bool).reshape(len(members), columns),
        cap=np.array(list((groups or {}).values()), dtype=float),
    )


def cap(target: list[float], of: Limits, usable: list[bool] | None = None) -> Floats:
    weights = np.array(target)
    return capped(weights, np.array(usable or [True] * len(target)), of)


def test_a_target_that_keeps_the_limits_comes_back_as_it_is() -> None:
    target = np.array([0.4, 0.35, 0.25])
    assert capped(target, np.ones(3, dtype=bool), limits(3, upper=0.4, groups={(0, 1): 0.75})) is target


def test_a_target_of_zeros_comes_back_whatever_the_floors() -> None:
    target = np.zeros(3)
    assert capped(target, np.ones(3, dtype=bool), limits(3, lower=0.2)) is target


def test_an_excess_that_lifts_another_name_over_the_cap_is_handed_on_again() -> None:
    np.testing.assert_allclose(
        cap([0.5, 0.28, 0.12, 0.1], limits(4, upper=0.3)),
        [0.3, 0.3, 0.4 * 12 / 22, 0.4 * 10 / 22],
        rtol=1e-15,
    )


def test_a_group_above_its_cap_is_scaled_down_and_the_rest_scaled_up() -> None:
    found = cap([0.4, 0.2, 0.3, 0.1], limits(4, groups={(0, 1): 0.3}))
    np.testing.assert_allclose(found, [0.2, 0.1, 0.525, 0.175], rtol=1e-15)


def test_groups_that_fill_the_index_are_all_at_their_caps() -> None:
    found = cap([0.4, 0.2, 0.3, 0.1], limits(4, groups={(0, 1): 0.3, (2, 3): 0.7}))
    np.testing.assert_allclose(found, [0.2, 0.1, 0.525, 0.175], rtol=1e-15)


def test_a_cap_of_a_name_inside_of_a_capped_group_holds_too() -> None:
    found = cap([0.5, 0.2, 0.1, 0.1, 0.1], limits(5, upper=0.25, groups={(0, 1, 2): 0.5}))
    np.testing.assert_allclose(found, [0.25, 0.25 * 2 / 3, 0.25 / 3, 0.25, 0.25], rtol=1e-15)


def test_groups_that_share_names_hold_at_once_and_the_ratios_are_those_of_scaling() -> None:
    """Two by two table scaled to margins of one half: the odds ratio of the target stays."""
    rows_and_columns = {(0, 1): 0.5, (2, 3): 0.5, (0, 2): 0.5, (1, 3): 0.5}
    a, b, c, d = cap([0.5, 0.2, 0.2, 0.1], limits(4, groups=rows_and_columns))
    np.testing.assert_allclose([a + b, c + d, a + c, b + d], 0.5, atol=1e-13)
    assert a * d / (b * c) == pytest.approx(0.5 * 0.1 / (0.2 * 0.2), rel=1e-9)


def test_a_name_that_has_to_vanish_vanishes() -> None:
    """A + B and A + C at most one half each and nothing else: all of it is B and C."""
    found = cap([0.6, 0.2, 0.2], limits(3, groups={(0, 1): 0.5, (0, 2): 0.5}))
    np.testing.assert_allclose(found, [0.0, 0.5, 0.5], atol=1e-12)


def test_what_scaling_leaves_is_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlapping, "ROUNDS", 1)
    monkeypatch.setattr(overlapping, "NEWTON_STEPS", 0)
    of = limits(3, groups={(0, 1): 0.5, (0, 2): 0.5})
    np.testing.assert_allclose(cap([0.6, 0.2, 0.2], of), [0.0, 0.5, 0.5], atol=1e-12)


def test_a_name_of_no_weight_is_held_only_where_the_others_can_not_fill_the_index() -> None:
    assert cap([0.9, 0.1, 0.0], limits(3, upper=0.5)).tolist() == [0.5, 0.5, 0.0]
    found = cap([0.9, 0.1, 0.0, 0.0], limits(4, upper=0.4))
    np.testing.assert_allclose(found, [0.4, 0.4, 0.1, 0.1], rtol=1e-15)


def test_a_name_taken_in_counts_as_a_small_part_of_the_least_name_wanted() -> None:
    found = cap([0.9, 0.1, 0.0], limits(3, upper=0.6, groups={(0, 1): 0.9}))
    np.testing.assert_allclose(found, [0.6, 0.3, 0.1], rtol=1e-12)
    assert 0.0 < BARELY_WANTED < 1e-3


def test_overlapping_groups_that_the_names_wanted_can_not_keep_take_in_others() -> None:
    of = limits(4, groups={(0, 1): 0.5, (0, 2): 0.5, (1, 2): 0.5})
    found = cap([0.4, 0.3, 0.3, 0.0], of)
    assert keeps(found, np.ones(4, dtype=bool), of)
    assert found[3] == pytest.approx(0.25, abs=1e-12)


def test_a_floor_does_not_lift_a_name_that_is_not_held() -> None:
    found = cap([0.7, 0.3, 0.0], limits(3, lower=0.35))
    np.testing.assert_allclose(found, [0.65, 0.35, 0.0], rtol=1e-15)


def test_names_that_are_not_usable_leave() -> None:
    assert cap([0.5, 0.25, 0.25], limits(3), usable=[False, True, True]).tolist() == [0.0, 0.5, 0.5]


def test_names_without_any_weight_share_what_has_to_be_held_alike() -> None:
    assert cap([1.0, 0.0, 0.0], limits(3), usable=[False, True, True]).tolist() == [0.0, 0.5, 0.5]


def test_cash_stays_cash_and_caps_are_fractions_of_the_whole_index() -> None:
    found = cap([0.4, 0.1, 0.1], limits(3, upper=0.3))
    np.testing.assert_allclose(found, [0.3, 0.15, 0.15], rtol=1e-15)


def test_a_cap_of_zero_holds_nothing() -> None:
    found = cap([0.5, 0.3, 0.2], limits(3, groups={(0,): 0.0}))
    np.testing.assert_allclose(found, [0.0, 0.6, 0.4], rtol=1e-15)
    nothing = Limits(
        lower=np.zeros(3), upper=np.array([0.0, 1.0, 1.0]), member=np.ones((1, 3), dtype=bool), cap=np.ones(1)
    )
    np.testing.assert_allclose(cap([0.5, 0.3, 0.2], nothing), [0.0, 0.6, 0.4], rtol=1e-15)


def test_weights_far_too_small_for_quotients_are_no_harm() -> None:
    found = cap([1.0, 1e-300, 0.0], limits(3, upper=0.5))
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0], rtol=1e-15)


def test_limits_that_nothing_keeps_are_refused() -> None:
    with pytest.raises(InfeasibleConstraints, match=r"nearest legal value is 0\.333333333333"):
        cap([0.5, 0.3, 0.2], limits(3, upper=0.3))


def test_overlapping_groups_that_miss_by_less_than_can_be_told_are_refused_too() -> None:
    of = limits(3, groups={(0, 1): 0.5, (0, 2): 0.5 - 1e-11, (1, 2): 1.0})
    with pytest.raises(InfeasibleConstraints, match="only to within rounding"):
        cap([0.6, 0.2, 0.2], of)


def test_groups_are_split_into_families_that_share_no_name() -> None:
    of = limits(4, groups={(0, 1): 0.5, (2, 3): 0.5, (0, 2): 0.5, (1, 3): 0.5})
    assert [family.tolist() for family in families(of)] == [[0, 1], [2, 3]]
