import numpy as np

from waardhaven.domain.index.constraints.traits import Traits, group_sums, limits_of
from waardhaven.domain.index.definition import Constraints, GroupCap, Grouping, WeightBounds
from waardhaven.domain.index.limits import Limits

ASSETS = np.array([1, 2, 5, 9])
TRAITS = Traits(
    sector=("Energy", "Tech", None, "Energy"),
    country=("US", "DE", "US", None),
    currency=("USD", "EUR", "USD", "EUR"),
)


def test_no_constraints_are_no_limits() -> None:
    limits = limits_of(Constraints(), ASSETS, TRAITS)
    assert limits.is_free
    assert limits.member.shape == (0, 4)


def test_bounds_of_a_name_stand_instead_of_those_of_every_name() -> None:
    mine = WeightBounds(asset=5, minimum=0.1, maximum=0.9)
    stranger = WeightBounds(asset=77, minimum=0.5)
    limits = limits_of(Constraints(min_weight=0.01, max_weight=0.4, bounds=(mine, stranger)), ASSETS, TRAITS)
    assert limits.lower.tolist() == [0.01, 0.01, 0.1, 0.01]
    assert limits.upper.tolist() == [0.4, 0.4, 0.9, 0.4]
    assert not limits.is_free


def test_a_cap_on_every_group_has_a_row_for_each_and_one_for_names_of_no_known_group() -> None:
    limits = limits_of(Constraints(group_caps=(GroupCap(by=Grouping.SECTOR, maximum=0.3),)), ASSETS, TRAITS)
    assert limits.labels == ("sector Energy", "sector Tech", "sector unknown")
    assert limits.member.tolist() == [
        [True, False, False, True],
        [False, True, False, False],
        [False, False, True, False],
    ]
    assert limits.cap.tolist() == [0.3, 0.3, 0.3]


def test_of_two_caps_on_a_group_the_smaller_counts_and_caps_on_strange_groups_do_not() -> None:
    caps = (
        GroupCap(by=Grouping.COUNTRY, maximum=0.5),
        GroupCap(by=Grouping.COUNTRY, maximum=0.2, group="US"),
        GroupCap(by=Grouping.CURRENCY, maximum=0.1, group="JPY"),
    )
    limits = limits_of(Constraints(group_caps=caps), ASSETS, TRAITS)
    assert dict(zip(limits.labels, limits.cap.tolist(), strict=True)) == {
        "country DE": 0.5,
        "country US": 0.2,
        "country unknown": 0.5,
    }


def test_names_of_which_nothing_is_known_form_one_group() -> None:
    cap = GroupCap(by=Grouping.CURRENCY, maximum=0.5)
    limits = limits_of(Constraints(group_caps=(cap,)), ASSETS, Traits.nameless(4))
    assert limits.member.tolist() == [[True] * 4]


def test_the_joint_weight_of_a_group_is_that_of_its_names() -> None:
    cap = GroupCap(by=Grouping.SECTOR, maximum=0.3)
    limits = limits_of(Constraints(group_caps=(cap,)), ASSETS, TRAITS)
    assert group_sums(limits, np.array([0.1, 0.2, 0.3, 0.4])).tolist() == [0.5, 0.2, 0.3]
    assert group_sums(Limits.free(4), np.ones(4)).tolist() == []


def test_limits_among_some_names_keep_the_groups_that_have_one_of_them() -> None:
    cap = GroupCap(by=Grouping.SECTOR, maximum=0.3)
    some = limits_of(Constraints(group_caps=(cap,)), ASSETS, TRAITS).among(np.array([0, 2]))
    assert some.labels == ("sector Energy", "sector unknown")
    assert some.member.tolist() == [[True, False], [False, True]]
    assert Limits.free(4).among(np.array([1])).labels == ()


def test_limits_of_some_groups_keep_the_bounds_of_every_name() -> None:
    cap = GroupCap(by=Grouping.SECTOR, maximum=0.3)
    limits = limits_of(Constraints(max_weight=0.5, group_caps=(cap,)), ASSETS, TRAITS)
    only = limits.of_groups(np.array([2]))
    assert only.labels == ("sector unknown",)
    assert only.upper.tolist() == [0.5] * 4
    assert (
        Limits(lower=limits.lower, upper=limits.upper, member=limits.member, cap=limits.cap)
        .of_groups(np.array([0]))
        .labels
        == ()
    )
