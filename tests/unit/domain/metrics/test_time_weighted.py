"""Time-weighted returns by hand, and every reason there is none."""

import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.metrics.cash_flows import CashFlows
from waardhaven.domain.metrics.time_weighted import (
    NO_RETURN,
    NoReturn,
    UnusableValues,
    Values,
    time_weighted_returns,
)

Dated = list[tuple[str, float]]


def columns(sets: list[Dated]):
    flat = [one for some in sets for one in some]
    offset = np.concatenate([[0], np.cumsum([len(one) for one in sets])]).astype(np.int64)
    return np.array([value for _, value in flat], dtype=float), days(*(day for day, _ in flat)), offset


def returned(*sets: tuple[Dated, Dated]):
    value, day, offset = columns([values for values, _ in sets])
    amount, paid, ends = columns([flows for _, flows in sets])
    return time_weighted_returns(
        Values(value=value, day=day, offset=offset), CashFlows(amount=amount, day=paid, offset=ends)
    )


def why(values: Dated, flows: Dated) -> NoReturn | None:
    found = returned((values, flows))
    assert np.isnan(found.total[0]) == (found.reason[0] >= 0)
    return None if found.reason[0] < 0 else NO_RETURN[found.reason[0]]


def test_without_payments_it_is_the_growth_of_the_value():
    found = returned(([("2021-01-04", 100.0), ("2021-01-05", 90.0), ("2021-01-06", 108.0)], []))
    assert found.total[0] == pytest.approx(0.08, rel=1e-14)
    np.testing.assert_allclose(found.growth, [1.0, 0.9, 1.2])
    assert np.isnan(found.annual[0])


def test_what_is_paid_in_earns_from_the_start_of_its_day():
    """100 and 50 more grow to 165: 10 %; 165 less nothing to 181.5: 10 %."""
    values = [("2021-01-04", 100.0), ("2021-01-05", 165.0), ("2021-01-06", 181.5)]
    assert returned((values, [("2021-01-05", -50.0)])).total[0] == pytest.approx(0.21, rel=1e-14)


def test_what_is_paid_out_earns_to_the_end_of_its_day():
    """100 grows to 110, of which 60 are paid out: 10 %; 50 grow to 55: 10 %."""
    values = [("2021-01-04", 100.0), ("2021-01-05", 50.0), ("2021-01-06", 55.0)]
    assert returned((values, [("2021-01-05", 60.0)])).total[0] == pytest.approx(0.21, rel=1e-14)


def test_payments_in_and_out_on_one_day_do_not_cancel():
    """100 and 100 more grow 5 % to 210, of which 100 are paid out."""
    values = [("2021-01-04", 100.0), ("2021-01-05", 110.0)]
    found = returned((values, [("2021-01-05", -100.0), ("2021-01-05", 100.0)]))
    assert found.total[0] == pytest.approx(0.05, rel=1e-14)


def test_a_portfolio_that_is_emptied_keeps_its_return_and_goes_on_when_it_is_filled_again():
    """Up 10 % and paid out; nothing for a day; 200 paid in and up 10 %."""
    values = [("2021-01-04", 100.0), ("2021-01-05", 0.0), ("2021-01-06", 0.0), ("2021-01-07", 220.0)]
    found = returned((values, [("2021-01-05", 110.0), ("2021-01-07", -200.0)]))
    assert found.total[0] == pytest.approx(0.21, rel=1e-14)
    assert found.growth[2] == 1.0


def test_nearly_everything_paid_out_is_no_loss():
    values = [("2021-01-04", 1000.0), ("2021-01-05", 0.01), ("2021-01-06", 0.01)]
    assert returned((values, [("2021-01-05", 999.99)])).total[0] == pytest.approx(0.0, abs=1e-15)


def test_a_total_loss_is_minus_one():
    assert returned(([("2021-01-04", 100.0), ("2021-01-05", 0.0)], [])).total[0] == -1.0


