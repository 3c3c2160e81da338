"""Money put into an index: bounds, unknown prices, and identities."""

import numpy as np
import pytest
from tests.factories import days, sessions

from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.metrics.cash_flows import NoRate
from waardhaven.domain.trading.investing import (
    BOUNDS,
    InvalidPlan,
    InvestmentPlan,
    UnpricedPurchase,
    invest,
    payment_rows,
)

AXIS = sessions(300, "2021-01-04")
PRICE = np.linspace(100.0, 160.0, 300)


def test_one_payment_without_fees_follows_the_price():
    found = invest(AXIS, PRICE, InvestmentPlan(amount=1000.0))
    np.testing.assert_allclose(found.value, 1000.0 * PRICE / 100.0, rtol=1e-14)
    assert (found.invested == 1000.0).all()
    assert found.time_weighted == pytest.approx(0.6, rel=1e-12)
    years = float((AXIS[-1] - AXIS[0]).astype(int)) / 365
    assert found.money_weighted.rate == pytest.approx(1.6 ** (1 / years) - 1, rel=1e-12)


def test_an_entry_fee_is_lost_at_once():
    found = invest(AXIS[:1], PRICE[:1], InvestmentPlan(amount=1000.0, entry_fee=0.05))
    assert found.value.tolist() == [950.0]
    assert found.time_weighted == pytest.approx(-0.05)
    assert found.money_weighted.reason is NoRate.ONE_DAY


def test_time_weighted_return_is_that_on_the_payment_when_there_is_only_one():
    plan = InvestmentPlan(amount=1000.0, management_fee=0.02, entry_fee=0.01)
    found = invest(AXIS, PRICE, plan)
    assert found.time_weighted == pytest.approx(found.value[-1] / 1000.0 - 1, rel=1e-12)


def test_a_flat_price_loses_exactly_the_fees():
    plan = InvestmentPlan(
        amount=1000.0, contribution=100.0, frequency=Frequency.MONTHLY, management_fee=0.1, entry_fee=0.01
    )
    found = invest(AXIS, np.full(300, 7.0), plan)
    lost = found.invested[-1] - found.value[-1]
    assert lost == pytest.approx(found.entry_fees + found.management_fees, rel=1e-12)
    assert found.management_fees > 0


@pytest.mark.parametrize(
    ("frequency", "paid"),
    [
        (Frequency.MONTHLY, ["2021-01-04", "2021-02-01", "2021-03-01"]),
        (Frequency.QUARTERLY, ["2021-01-04"]),
        (Frequency.YEARLY, ["2021-01-04"]),
        (None, ["2021-01-04"]),
    ],
)
def test_contributions_are_paid_at_the_first_session_of_later_periods(
    frequency: Frequency | None, paid: list[str]
):
    plan = InvestmentPlan(amount=1.0, contribution=1.0, frequency=frequency)
    assert AXIS[:45][payment_rows(AXIS[:45], plan)].tolist() == days(*paid).tolist()


def test_a_contribution_of_nothing_is_never_paid():
    plan = InvestmentPlan(amount=1.0, frequency=Frequency.WEEKLY)
    assert payment_rows(AXIS, plan).tolist() == [0]


def test_a_day_without_a_price_is_unknown_and_its_fee_is_taken_later():
    plan = InvestmentPlan(amount=1000.0, management_fee=0.1)
    holes = np.full(300, 50.0)
    whole = invest(AXIS, holes, plan)
    holes[10:20] = np.nan
    found = invest(AXIS, holes, plan)
    assert np.isnan(found.value[10:20]).all()
    assert np.isnan(found.value).sum() == 10
    assert found.value[-1] == whole.value[-1]
    assert found.management_fees == pytest.approx(whole.management_fees, rel=1e-12)


def test_an_unknown_last_value_leaves_every_return_unknown():
    price = PRICE.copy()
    price[-1] = np.nan
    found = invest(AXIS, price, InvestmentPlan(amount=1000.0))
    assert np.isnan(found.time_weighted)
    assert (found.money_weighted.rate, found.money_weighted.reason) == (None, NoRate.UNKNOWN_FLOW)


def test_a_first_payment_without_a_price_is_refused_with_the_nearest_day():
    price = PRICE.copy()
    price[:3] = np.nan
    with pytest.raises(UnpricedPurchase) as error:
        invest(AXIS, price, InvestmentPlan(amount=1.0))
    (broken,) = error.value.errors
    assert (broken.field, broken.rule[-10:]) == ("start_date", "2021-01-07")


def test_a_contribution_without_a_price_is_refused():
    price = PRICE.copy()
    price[20:] = np.nan
    plan = InvestmentPlan(amount=1.0, contribution=1.0, frequency=Frequency.MONTHLY)
    with pytest.raises(UnpricedPurchase) as error:
        invest(AXIS, price, plan)
    (broken,) = error.value.errors
    assert broken.field == "contribution_frequency"
    assert "nearest" not in broken.rule


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("value", [-1.0, 1e308, float("nan"), float("inf")])
def test_a_number_outside_of_its_bounds_is_named_with_the_nearest(name: str, value: float):
    low, high = BOUNDS[name]
    with pytest.raises(InvalidPlan) as error:
        InvestmentPlan(**{"amount": 1.0, name: value})
    (broken,) = error.value.errors
    assert broken.field == name
    assert broken.rule.endswith(f"the nearest is {high if value > high else low:.15g}")


def test_every_broken_number_is_named_at_once():
    with pytest.raises(InvalidPlan) as error:
        InvestmentPlan(amount=0.0, entry_fee=2.0)
    assert [one.field for one in error.value.errors] == ["amount", "entry_fee"]
