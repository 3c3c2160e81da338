"""Contributions worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from waardhaven.domain.metrics.contribution import (
    Compositions,
    History,
    Points,
    UnusableHistory,
    contributions,
)

ONE_PERIOD = np.zeros(3, dtype=np.int64)
EACH_DAY = np.arange(3)


def compositions(*held: tuple[int, bool, float, dict[int, float]]) -> Compositions:
    return Compositions(
        since=np.array([since for since, *_ in held]),
        acted=np.array([acted for _, acted, *_ in held]),
        divisor=np.array([divisor for _, _, divisor, _ in held]),
        offset=np.cumsum([0, *(len(units) for *_, units in held)]),
        column=np.array([one for *_, units in held for one in units], dtype=np.intp),
        units=np.array([one for *_, units in held for one in units.values()]),
    )


def points(*values: tuple[int, int, float]) -> Points:
    row, column, value = zip(*values, strict=True)
    return Points(row=np.array(row), column=np.array(column), value=np.array(value))


HALVES = History(
    level=np.array([100.0, 110.0, 99.0]),
    price=np.array([[10.0, 20.0], [12.0, 20.0], [9.0, 21.6]]),
    held=compositions((1, False, 1.0, {0: 5.0, 1: 2.5})),
)
"""Half of 100 in each: 5 x 10 + 2.5 x 20; then 60 + 50 and 45 + 54."""


def test_names_add_points_over_the_level_at_the_start():
    """5 x (9 - 10) = -5 and 2.5 x 1.6 = 4 points, of 100."""
    found = contributions(HALVES, ONE_PERIOD)
    np.testing.assert_allclose(found.price, [[-0.05, 0.04]], atol=1e-15)
    np.testing.assert_allclose(found.total, [-0.01], atol=1e-15)
    np.testing.assert_allclose(found.explained, found.total, atol=1e-15)


def test_each_period_is_over_its_own_first_level():
    """10 and 0 points of 100; -15 and 4 of 110."""
    found = contributions(HALVES, EACH_DAY)
    np.testing.assert_allclose(found.price, [[0.1, 0.0], [-15 / 110, 4 / 110]], atol=1e-15)
    np.testing.assert_allclose(found.opening, [100.0, 110.0])
    np.testing.assert_allclose(found.linked().price, [[-0.05, 0.04]], atol=1e-15)


def test_groups_are_the_sums_of_their_names():
    found = contributions(HALVES, ONE_PERIOD)
    np.testing.assert_allclose(found.grouped(np.array([1, 1]), 3).by_name, [[0.0, -0.01, 0.0]], atol=1e-15)


def test_the_cost_of_a_review_is_a_line_of_its_own():
    """All into the second name after the close of row 1, which costs 1 %: 108.9, or 5.445 units."""
    history = replace(
        HALVES,
        level=np.array([100.0, 108.9, 108.9 * 1.08]),
        held=compositions((1, False, 1.0, {0: 5.0, 1: 2.5}), (2, False, 1.0, {1: 5.445})),
    )
    found = contributions(history, ONE_PERIOD)
    np.testing.assert_allclose(found.cost, [-0.011], atol=1e-15)
    np.testing.assert_allclose(found.price, [[0.1, 5.445 * 1.6 / 100]], atol=1e-15)
    np.testing.assert_allclose(found.correction, [0.0], atol=1e-15)


def test_a_split_moves_nothing():
    """Two for one before row 2: ten shares, whose close of row 1 becomes 6 and which close at 4.5."""
    history = replace(
        HALVES,
        price=np.array([[10.0, 20.0], [12.0, 20.0], [4.5, 21.6]]),
        held=compositions((1, False, 1.0, {0: 5.0, 1: 2.5}), (2, True, 1.0, {0: 10.0, 1: 2.5})),
        ex_price=points((2, 0, 6.0)),
    )
    found = contributions(history, ONE_PERIOD)
    np.testing.assert_allclose(found.price, [[-0.05, 0.04]], atol=1e-15)
    np.testing.assert_allclose(found.action, [[0.0, 0.0]], atol=1e-15)


def test_a_special_dividend_moves_worth_to_every_name_through_the_divisor():
    """2 a share of 12 before row 2: 10 of 110 leave, so the divisor falls to 10 / 11.

    The first name is then worth 5 x 10 x 1.1 = 55 points of 110, the second 2.5 x 20 x 1.1 = 55: -5 and +5.
    At 9 and 21.6 they are worth 49.5 and 59.4: -5.5 and +4.4.
    """
    history = replace(
        HALVES,
        level=np.array([100.0, 110.0, 108.9]),
        held=compositions((1, False, 1.0, {0: 5.0, 1: 2.5}), (2, True, 10 / 11, {0: 5.0, 1: 2.5})),
        ex_price=points((2, 0, 10.0)),
    )
    found = contributions(history, EACH_DAY)
    np.testing.assert_allclose(found.action[1], [-5 / 110, 5 / 110], atol=1e-15)
    np.testing.assert_allclose(found.price[1], [-5.5 / 110, 4.4 / 110], atol=1e-15)
    np.testing.assert_allclose(found.explained, found.total, atol=1e-15)
    np.testing.assert_allclose(found.correction, 0.0, atol=1e-15)


def test_a_name_that_comes_with_an_action_begins_with_nothing():
    """A share of a second name for each of the first, which closes 2 lower: no price of it before."""
    history = History(
        level=np.array([100.0, 100.0]),
        price=np.array([[10.0, np.nan], [8.0, 2.0]]),
        held=compositions((0, False, 1.0, {0: 10.0}), (1, True, 1.0, {0: 10.0, 1: 10.0})),
    )
    found = contributions(history, np.zeros(2, dtype=np.int64))
    np.testing.assert_allclose(found.by_name, [[-0.2, 0.2]], atol=1e-15)


def test_distributions_are_a_line_in_a_total_return_variant_alone():
    """1 a unit of the second name on row 1: 2.5 points. TR: 100 x 112.5 / 100, then x 99 / 110."""
    paid = replace(HALVES, distributed=points((1, 1, 1.0)))
    np.testing.assert_array_equal(contributions(paid, ONE_PERIOD).distribution, [[0.0, 0.0]])
    variant = np.array([100.0, 112.5, 112.5 * 0.9])
    found = contributions(replace(paid, variant=variant), ONE_PERIOD)
    np.testing.assert_allclose(found.distribution, [[0.0, 0.025]], atol=1e-15)
    late = 112.5 / 110
    np.testing.assert_allclose(found.price, [[0.1 - 0.15 * late, 0.04 * late]], atol=1e-15)
    np.testing.assert_allclose(found.explained, [0.0125], atol=1e-15)
    np.testing.assert_allclose(found.correction, [0.0], atol=1e-15)


def test_a_level_that_prices_do_not_make_is_a_correction():
    """Published as 111 where prices make 110, and right again after."""
    found = contributions(replace(HALVES, level=np.array([100.0, 111.0, 99.0])), EACH_DAY)
    np.testing.assert_allclose(found.correction, [0.01, -1 / 111], atol=1e-15)
    np.testing.assert_allclose(found.explained, found.total, atol=1e-15)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"level": np.array([100.0])}, "level"),
        ({"price": np.ones((2, 2))}, "price"),
        ({"variant": np.ones(2)}, "variant"),
        ({"held": compositions((2, False, 1.0, {0: 1.0}))}, "held"),
        ({"level": np.array([100.0, np.nan, 1.0])}, "level"),
        ({"variant": np.array([100.0, 0.0, 1.0])}, "level"),
        ({"price": np.array([[10.0, 20.0], [np.nan, 20.0], [9.0, 21.6]])}, "price"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], field: str):
    with pytest.raises(UnusableHistory) as refused:
        contributions(replace(HALVES, **changes), ONE_PERIOD)
    assert refused.value.errors[0].field == field
