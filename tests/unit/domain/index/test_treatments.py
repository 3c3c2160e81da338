"""Every treatment of a corporate action, worked out by hand on an index of three names.

Prices 50, 20, 10 and units 2, 5, 10: each name is worth 100, the index 300 at divisor 3, its level 100.
"""

import numpy as np
import pytest

from waardhaven.domain.index.events import Event, EventKind
from waardhaven.domain.index.family import Family
from waardhaven.domain.index.treatments import (
    TREATMENTS,
    Moment,
    Position,
    dispose,
    drifted,
    ex_price,
    is_stated,
    settle,
    treat,
    value,
)

PRICE = np.array([50.0, 20.0, 10.0, 0.0])
HELD = Position(units=np.array([2.0, 5.0, 10.0, 0.0]), divisor=3.0)
NAN = float("nan")
CAP, NON_CAP, PRICE_WEIGHTED = Family.CAP_WEIGHTED, Family.NON_CAP_WEIGHTED, Family.PRICE_WEIGHTED


def an_event(kind: EventKind, *, ratio: float = NAN, cash: float = NAN, other: int = -1) -> Event:
    return Event(row=1, column=0, kind=kind, ratio=ratio, cash=cash, other=other)


def treated(event: Event, family: Family, price: np.ndarray = PRICE) -> tuple[list[float], float]:
    after = treat(event, family, HELD, Moment(price=price, cash=event.cash))
    return after.units.tolist(), after.divisor


def after_the_action(event: Event) -> np.ndarray:
    """Return the prices that open the ex-date if nothing else happens."""
    price = PRICE.copy()
    price[0] = ex_price(event, 50.0, event.cash)
    return price


SPLIT = an_event(EventKind.SPLIT, ratio=2.0)
SPECIAL = an_event(EventKind.SPECIAL_DIVIDEND, cash=5.0)
RIGHTS = an_event(EventKind.RIGHTS, ratio=0.25, cash=30.0)
WORTHLESS_RIGHTS = an_event(EventKind.RIGHTS, ratio=0.25, cash=60.0)
PAID = an_event(EventKind.CASH_DIVIDEND, cash=1.0)
SPIN_OFF = an_event(EventKind.SPIN_OFF, ratio=0.5, other=3)
FOR_CASH = an_event(EventKind.MERGER, cash=50.0)
FOR_SHARES = an_event(EventKind.MERGER, ratio=2.5, other=1)
DELISTED = an_event(EventKind.DELISTING, cash=0.0)

