import numpy as np

from waardhaven.domain.index.constraints.selection import select, without_small


def chosen(
    target: list[float], *, count: int, buffer: int = 0, held: tuple[int, ...] = (), out: tuple[int, ...] = ()
) -> list[int]:
    columns = np.arange(len(target))
    eligible = ~np.isin(columns, out)
    found = select(np.array(target), eligible, np.isin(columns, held), count=count, buffer=buffer)
    return np.flatnonzero(found).tolist()


def test_the_highest_weights_are_held() -> None:
    assert chosen([0.1, 0.4, 0.2, 0.3], count=2) == [1, 3]


def test_of_equal_weights_the_smaller_asset_id_is_held() -> None:
    assert chosen([0.2, 0.3, 0.3, 0.2], count=3) == [0, 1, 2]


def test_an_incumbent_within_the_buffer_stays() -> None:
    assert chosen([0.4, 0.3, 0.2, 0.1], count=2, buffer=1, held=(0, 2)) == [0, 2]
    assert chosen([0.4, 0.3, 0.2, 0.1], count=2, buffer=1, held=(2, 3)) == [0, 2]


def test_an_incumbent_outside_of_the_buffer_leaves() -> None:
    assert chosen([0.4, 0.3, 0.2, 0.1], count=2, buffer=1, held=(3,)) == [0, 1]


def test_of_too_many_incumbents_the_best_stay() -> None:
    assert chosen([0.4, 0.3, 0.2, 0.1], count=2, buffer=2, held=(1, 2, 3)) == [1, 2]


def test_an_incumbent_that_is_not_eligible_leaves() -> None:
    assert chosen([0.0, 0.3, 0.2, 0.1], count=2, buffer=5, held=(0,), out=(0,)) == [1, 2]


def test_places_left_go_to_eligible_names_of_no_weight_incumbents_first() -> None:
    assert chosen([0.6, 0.0, 0.4, 0.0, 0.0], count=3, held=(4,)) == [0, 2, 4]
    assert chosen([0.6, 0.0, 0.4, 0.0, 0.0], count=4, held=(4,), out=(1,)) == [0, 2, 3, 4]


def test_an_incumbent_of_no_weight_displaces_nobody() -> None:
    assert chosen([0.6, 0.4, 0.0], count=2, buffer=1, held=(2,)) == [0, 1]


def test_the_smallest_positions_leave_one_at_a_time() -> None:
    """0.04 leaves; 0.09 becomes 0.09375 and leaves; 0.12 becomes 0.12 / 0.87 = 0.138 and stays."""
    found = without_small(np.array([0.75, 0.09, 0.12, 0.04]), 0.1)
    np.testing.assert_allclose(found, [0.75 / 0.87, 0.0, 0.12 / 0.87, 0.0], rtol=1e-15)


def test_a_position_that_grows_enough_when_another_leaves_stays() -> None:
    """0.05 leaves and 0.095 becomes exactly 0.1."""
    found = without_small(np.array([0.855, 0.095, 0.05]), 0.0999)
    np.testing.assert_allclose(found, [0.9, 0.1, 0.0], rtol=1e-15)


def test_of_equal_positions_the_one_of_the_highest_id_leaves() -> None:
    np.testing.assert_allclose(without_small(np.array([0.5, 0.25, 0.25]), 0.3), [2 / 3, 1 / 3, 0], rtol=1e-15)


def test_the_last_position_stays_whatever_its_weight() -> None:
    np.testing.assert_allclose(without_small(np.array([0.1, 0.2]), 0.9), [0.0, 0.3], rtol=1e-15)
    assert without_small(np.zeros(2), 0.5).tolist() == [0.0, 0.0]


def test_positions_that_are_all_large_enough_come_back_as_they_are() -> None:
    weights = np.array([0.5, 0.0, 0.5])
    assert without_small(weights, 0.5) is weights
