"""Prices as the engine uses them: converted, carried over days without a bar, net of actions."""

import numpy as np
from tests.factories import days, some_inputs

from waardhaven.domain.index.events import EventColumns, EventKind, EventRows
from waardhaven.domain.index.pricing import NEVER, CarriedPrices
from waardhaven.domain.types import Floats

nan = np.nan
AXIS = days("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05")
NONE = EventColumns.none()


def carried(
    close: list[list[float]], *, fx: Floats | None = None, events: EventColumns = NONE
) -> CarriedPrices:
    inputs = some_inputs(np.array(close), axis=AXIS[: len(close)], fx=fx)
    panel = inputs.panel
    return CarriedPrices.of(panel, inputs.fx, EventRows.placed(events, panel.days, panel.assets))


def event(kind: EventKind, *, row: int, ratio: float = nan, cash: float = nan) -> EventColumns:
    """Return an action on the first asset."""
    return EventColumns(
        asset=np.array([1]),
        ex_date=AXIS[[row]],
        kind=np.array([kind], dtype=np.int8),
        ratio=np.array([ratio]),
        cash=np.array([cash]),
        other=np.array([-1]),
    )


def test_a_last_close_is_carried_with_its_age_at_the_rate_of_each_day() -> None:
    fx = np.array([[2.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
    found = carried([[10.0, nan], [nan, nan], [nan, 5.0]], fx=fx)
    assert found.price.tolist() == [[20.0, 0.0], [20.0, 0.0], [30.0, 5.0]]
    assert found.age is not None
    assert found.age.tolist() == [[0, NEVER], [1, NEVER], [2, 0]]


def test_a_price_is_fresh_up_to_the_limit_of_its_age() -> None:
    found = carried([[10.0], [nan], [nan]])
    assert found.known(slice(0, 3), 1)[:, 0].tolist() == [True, True, False]
    np.testing.assert_array_equal(found.fresh(slice(0, 3), 1)[:, 0], [10.0, 10.0, nan])


def test_bars_without_gaps_have_no_age_and_are_all_known() -> None:
    found = carried([[10.0], [11.0]])
    assert found.age is None
    assert found.known(slice(0, 2), 0).all()
    assert found.fresh(slice(0, 2), 0).tolist() == [[10.0], [11.0]]


def test_a_price_carried_over_a_split_is_that_of_a_new_share() -> None:
    found = carried([[10.0], [nan], [6.0]], events=event(EventKind.SPLIT, row=1, ratio=2.0))
    assert found.price[:, 0].tolist() == [10.0, 5.0, 6.0]
    np.testing.assert_allclose(found.moves(slice(0, 3), 2)[:, 0], [0.0, 0.2], atol=1e-15)


def test_a_delisted_name_is_worth_its_terminal_price_and_never_fresh() -> None:
    found = carried([[10.0], [nan], [nan]], events=event(EventKind.DELISTING, row=1, cash=3.0))
    assert found.price[:, 0].tolist() == [10.0, 3.0, 3.0]
    assert found.known(slice(0, 3), 100)[:, 0].tolist() == [True, False, False]


def test_a_move_reinvests_what_was_paid_on_its_day() -> None:
    """10 to 9 and 2 in cash: 10 %."""
    found = carried([[10.0], [9.0]], events=event(EventKind.CASH_DIVIDEND, row=1, cash=2.0))
    np.testing.assert_allclose(found.moves(slice(0, 2), 0), [[0.1]], rtol=1e-14)


def test_an_amount_is_converted_at_the_last_rate_known_on_its_day() -> None:
    fx = np.array([[2.0], [nan], [4.0]])
    paid = event(EventKind.CASH_DIVIDEND, row=1, cash=1.5)
    assert carried([[10.0], [10.0], [10.0]], fx=fx, events=paid).cash.tolist() == [3.0]


def test_an_amount_in_a_currency_without_a_rate_so_far_is_unknown() -> None:
    fx = np.array([[nan], [nan], [4.0]])
    paid = event(EventKind.CASH_DIVIDEND, row=1, cash=1.5)
    assert np.isnan(carried([[10.0], [10.0], [10.0]], fx=fx, events=paid).cash).all()


def test_an_earlier_price_is_restated_for_shares_as_they_are_later() -> None:
    found = carried([[10.0], [10.0], [5.5]], events=event(EventKind.SPLIT, row=2, ratio=2.0))
    assert [found.on_basis_of(0, later).tolist() for later in (0, 1, 2)] == [[10.0], [10.0], [5.0]]
    assert found.on_basis_of(2, 2).tolist() == [5.5]


def test_a_distribution_leaves_an_earlier_price_as_it_is() -> None:
    paid = event(EventKind.CASH_DIVIDEND, row=1, cash=2.0)
    assert carried([[10.0], [8.0]], events=paid).on_basis_of(0, 1).tolist() == [10.0]


def test_a_price_carried_over_an_action_without_terms_stays() -> None:
    """Neither a delisting without a terminal value nor a split without a ratio says what a share is worth."""
    for kind in (EventKind.DELISTING, EventKind.SPLIT):
        found = carried([[10.0], [nan], [nan]], events=event(kind, row=1))
        assert found.price[:, 0].tolist() == [10.0, 10.0, 10.0]
