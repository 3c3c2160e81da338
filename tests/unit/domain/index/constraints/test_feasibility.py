import numpy as np
import pytest

from waardhaven.domain.index.constraints.feasibility import InfeasibleConstraints, check
from waardhaven.domain.index.limits import Limits

ALL = np.ones(4, dtype=bool)


def limits(**changes: object) -> Limits:
    free = Limits.free(4)
    values = {"lower": free.lower, "upper": free.upper, "member": free.member, "cap": free.cap, "labels": ()}
    return Limits(**{**values, **changes})  # type: ignore[arg-type]


def refused(of: Limits, names: list[bool] | None = None, total: float = 1.0) -> list[tuple[str, str]]:
    with pytest.raises(InfeasibleConstraints) as caught:
        check(of, ALL if names is None else np.array(names), total)
    for error in caught.value.errors:
        assert error.rule in caught.value.message
    return [(error.field, error.rule) for error in caught.value.errors]


def halves(*groups: tuple[int, ...]) -> dict[str, object]:
    member = np.array([[i in names for i in range(4)] for names in groups])
    labels = tuple(f"sector {chr(65 + i)}" for i in range(len(groups)))
    return {"member": member, "labels": labels}


def test_limits_that_can_be_met_to_the_last_are_accepted() -> None:
    check(Limits.free(4), ALL)
    check(limits(upper=np.full(4, 0.25)), ALL)
    check(limits(lower=np.full(4, 0.25)), ALL)
    check(limits(cap=np.array([0.5, 0.5]), **halves((0, 1), (2, 3))), ALL)
    check(limits(cap=np.array([0.5, 0.5]), **halves((0, 1), (0, 2))), ALL)


def test_caps_below_one_in_n_name_the_nearest_legal_value() -> None:
    assert refused(limits(upper=np.full(4, 0.2))) == [
        (
            "constraints.max_weight",
            "4 names at most 0.2 each hold 0.8 of the index; the nearest legal value is 0.25",
        )
    ]


def test_one_name_with_a_cap_can_not_be_the_index() -> None:
    assert refused(limits(upper=np.full(4, 0.2)), [True, False, False, False]) == [
        (
            "constraints.max_weight",
            "1 name at most 0.2 each hold 0.2 of the index; the nearest legal value is 1",
        )
    ]


def test_no_names_at_all_hold_nothing() -> None:
    rule = "0 names at most their own bounds hold 0 of the index"
    assert refused(Limits.free(4), [False] * 4) == [("constraints.max_weight", rule)]


def test_the_nearest_cap_counts_names_with_bounds_of_their_own() -> None:
    (found,) = refused(limits(upper=np.array([0.4, 0.1, 0.1, 0.1])))
    assert found == (
        "constraints.max_weight",
        "4 names at most their own bounds hold 0.7 of the index; the nearest legal value is 0.2",
    )


def test_floors_above_one_in_n_name_the_nearest_legal_value() -> None:
    assert refused(limits(lower=np.full(4, 0.3))) == [
        (
            "constraints.min_weight",
            "4 names at least 0.3 each need 1.2 of the index; the nearest legal value is 0.25",
        )
    ]


def test_floors_are_judged_against_what_is_invested() -> None:
    (found,) = refused(limits(lower=np.full(4, 0.2)), total=0.4)
    assert found[1].endswith("of the index, of which 0.4 is invested; the nearest legal value is 0.1")


def test_a_group_whose_names_need_more_than_its_cap_is_named() -> None:
    of = limits(lower=np.full(4, 0.2), cap=np.array([0.3]), **halves((0, 1)))
    assert refused(of) == [
        (
            "constraints.group_caps",
            "the names of sector A need at least 0.4, and the cap is 0.3; the nearest legal value is 0.4",
        )
    ]


def test_groups_that_can_not_fill_the_index_are_named_with_the_smallest_cap_that_does() -> None:
    assert refused(limits(cap=np.array([0.3, 0.4]), **halves((0, 1), (2, 3)))) == [
        (
            "constraints.group_caps",
            "with the caps on sector A, sector B the names hold 0.7 of the index; the nearest legal "
            "value is 0.5",
        )
    ]


def test_groups_without_labels_are_named_by_their_place() -> None:
    (found,) = refused(limits(cap=np.array([0.3]), member=np.ones((1, 4), dtype=bool)))
    assert "group 1" in found[1]


def test_groups_of_several_kinds_name_by_how_much_their_caps_must_rise() -> None:
    of = limits(cap=np.array([0.5, 0.5, 0.5]), **halves((0, 1), (0, 2), (1, 2)))
    check(of, ALL)
    assert refused(of, [True, True, True, False]) == [
        (
            "constraints.group_caps",
            "the groups can not hold 1 of the index together; the smallest relaxation raises every cap by "
            "0.166666667",
        )
    ]
