"""What target units refuse, and how a minimum trade and holdings bind them."""

from decimal import Decimal

import numpy as np
import pytest

from waardhaven.domain.trading import lots as rounding
from waardhaven.domain.trading.lots import EXACT_NAMES, Choice, round_lots
from waardhaven.domain.trading.money import InvalidAmount, minor_digits, money, settled
from waardhaven.domain.trading.targets import (
    FRACTION,
    InvalidTargets,
    UnaffordableHoldings,
    target_units,
)

ONE = Decimal(1)
HALVES = np.array([0.5, 0.5])


def units(weights, prices, amount, **more):
    values = [Decimal(str(one)) for one in prices]
    asked = {"lots": [ONE] * len(values)} | more
    return target_units(np.array(weights), values, Decimal(str(amount)), **asked)


def test_weights_below_one_leave_the_rest_in_cash():
    found = units([0.25, 0.25], [10, 10], 1000)
    assert [int(one) for one in found.units] == [25, 25]
    assert (found.cash_left, found.shortfall, found.gap) == (Decimal("500.00"), 0.0, 0.0)
    assert found.weight.tolist() == [0.25, 0.25]


def test_units_are_multiples_of_each_names_lot():
    found = units([0.5, 0.5], [1, 1], 1000, lots=[Decimal(100), Decimal(7)])
    assert [int(one) for one in found.units] == [500, 497]
    assert found.cash_left == Decimal("3.00")


def test_a_name_whose_target_is_below_the_minimum_trade_is_not_bought():
    found = units([0.95, 0.05], [10, 10], 1000, minimum_trade=Decimal(100))
    assert [int(one) for one in found.units] == [95, 0]
    assert (found.cash_left, found.gap) == (Decimal("50.00"), 0.0)


def test_a_purchase_is_rounded_up_where_rounded_down_it_would_be_below_the_minimum():
    """495 wanted in lots of 110: four are 440 and below the minimum of 450, five are 550."""
    found = units([0.495, 0.4], [110, 10], 1000, minimum_trade=Decimal(450))
    assert [int(one) for one in found.units] == [5, 0]


def test_what_is_held_within_the_minimum_of_its_target_is_left_alone():
    held = [Decimal(52), Decimal(10)]
    found = units([0.5, 0.5], [10, 10], 1000, held=held, minimum_trade=Decimal(100))
    assert [int(one) for one in found.units] == [52, 48]
    assert found.cash_left == Decimal("0.00")


def test_a_sale_is_not_rounded_to_less_than_the_minimum():
    """60 held at 10, 500 wanted: a sale of 100 at least leaves 50 at most."""
    found = units([0.5, 0.5], [10, 499], 1000, held=[Decimal(60), Decimal(0)], minimum_trade=Decimal(100))
    assert [int(one) for one in found.units] == [50, 1]


def test_a_sale_may_be_rounded_up_when_enough_is_sold_anyway():
    """90 held at 10, 507 wanted: 50 or 51, of which 51 costs what cash there is."""
    found = units([0.507, 0.4], [10, 10], 1000, held=[Decimal(90), Decimal(0)], minimum_trade=Decimal(100))
    assert [int(one) for one in found.units] == [51, 40]


def test_holdings_that_may_not_be_sold_and_cost_more_than_the_amount_are_an_error():
    held = [Decimal(100), Decimal(100)]
    with pytest.raises(UnaffordableHoldings) as error:
        units([0.5, 0.5], [10, 10], 1900, held=held, minimum_trade=Decimal(600))
    assert [one.field for one in error.value.errors] == ["minimum_trade"]


def test_lots_are_given_up_for_holdings_that_stay():
    """35 of A stay (350 of 300 wanted, within 60): 650 remain for 700 of B in lots of 30: 21."""
    found = units([0.3, 0.7], [10, 30], 1000, held=[Decimal(35), Decimal(0)], minimum_trade=Decimal(60))
    assert [int(one) for one in found.units] == [35, 21]
    assert found.cash_left == Decimal("20.00")


def test_holdings_that_stay_by_a_hair_are_an_error_when_coins_make_them_too_dear():
    """Three thirds of a cent each settle to 0.34 and so to 1.02 of 1.01, and nothing of it may be sold."""
    with pytest.raises(UnaffordableHoldings):
        units([0.3, 0.3, 0.3], [0.336, 0.336, 0.336], 1.01, held=[ONE, ONE, ONE], minimum_trade=Decimal(5))