def test_payments_of_the_first_day_and_after_the_last_do_not_count():
    values = [("2021-01-04", 100.0), ("2021-01-05", 110.0)]
    flows = [("2021-01-01", -7.0), ("2021-01-04", -100.0), ("2021-01-06", 110.0)]
    assert returned((values, flows)).total[0] == pytest.approx(0.1, rel=1e-14)


def test_more_than_a_year_is_told_a_year():
    """21 % over 730 days is 10 % a year."""
    found = returned(([("2021-01-04", 100.0), ("2023-01-04", 121.0)], []))
    assert found.annual[0] == pytest.approx(0.1, rel=1e-12)


@pytest.mark.parametrize(
    ("values", "flows", "reason"),
    [
        ([], [], NoReturn.TOO_FEW),
        ([("2021-01-04", 1.0)], [], NoReturn.TOO_FEW),
        ([("2021-01-04", 1.0), ("2021-01-05", np.nan)], [], NoReturn.UNKNOWN),
        ([("2021-01-04", np.nan), ("2021-01-05", 1.0)], [], NoReturn.UNKNOWN),
        ([("2021-01-04", 1.0), ("2021-01-05", 1.0)], [("2021-01-05", np.nan)], NoReturn.UNKNOWN),
        ([("2021-01-04", 1.0), ("2021-01-06", 2.0)], [("2021-01-05", -1.0)], NoReturn.NOT_VALUED),
        ([("2021-01-04", 1.0), ("2021-01-05", -1.0)], [], NoReturn.BELOW_NOTHING),
        ([("2021-01-04", -1.0), ("2021-01-05", 1.0)], [], NoReturn.BELOW_NOTHING),
        ([("2021-01-04", 0.0), ("2021-01-05", 1.0)], [], NoReturn.FROM_NOTHING),
        ([("2021-01-04", 0.0), ("2021-01-05", 1.0)], [("2021-01-05", -1.0)], None),
    ],
)
def test_why_there_is_no_return_is_told(values: Dated, flows: Dated, reason: NoReturn | None):
    assert why(values, flows) is reason


def test_sets_do_not_know_each_other():
    good = ([("2021-01-04", 100.0), ("2021-01-05", 110.0)], [])
    bad = ([("2021-01-04", 100.0), ("2021-01-05", np.nan)], [("2021-01-05", -3.0)])
    later = ([("2019-01-04", 100.0), ("2021-01-05", 165.0)], [("2021-01-05", -50.0)])
    found = returned(bad, good, ([], []), later, bad)
    np.testing.assert_allclose(found.total[[1, 3]], [0.1, 0.1], rtol=1e-14)
    assert [int(one) for one in np.flatnonzero(found.reason >= 0)] == [0, 2, 4]


def test_no_sets_have_no_returns():
    assert len(returned().total) == 0


@pytest.mark.parametrize(
    ("value", "day", "offset", "field"),
    [
        ([1.0, 2.0], ("2021-01-04",), [0, 2], "days"),
        ([1.0, 2.0], ("2021-01-04", "NaT"), [0, 2], "days"),
        ([1.0, 2.0], ("2021-01-04", "2021-01-04"), [0, 2], "days"),
        ([1.0, 2.0], ("2021-01-05", "2021-01-04"), [0, 2], "days"),
        ([1.0, 2.0], ("2021-01-04", "2021-01-05"), [0, 1], "offsets"),
        ([1.0, 2.0], ("2021-01-04", "2021-01-05"), [0, 2, 1, 2], "offsets"),
        ([1.0, 2.0], ("2021-01-04", "2021-01-05"), [], "offsets"),
    ],
)
def test_values_that_do_not_fit_are_refused(value, day, offset, field):
    with pytest.raises(UnusableValues) as refused:
        Values(value=np.array(value), day=days(*day), offset=np.array(offset, dtype=np.int64))
    assert [one.field for one in refused.value.errors] == [field]


def test_values_and_payments_of_different_sets_are_refused():
    with pytest.raises(UnusableValues, match="do not belong"):
        time_weighted_returns(
            Values(value=np.empty(0), day=days(), offset=np.zeros(1, dtype=np.int64)),
            CashFlows(amount=np.empty(0), day=days(), offset=np.zeros(2, dtype=np.int64)),
        )