CASES: dict[str, tuple[Event, Family, list[float], float]] = {
    "split, cap": (SPLIT, CAP, [4, 5, 10, 0], 3.0),
    "split, non-cap": (SPLIT, NON_CAP, [4, 5, 10, 0], 3.0),
    "split, price: 25 less of 300 a unit": (SPLIT, PRICE_WEIGHTED, [2, 5, 10, 0], 3.0 * 250 / 300),
    "special, cap: 10 leave": (SPECIAL, CAP, [2, 5, 10, 0], 3.0 * 290 / 300),
    "special, non-cap: reinvested in the name": (SPECIAL, NON_CAP, [2 * 50 / 45, 5, 10, 0], 3.0),
    "special, price": (SPECIAL, PRICE_WEIGHTED, [2, 5, 10, 0], 3.0 * 290 / 300),
    "rights, cap: 2.5 units at (50 + 7.5) / 1.25": (RIGHTS, CAP, [2.5, 5, 10, 0], 3.0 * 315 / 300),
    "rights, non-cap: theoretical price 46": (RIGHTS, NON_CAP, [2 * 50 / 46, 5, 10, 0], 3.0),
    "rights, price": (RIGHTS, PRICE_WEIGHTED, [2, 5, 10, 0], 3.0 * 292 / 300),
    "worthless rights, cap": (WORTHLESS_RIGHTS, CAP, [2, 5, 10, 0], 3.0),
    "worthless rights, non-cap": (WORTHLESS_RIGHTS, NON_CAP, [2, 5, 10, 0], 3.0),
    "worthless rights, price": (WORTHLESS_RIGHTS, PRICE_WEIGHTED, [2, 5, 10, 0], 3.0),
    "regular dividend, cap": (PAID, CAP, [2, 5, 10, 0], 3.0),
    "regular dividend, non-cap": (PAID, NON_CAP, [2, 5, 10, 0], 3.0),
    "regular dividend, price": (PAID, PRICE_WEIGHTED, [2, 5, 10, 0], 3.0),
    "spin-off, cap": (SPIN_OFF, CAP, [2, 5, 10, 1], 3.0),
    "spin-off, non-cap": (SPIN_OFF, NON_CAP, [2, 5, 10, 1], 3.0),
    "spin-off, price": (SPIN_OFF, PRICE_WEIGHTED, [2, 5, 10, 1], 3.0),
    "bought for cash, cap": (FOR_CASH, CAP, [0, 5, 10, 0], 2.0),
    "bought for cash, non-cap": (FOR_CASH, NON_CAP, [0, 7.5, 15, 0], 3.0),
    "bought for cash, price": (FOR_CASH, PRICE_WEIGHTED, [0, 5, 10, 0], 2.0),
    "bought for shares of a name, cap": (FOR_SHARES, CAP, [0, 10, 10, 0], 3.0),
    "bought for shares of a name, non-cap": (FOR_SHARES, NON_CAP, [0, 7.5, 15, 0], 3.0),
    "bought for shares of a name, price": (FOR_SHARES, PRICE_WEIGHTED, [0, 5, 10, 0], 2.0),
    "delisted, cap: still there on its last day": (DELISTED, CAP, [2, 5, 10, 0], 3.0),
    "delisted, non-cap": (DELISTED, NON_CAP, [2, 5, 10, 0], 3.0),
    "delisted, price": (DELISTED, PRICE_WEIGHTED, [2, 5, 10, 0], 3.0),
}


def test_there_is_a_treatment_and_a_case_for_every_action_and_family() -> None:
    assert set(TREATMENTS) == {(kind, family) for kind in EventKind for family in Family}
    assert {(event.kind, family) for event, family, _, _ in CASES.values()} == set(TREATMENTS)


@pytest.mark.parametrize("case", CASES)
def test_units_and_divisor_are_those_worked_out_by_hand(case: str) -> None:
    event, family, units, divisor = CASES[case]
    found, changed = treated(event, family)
    assert found == pytest.approx(units, rel=1e-15)
    assert changed == pytest.approx(divisor, rel=1e-15)


@pytest.mark.parametrize("case", [one for one in CASES if "regular" not in one])
def test_the_level_does_not_move(case: str) -> None:
    event, family, _, _ = CASES[case]
    after = treat(event, family, HELD, Moment(price=PRICE, cash=event.cash))
    assert value(after, after_the_action(event)) / after.divisor == pytest.approx(100.0, rel=1e-14)


def test_the_acquirer_s_shares_change_the_divisor_when_they_are_worth_something_else() -> None:
    dear = an_event(EventKind.MERGER, ratio=3.0, other=1)
    units, divisor = treated(dear, CAP)
    assert units == [0.0, 11.0, 10.0, 0.0]
    assert divisor == pytest.approx(3.0 * 320 / 300)


def test_shares_of_a_company_outside_the_index_are_not_taken() -> None:
    units, divisor = treated(an_event(EventKind.MERGER, ratio=2.5, other=3), CAP)
    assert (units, divisor) == ([0.0, 5.0, 10.0, 0.0], 2.0)


@pytest.mark.parametrize("family", Family)
def test_the_only_name_becomes_its_acquirer_at_the_same_value(family: Family) -> None:
    alone = Position(units=np.array([2.0, 0.0, 0.0, 0.0]), divisor=1.0)
    merged = treat(
        an_event(EventKind.MERGER, ratio=9.0, other=1), family, alone, Moment(price=PRICE, cash=NAN)
    )
    assert merged.units.tolist() == [0.0, 5.0, 0.0, 0.0]
    assert merged.divisor == 1.0
    nowhere = treat(an_event(EventKind.MERGER, cash=50.0), family, alone, Moment(price=PRICE, cash=50.0))
    assert nowhere is alone
    unpriced = treat(an_event(EventKind.MERGER, other=3), family, alone, Moment(price=PRICE, cash=NAN))
    assert unpriced is alone