def test_settled_values_never_exceed_the_amount_though_each_is_rounded():
    """0.335 settles to 0.34 twice: 0.68 of 0.67; one is given up."""
    found = units([0.5, 0.5], [0.336, 0.336], 0.67, lots=[ONE, ONE])
    assert sum(found.value) <= Decimal("0.67")
    found = units([0.5, 0.5], [0.336, 0.336], "0.672", digits=3)
    assert found.cash_left == 0


def test_more_names_than_are_searched_are_filled_up_within_a_stated_gap():
    count = EXACT_NAMES + 50
    prices = [Decimal(20 + (37 * i) % 460) for i in range(count)]
    weights = np.full(count, 1.0 / count)
    found = target_units(weights, prices, Decimal(100_000), lots=[ONE] * count)
    assert 0.0 < found.gap < 480 / 100_000
    assert found.cash_left >= 0


def test_a_search_that_finds_nothing_leaves_what_was_filled_up(monkeypatch: pytest.MonkeyPatch):
    choices = [
        Choice(lot=Decimal(10), target=Decimal(600), base=60, up=0, down=60),
        Choice(lot=Decimal(403), target=Decimal(400), base=0, up=1, down=0),
    ]
    monkeypatch.setattr(rounding, "SECONDS", 0.0)
    given_up = round_lots(choices, Decimal(1000))
    assert given_up is not None
    assert given_up.shortfall - given_up.bound > 0
    monkeypatch.undo()
    searched = round_lots(choices, Decimal(1000))
    assert searched is not None
    assert searched.lots == (59, 1)


def test_a_trillion_is_followed_to_the_lot():
    found = units([0.3, 0.7], [123.45, 987.65], 10**12)
    assert found.cash_left >= 0
    assert found.cash_left + sum(found.value) == 10**12
    assert found.shortfall < 1e-9


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weights": [0.5]}, "weights"),
        ({"weights": [0.5, np.nan]}, "weights"),
        ({"weights": [0.8, 0.3]}, "weights"),
        ({"weights": [-0.1, 0.3]}, "weights"),
        ({"amount": 0}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "10.005"}, "amount"),
        ({"prices": [0, 1]}, "prices"),
        ({"prices": ["NaN", 1]}, "prices"),
        ({"lots": [Decimal(0), ONE]}, "lots"),
        ({"held": [Decimal("0.5"), ONE]}, "held"),
        ({"held": [Decimal(-1), ONE]}, "held"),
    ],
)
def test_what_no_target_units_follow_from_is_refused(changes: dict[str, object], field: str):
    asked = {"weights": [0.5, 0.5], "prices": [1, 1], "amount": 100} | changes
    with pytest.raises(InvalidTargets) as error:
        units(**asked)
    assert [one.field for one in error.value.errors] == [field]


def test_no_names_have_no_target_units():
    with pytest.raises(InvalidTargets):
        target_units(np.empty(0), [], Decimal(1), lots=[])


def test_fractions_follow_the_weights_to_a_cent():
    found = units([0.2, 0.8], [333.33, 0.07], 12345.67, lots=[FRACTION, FRACTION])
    assert found.shortfall * 12345.67 < 0.02
    assert found.cash_left < Decimal("0.02")


# --- money


def test_yen_have_no_decimals_and_euros_two():
    assert (minor_digits("JPY"), minor_digits("EUR")) == (0, 2)
    assert settled(Decimal("0.125"), 2) == Decimal("0.12")
    assert (money(12.345, 2), money(12.5, 0)) == (Decimal("12.34"), Decimal(12))


@pytest.mark.parametrize(
    ("amount", "nearest"),
    [(0.0, "0.01"), (-5.0, "0.01"), (1e308, "1000000000000"), (float("inf"), "1000000000000")],
)
def test_an_amount_that_can_not_be_invested_is_refused_with_the_nearest(amount: float, nearest: str):
    with pytest.raises(InvalidAmount) as error:
        money(amount, 2)
    (broken,) = error.value.errors
    assert broken.field == "amount"
    assert broken.rule.endswith(f"the nearest is {nearest}")


def test_an_amount_that_is_no_number_is_refused():
    with pytest.raises(InvalidAmount):
        money(float("nan"), 2)
