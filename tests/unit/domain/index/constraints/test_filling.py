import numpy as np

from waardhaven.domain.index.constraints.filling import fill, summed

ONE = np.ones(3)


def test_weights_within_their_bounds_are_the_prior_scaled_to_the_total() -> None:
    found = fill(np.array([1.0, 2.0, 1.0]), 0 * ONE, ONE, 2.0)
    assert found.weights.tolist() == [0.5, 1.0, 0.5]
    assert found.factor == 0.5


def test_the_excess_over_a_cap_goes_to_the_others_in_proportion() -> None:
    found = fill(np.array([0.6, 0.3, 0.1]), 0 * ONE, 0.5 * ONE, 1.0)
    np.testing.assert_allclose(found.weights, [0.5, 0.375, 0.125], rtol=1e-15)


def test_what_a_floor_needs_is_taken_from_the_others_in_proportion() -> None:
    found = fill(np.array([0.6, 0.3, 0.1]), 0.2 * ONE, ONE, 1.0)
    np.testing.assert_allclose(found.weights, [0.8 * 2 / 3, 0.8 / 3, 0.2], rtol=1e-15)


def test_a_cap_and_a_floor_that_outweigh_each_other_leave_the_factor() -> None:
    found = fill(np.array([0.6, 0.3, 0.1]), 0.2 * ONE, 0.5 * ONE, 1.0)
    np.testing.assert_allclose(found.weights, [0.5, 0.3, 0.2], rtol=1e-15)


def test_names_all_at_their_caps_have_a_factor_that_puts_them_there() -> None:
    prior = np.array([0.6, 0.3, 0.1])
    found = fill(prior, 0 * ONE, np.array([0.25, 0.25, 0.5]), 1.0)
    assert found.weights.tolist() == [0.25, 0.25, 0.5]
    assert found.factor == 5.0


def test_names_all_at_their_floors_have_a_factor_that_puts_them_there() -> None:
    found = fill(np.array([0.6, 0.3, 0.1]), np.array([0.25, 0.25, 0.5]), ONE, 1.0)
    np.testing.assert_allclose(found.factor * np.array([0.6, 0.3, 0.1]), [0.25, 0.125, 0.25 / 6], rtol=1e-15)
    assert found.weights.tolist() == [0.25, 0.25, 0.5]


def test_caps_that_can_not_hold_the_total_are_all_reached() -> None:
    assert fill(np.array([0.6, 0.3, 0.1]), 0 * ONE, 0.3 * ONE, 1.0).weights.tolist() == [0.3, 0.3, 0.3]


def test_no_names_have_no_weights() -> None:
    nothing = np.empty(0)
    assert fill(nothing, nothing, nothing, 0.0).weights.tolist() == []
    assert summed(nothing) == 0.0