def test_what_a_delisted_name_still_brings_is_spread_over_the_others() -> None:
    last = np.array([4.0, 20.0, 10.0, 0.0])
    event = an_event(EventKind.DELISTING, cash=4.0)
    spread = settle(event, NON_CAP, HELD, last)
    assert spread.units == pytest.approx([0.0, 5 * 208 / 200, 10 * 208 / 200, 0.0])
    assert spread.divisor == 3.0
    for family in (CAP, PRICE_WEIGHTED):
        left = settle(event, family, HELD, last)
        assert left.units.tolist() == [0.0, 5.0, 10.0, 0.0]
        assert left.divisor == pytest.approx(3.0 * 200 / 208)


def test_a_spun_off_name_goes_back_to_its_parent_or_leaves_or_stays() -> None:
    price = np.array([40.0, 20.0, 10.0, 20.0])
    held = Position(units=np.array([2.0, 5.0, 10.0, 1.0]), divisor=3.0)
    back = settle(SPIN_OFF, NON_CAP, held, price)
    assert (back.units.tolist(), back.divisor) == ([2.5, 5.0, 10.0, 0.0], 3.0)
    left = settle(SPIN_OFF, PRICE_WEIGHTED, held, price)
    assert (left.units.tolist(), left.divisor) == ([2.0, 5.0, 10.0, 0.0], pytest.approx(3.0 * 280 / 300))
    assert settle(SPIN_OFF, CAP, held, price) is held
    assert settle(SPIN_OFF, NON_CAP, HELD, price) is HELD  # a review sold it already
    assert settle(SPLIT, NON_CAP, held, price) is held


def test_a_name_that_is_not_held_or_alone_is_not_sold() -> None:
    assert dispose(3, NON_CAP, HELD, PRICE) is HELD
    alone = Position(units=np.array([2.0, 0.0, 0.0, 0.0]), divisor=1.0)
    assert dispose(0, CAP, alone, PRICE) is alone


def test_a_price_becomes_what_the_action_makes_of_it() -> None:
    assert ex_price(SPLIT, 50.0, NAN) == 25.0
    assert ex_price(SPECIAL, 50.0, 5.0) == 45.0
    assert ex_price(an_event(EventKind.SPECIAL_DIVIDEND, cash=80.0), 50.0, 80.0) == 0.05
    assert ex_price(RIGHTS, 50.0, 30.0) == pytest.approx(46.0)
    assert ex_price(WORTHLESS_RIGHTS, 50.0, 60.0) == 50.0
    assert ex_price(PAID, 50.0, 1.0) == 50.0


@pytest.mark.parametrize(
    ("event", "stated"),
    [
        (SPLIT, True),
        (an_event(EventKind.SPLIT), False),
        (SPECIAL, True),
        (an_event(EventKind.SPECIAL_DIVIDEND), False),
        (RIGHTS, True),
        (an_event(EventKind.RIGHTS, ratio=0.5), False),
        (an_event(EventKind.RIGHTS, cash=3.0), False),
        (an_event(EventKind.SPIN_OFF, ratio=0.5, other=1), True),
        (SPIN_OFF, False),  # the spun-off name has no price
        (an_event(EventKind.SPIN_OFF, ratio=0.5), False),
        (an_event(EventKind.SPIN_OFF, other=1), False),
        (an_event(EventKind.MERGER), True),
        (an_event(EventKind.DELISTING), True),
        (an_event(EventKind.CASH_DIVIDEND), True),
    ],
)
def test_terms_that_a_treatment_needs_are_known_or_not(event: Event, stated: bool) -> None:
    assert is_stated(event, event.cash, PRICE) is stated


def test_weights_of_nothing_are_zeros() -> None:
    assert drifted(np.zeros(3), np.array([1.0, 2.0, 0.0])).tolist() == [0.0, 0.0, 0.0]
    assert drifted(HELD.units, PRICE).tolist() == [1 / 3, 1 / 3, 1 / 3, 0.0]
