"""Target units and simulated money computed by hand, with the steps."""

from decimal import Decimal

import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.trading.investing import InvestmentPlan, invest
from waardhaven.domain.trading.targets import FRACTION, target_units

ONE = Decimal(1)


def money(*values: int | str) -> list[Decimal]:
    return [Decimal(one) for one in values]


def test_no_money_is_left_idle_where_filling_up_by_deficit_leaves_two_thirds():
    """900 over 60 % at 900 and 40 % at 300.

    Rounding down and buying the largest deficit that can be paid holds (0, 1): 600 of 900 are idle, and as
    much is missing (540 + 60). (0, 2) misses 540 and leaves 300; (1, 0) misses 360 and leaves nothing.
    """
    found = target_units(np.array([0.6, 0.4]), money(900, 300), Decimal(900), lots=[ONE, ONE])
    assert [int(one) for one in found.units] == [1, 0]
    assert found.cash_left == Decimal("0.00")
    assert (found.shortfall, found.gap) == (pytest.approx(0.4), 0.0)


def test_three_names_are_rounded_up_together_where_rounding_down_leaves_two_thirds():
    """900 over 34 %, 33 % and 33 % at 300 each: rounded down (1, 0, 0) leaves 600; (1, 1, 1) leaves nothing.

    It misses 306 - 300 = 6, one part in 150.
    """
    found = target_units(np.array([0.34, 0.33, 0.33]), money(300, 300, 300), Decimal(900), lots=[ONE] * 3)
    assert [int(one) for one in found.units] == [1, 1, 1]
    assert found.cash_left == Decimal("0.00")
    assert (found.shortfall, found.gap) == (pytest.approx(6 / 900), 0.0)


def test_lots_given_up_elsewhere_pay_for_a_dear_one():
    """1000 over 10 at 60 % (60 lots) and 397 at 40 %: 400 wanted of B is one lot; 60 + 1 cost 997.

    With B at 403 the 60 lots leave 400, too little for it: giving up one lot of A (10) buys what misses 400.
    """
    found = target_units(np.array([0.6, 0.4]), money(10, 403), Decimal(1000), lots=[ONE, ONE])
    assert [int(one) for one in found.units] == [59, 1]
    assert found.cash_left == Decimal("7.00")
    assert (found.shortfall, found.gap) == (pytest.approx(0.01), 0.0)


def test_fractions_leave_less_than_a_cent():
    """1000 in halves at 3 and 7: 166.666667 x 3 = 500.000001 and 71.428571 x 7 = 499.999997."""
    found = target_units(np.array([0.5, 0.5]), money(3, 7), Decimal(1000), lots=[FRACTION, FRACTION])
    assert found.units == (Decimal("166.666667"), Decimal("71.428571"))
    assert found.value == (Decimal("500.00"), Decimal("500.00"))
    assert found.cash_left == Decimal("0.00")


def test_contributions_fees_and_dated_rates_are_what_they_are_by_hand():
    """Levels 100, 110, 121 at 0.8, 0.9 and 1.0: prices 80, 99, 121. Fees: 10 % a year, 1 % in.

    800 buys 792 / 80 = 9.9 units. After 365 days 0.9 of them are left, 8.91, worth 882.09; 200 buys 198 / 99
    = 2: 10.91 units, 1080.09. After 365 more 9.819 are left, worth 1188.099; 200 buys 198 / 121: 1386.099.
    Entry fees 8 + 2 + 2; the management took 0.99 x 99 + 1.091 x 121 = 98.01 + 132.011.
    Time-weighted: one unit grew 121 x 0.81 / 80; payments lost 8 of 800, 2 of 1082.09 and 2 of 1388.099.
    Money-weighted, with the last payment on the last day: 800 x^2 + 200 x = 1186.099.
    """
    axis = days("2021-01-04", "2022-01-04", "2023-01-04")
    price = np.array([100.0, 110.0, 121.0]) * np.array([0.8, 0.9, 1.0])
    plan = InvestmentPlan(
        amount=800.0, contribution=200.0, frequency=Frequency.YEARLY, management_fee=0.1, entry_fee=0.01
    )
    found = invest(axis, price, plan)
    np.testing.assert_allclose(found.value, [792.0, 1080.09, 1386.099], rtol=1e-14)
    np.testing.assert_allclose(found.units, [9.9, 10.91, 9.819 + 198 / 121], rtol=1e-14)
    assert found.invested.tolist() == [800.0, 1000.0, 1200.0]
    assert found.entry_fees == pytest.approx(12.0, rel=1e-14)
    assert found.management_fees == pytest.approx(230.021, rel=1e-13)
    grown = 121 * 0.81 / 80 * 0.99 * (1080.09 / 1082.09) * (1386.099 / 1388.099)
    assert found.time_weighted == pytest.approx(grown - 1.0, rel=1e-12)
    x = (-200 + (200**2 + 4 * 800 * 1186.099) ** 0.5) / 1600
    assert found.money_weighted.rate == pytest.approx(x - 1.0, rel=1e-12)
