"""Money-weighted returns by hand, and every reason there is none."""

from datetime import date

import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.metrics import cash_flows, root_search
from waardhaven.domain.metrics.cash_flows import (
    CashFlows,
    NoRate,
    UnusableFlows,
    money_weighted_return,
    money_weighted_returns,
)


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


def test_a_rate_that_two_roots_share_is_found():
    """-100 + 220 v - 121 v^2 = -(10 - 11 v)^2 touches zero at 10 %."""
    found = rate(("2021-01-01", "2022-01-01", "2023-01-01"), (-100.0, 220.0, -121.0))
    assert found.rate == pytest.approx(0.1, abs=1e-6)


def test_a_rate_of_zero_that_two_roots_share_is_found():
    found = rate(("2021-01-01", "2021-01-02", "2021-01-03"), (-0.01, 0.02, -0.01))
    assert found.rate == pytest.approx(0.0, abs=1e-3)
    assert found.warning is None


def test_of_a_loss_and_a_gain_that_both_balance_the_smaller_rate_is_told():
    """-100 + 205 v - 104.5 v^2: roots of v at 1/0.95 and 1/1.1."""
    found = rate(("2021-01-01", "2022-01-01", "2023-01-01"), (-100.0, 205.0, -104.5))
    assert found.rate == pytest.approx(-0.05, abs=1e-12)
    assert "2 rates" in found.warning


def test_payments_of_one_day_count_as_one():
    """What cancels on its day does not change direction, nor does it hide a rate."""
    dates = ("2021-01-01", "2021-06-01", "2021-06-01", "2022-01-01")
    found = rate(dates, (-100.0, -5000.0, 5000.0, 110.0))
    assert found.rate == pytest.approx(0.1, abs=1e-12)
    assert found.warning is None


def test_payments_of_huge_and_tiny_amounts_have_their_rate():
    for scale in (1e-300, 1e300):
        found = rate(("2021-01-01", "2022-01-01"), (-1.0 * scale, 1.1 * scale))
        assert found.rate == pytest.approx(0.1, rel=1e-13)


def test_a_century_of_payments_has_its_rate():
    found = rate(("1900-01-01", "1950-01-01", "2024-01-01"), (-1.0, -1.0, 1e6))
    years = np.array([45290.0, 27028.0]) / 365.0
    assert ((1.0 + found.rate) ** years).sum() == pytest.approx(1e6, rel=1e-11)


def test_where_the_search_stops_early_it_is_told_that_there_may_be_other_rates(monkeypatch):
    """Four payments with three rates: 5, 20 and 60 %, the roots of (1.05 - w) (1.2 - w) (1.6 - w)."""
    dates = ("2021-01-01", "2022-01-01", "2023-01-01", "2024-01-01")
    flows = tuple(-1000.0 * one for one in np.poly([1.05, 1.2, 1.6]))
    assert "3 rates" in rate(dates, flows).warning
    monkeypatch.setattr(root_search, "MOST", 0)
    found = rate(dates, flows)
    assert found.rate == pytest.approx(0.05, abs=1e-9)
    assert "may be others" in found.warning


def test_halving_ends_where_rounding_keeps_newton_from_settling(monkeypatch):
    """After two turns the rate is near already; a hundred are far more than bits to halve."""
    monkeypatch.setattr(root_search, "TURNS", 2)
    found = rate(("2021-01-01", "2022-01-01", "2023-01-01"), (-100.0, 230.0, -132.0))
    assert found.rate == pytest.approx(0.1, abs=1e-2)


def test_a_thousand_turns_are_searched_in_the_time_of_a_test():
    turns = 1000
    day = np.datetime64("1980-01-01") + np.arange(turns) * 17
    flow = np.where(np.arange(turns) % 2 == 0, -1.0, 1.0)
    assert money_weighted_return(day, flow).rate == pytest.approx(0.0, abs=1e-12)


