import numpy as np
import pytest
from tests.factories import days, some_inputs

from waardhaven.domain.index.holdings import daily_returns, drifted_weights, last_closes, ytd_returns
from waardhaven.domain.market.calendar import NotASession

nan = np.nan
AXIS = days("2023-12-28", "2023-12-29", "2024-01-02", "2024-01-03", "2024-01-04")
PANEL = some_inputs(
    np.array(
        [
            [10.0, 5.0, nan, 1.0],
            [11.0, nan, nan, 1.0],
            [12.0, 6.0, nan, nan],
            [13.0, nan, 7.0, nan],
            [26.0, 9.0, 14.0, nan],
        ]
    ),
    axis=AXIS,
).panel


def test_weights_drift_with_prices_and_rates() -> None:
    found = drifted_weights(np.array([2.0, 1.0]), np.array([30.0, 10.0]), np.array([1.0, 2.0]))
    assert found.tolist() == [0.75, 0.25]


def test_one_unknown_price_makes_all_weights_unknown() -> None:
    assert np.isnan(drifted_weights(np.ones(2), np.array([1.0, nan]), np.ones(2))).all()


def test_last_closes_are_carried_and_unknown_before_the_first() -> None:
    np.testing.assert_array_equal(last_closes(PANEL, AXIS[1]), [11.0, 5.0, nan, 1.0])


def test_daily_returns_are_measured_from_the_last_bar_before() -> None:
    np.testing.assert_array_equal(daily_returns(PANEL, AXIS[4]), [1.0, 0.5, 1.0, nan])


def test_a_name_without_a_bar_on_the_day_has_no_daily_return() -> None:
    np.testing.assert_array_equal(np.isnan(daily_returns(PANEL, AXIS[3])), [False, True, True, True])


def test_the_first_session_has_no_returns() -> None:
    assert np.isnan(daily_returns(PANEL, AXIS[0])).all()
    assert np.isnan(ytd_returns(PANEL, AXIS[0])).all()


def test_the_year_begins_at_the_last_close_of_the_year_before() -> None:
    found = ytd_returns(PANEL, AXIS[3])
    np.testing.assert_allclose(found, [13 / 11 - 1, 6 / 5 - 1, nan, nan], rtol=1e-15)


def test_a_day_without_a_session_is_refused() -> None:
    with pytest.raises(NotASession):
        ytd_returns(PANEL, np.datetime64("2024-01-01"))
