import numpy as np
import pytest
from tests.factories import days, some_inputs

from waardhaven.domain.index.events import EventColumns, EventKind
from waardhaven.domain.index.holdings import (
    daily_returns,
    drifted_weights,
    last_closes,
    net_of_actions,
    ytd_returns,
)
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


def test_returns_net_of_actions_undo_a_split_and_reinvest_a_distribution() -> None:
    """A splits two for one on 3 January, B pays 1 on the 2nd; C's last close is from before its split.

    A: 12 to 7 is 14 for an old share: + 1/6. B: 5 to 6 and 1 besides: (6 + 1) / 5 - 1 = 40 %.
    """
    panel = some_inputs(
        np.array([[12.0, 5.0, 8.0, nan], [12.0, 5.0, 8.0, nan], [12.0, 6.0, 8.0, nan], [7.0, 6.0, nan, nan]]),
        axis=AXIS[:4],
    ).panel
    actions = EventColumns(
        asset=np.array([2, 1, 3]),
        ex_date=AXIS[[2, 3, 3]],
        kind=np.array([EventKind.CASH_DIVIDEND, EventKind.SPLIT, EventKind.SPLIT], dtype=np.int8),
        ratio=np.array([nan, 2.0, 4.0]),
        cash=np.array([1.0, nan, nan]),
        other=np.full(3, -1),
    )
    last, net = net_of_actions(panel, actions)
    np.testing.assert_array_equal(last, [7.0, 6.0, 2.0, nan])
    np.testing.assert_allclose(daily_returns(net, AXIS[3])[:2], [14 / 12 - 1, 0.0], rtol=1e-14)
    np.testing.assert_allclose(daily_returns(net, AXIS[2])[:2], [0.0, 7 / 5 - 1], rtol=1e-14, atol=1e-15)


def test_closes_without_actions_are_net_already() -> None:
    last, net = net_of_actions(PANEL, EventColumns.none())
    np.testing.assert_array_equal(last, last_closes(PANEL, AXIS[-1]))
    np.testing.assert_array_equal(net.close, PANEL.close)