MIXED = [
    (["2021-01-01", "2022-01-01"], [-100.0, 110.0]),
    ([], []),
    (["2021-01-01", "2022-01-01"], [-100.0, np.nan]),
    (["2021-01-01", "2021-01-01"], [-100.0, 100.0]),
    (["2021-01-01", "2022-01-01"], [-100.0, 120.0]),
    (["2021-01-01", "2021-01-01", "2022-01-01", "2022-01-01"], [-100.0, 100.0, 50.0, -50.0]),
    (["2021-01-01", "2021-01-01", "2022-01-01"], [-100.0, 150.0, 10.0]),
]
REASONS_OF_MIXED = [
    None,
    NoRate.ONE_SIGN,
    NoRate.UNKNOWN_FLOW,
    NoRate.ONE_DAY,
    None,
    NoRate.CANCELLED,
    NoRate.ONE_SIGN,
]


@pytest.mark.parametrize("sets_together", [1, 3, 1024])
def test_sets_that_have_no_rate_leave_the_others_theirs(sets_together: int, monkeypatch):
    monkeypatch.setattr(cash_flows, "SETS", sets_together)
    found = money_weighted_returns(
        CashFlows.of([([date.fromisoformat(day) for day in dates], flows) for dates, flows in MIXED])
    )
    assert [found.at(i).reason for i in range(len(MIXED))] == REASONS_OF_MIXED
    assert [found.at(i).rate for i in (0, 4)] == [pytest.approx(0.1), pytest.approx(0.2)]
    assert np.isnan(found.rate[[1, 2, 3, 5, 6]]).all()
    assert found.roots.tolist() == [1, 0, 0, 0, 1, 0, 0]


def test_a_set_larger_than_what_is_worked_on_together_is_worked_on_alone(monkeypatch):
    monkeypatch.setattr(cash_flows, "PAYMENTS", 2)
    day, flow = days("2021-01-01", "2021-07-01", "2022-01-01"), np.array([-100.0, 0.0, 110.0])
    found = money_weighted_returns(CashFlows.of([(day, flow), (day, 2 * flow), (day[::2], flow[::2])]))
    np.testing.assert_allclose(found.rate, 0.1, rtol=1e-12)


def test_sets_of_lists_and_of_arrays_are_the_same():
    lists = [(["2021-01-01", "2022-01-01"], [-100.0, 110.0]), (["2020-01-01"], [3.0])]
    one = CashFlows.of([([date.fromisoformat(day) for day in dates], flows) for dates, flows in lists])
    other = CashFlows.of([(days(*dates), np.array(flows)) for dates, flows in lists])
    for name in ("amount", "day", "offset"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert other.set_of.tolist() == [0, 0, 1]


def test_no_sets_have_no_rates():
    assert len(money_weighted_returns(CashFlows.of([])).rate) == 0


@pytest.mark.parametrize(
    ("amount", "day", "offset", "field"),
    [
        ([1.0, 2.0], ("2021-01-04",), [0, 2], "days"),
        ([1.0, 2.0], ("2021-01-04", "NaT"), [0, 2], "days"),
        ([1.0, 2.0], ("2021-01-04", "2021-01-05"), [0, 1], "offsets"),
        ([1.0, 2.0], ("2021-01-04", "2021-01-05"), [1, 2], "offsets"),
        ([1.0, 2.0], ("2021-01-04", "2021-01-05"), [0, 3, 2], "offsets"),
        ([1.0, 2.0], ("2021-01-04", "2021-01-05"), [], "offsets"),
    ],
)
def test_columns_that_do_not_fit_are_refused(amount, day, offset, field):
    with pytest.raises(UnusableFlows) as refused:
        CashFlows(amount=np.array(amount), day=days(*day), offset=np.array(offset, dtype=np.int64))
    assert [one.field for one in refused.value.errors] == [field]


def test_sets_with_more_dates_than_amounts_are_refused():
    with pytest.raises(UnusableFlows):
        CashFlows.of([([date(2021, 1, 1)], [1.0, 2.0])])
