"""Money-weighted returns by hand, and every reason there is none."""

import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.trading.money_weighted import NoRate, money_weighted_return


def rate(dates: tuple[str, ...], flows: tuple[float, ...]):
    return money_weighted_return(days(*dates), np.array(flows, dtype=float))


def test_ten_percent_over_365_days_is_ten_percent():
    found = rate(("2021-01-01", "2022-01-01"), (-100.0, 110.0))
    assert found.rate == pytest.approx(0.1, abs=1e-15)
    assert (found.reason, found.warning) == (None, None)


def test_money_that_came_back_whole_returned_nothing():
    assert rate(("2021-01-01", "2022-01-01"), (-100.0, 100.0)).rate == 0.0


def test_the_order_in_which_payments_are_told_changes_nothing():
    dates, flows = ("2020-01-01", "2020-07-01", "2021-03-01"), (-100.0, -50.0, 170.0)
    one = rate(dates, flows).rate
    other = rate(dates[::-1], flows[::-1]).rate
    assert one == pytest.approx(other, abs=1e-15)


def test_a_loss_of_nearly_everything_is_found():
    assert rate(("2021-01-01", "2022-01-01"), (-100.0, 0.01)).rate == pytest.approx(-0.9999, abs=1e-12)


def test_a_rate_above_a_thousand_percent_is_found():
    assert rate(("2021-01-01", "2022-01-01"), (-1.0, 50.0)).rate == pytest.approx(49.0, rel=1e-13)


def test_of_two_rates_the_one_nearest_zero_is_told_with_a_warning():
    """-100 + 230 v - 132 v^2 = 0 at v = 1/1.1 and v = 1/1.2: rates of 10 % and 20 %."""
    found = rate(("2021-01-01", "2022-01-01", "2023-01-01"), (-100.0, 230.0, -132.0))
    assert found.rate == pytest.approx(0.1, abs=1e-12)
    assert "2 rates" in found.warning


def test_three_changes_of_sign_with_one_rate_are_no_warning():
    """(1 + r)^3 = 1.331 exactly once: the flows between cancel at every rate near it but do not at others."""
    found = rate(("2021-01-01", "2022-01-01", "2023-01-01", "2024-01-01"), (-100.0, 1.0, -1.1, 133.1))
    assert found.rate == pytest.approx(0.1, abs=1e-12)
    assert found.warning is None


def test_payments_that_no_rate_balances_have_none():
    """100 - 100 v + 100 v^2 has no real root."""
    found = rate(("2021-01-01", "2022-01-01", "2023-01-01"), (100.0, -100.0, 100.0))
    assert (found.rate, found.reason) == (None, NoRate.NO_ROOT)


def test_a_rate_beyond_what_a_year_can_mean_is_none():
    found = rate(("2021-01-01", "2021-01-02"), (-100.0, 50.0))
    assert (found.rate, found.reason) == (None, NoRate.NO_ROOT)


@pytest.mark.parametrize(
    ("dates", "flows", "reason"),
    [
        (("2021-01-01", "2022-01-01"), (-100.0, -10.0), NoRate.ONE_SIGN),
        (("2021-01-01", "2022-01-01"), (100.0, 0.0), NoRate.ONE_SIGN),
        (("2021-01-01", "2021-01-01"), (-100.0, 90.0), NoRate.ONE_DAY),
        (("2021-01-01", "2022-01-01"), (-100.0, np.nan), NoRate.UNKNOWN_FLOW),
        (("2021-01-01", "2022-01-01"), (-100.0, np.inf), NoRate.UNKNOWN_FLOW),
    ],
)
def test_why_there_is_no_rate_is_told(dates: tuple[str, ...], flows: tuple[float, ...], reason: NoRate):
    assert (rate(dates, flows).rate, rate(dates, flows).reason) == (None, reason)


def test_a_rate_that_lies_on_a_point_of_the_scan_is_found_once():
    """Several changes of sign make a scan, and zero is its middle point: -100 + 50 - 50 + 100 = 0."""
    found = rate(("2021-01-01", "2022-01-01", "2023-01-01", "2024-01-01"), (-100.0, 50.0, -50.0, 100.0))
    assert found.rate == pytest.approx(0.0, abs=1e-12)
    assert found.warning is None
