"""What trading costs: a fraction of the traded value, taken from the level at the close of a review."""

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, sessions, some_inputs, warmed

from waardhaven.domain.index.build import IndexResult, build_index
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.definition import Adjustment, IndexDefinition
from waardhaven.domain.index.events import EventColumns, EventKind
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.market.calendar import Frequency

AXIS = sessions(WARM_UP + 6)
DOUBLED = warmed([[10.0, 20.0], [20.0, 20.0], [20.0, 20.0], [20.0, 40.0]])


def rules(rate: float, *, frequency: Frequency = Frequency.DAILY, **options: object) -> IndexDefinition:
    return a_definition(base=AXIS[WARM_UP], frequency=frequency, cost_rate=rate, **options)


def costs(result: IndexResult) -> list[float]:
    return result.compositions.cost.tolist()


def test_the_level_of_a_review_is_after_its_cost_and_the_units_buy_what_is_left() -> None:
    """Day 1: 5 x 20 + 2.5 x 20 = 150 at weights 2/3 and 1/3. Back to halves: 1/6 + 1/6 is traded.

    At 3 % of 1/3: 1 % of the level, so 148.5, of which each name gets 74.25 / 20 = 3.7125 units.
    Day 3: 3.7125 x (20 + 40) = 222.75 before its own review: from 1/3 and 2/3, again 1 %: 220.5225.
    """
    result = build_index(rules(0.03), some_inputs(DOUBLED))
    np.testing.assert_allclose(result.levels.level, [100.0, 148.5, 148.5, 220.5225], rtol=1e-14)
    np.testing.assert_allclose(result.compositions.at(1).units, [3.7125, 3.7125], rtol=1e-14)
    np.testing.assert_allclose(result.compositions.turnover, [0.0, 1 / 3, 0.0, 1 / 3], atol=1e-15)
    np.testing.assert_allclose(costs(result), [0.0, 0.01, 0.0, 0.01], atol=1e-15)


def test_buying_the_basket_on_the_base_date_costs_nothing() -> None:
    result = build_index(rules(0.1), some_inputs(DOUBLED[: WARM_UP + 1]))
    assert result.levels.level.tolist() == [100.0]
    assert (result.compositions.turnover.tolist(), costs(result)) == ([0.0], [0.0])


def test_turnover_is_told_also_where_trading_is_free() -> None:
    result = build_index(rules(0.0), some_inputs(DOUBLED))
    np.testing.assert_allclose(result.compositions.turnover, [0.0, 1 / 3, 0.0, 1 / 3], atol=1e-15)
    assert costs(result) == [0.0] * 4
    np.testing.assert_allclose(result.levels.level, [100.0, 150.0, 150.0, 225.0], rtol=1e-14)


def test_a_full_exchange_is_paid_for_twice() -> None:
    """Everything held is sold and everything wanted bought: a turnover of 2, at 5 % a tenth of 100."""
    close = warmed(np.full((3, 2), 10.0))
    member = np.tile([True, False], (len(close), 1))
    member[WARM_UP:] = [False, True]
    result = build_index(rules(0.05), some_inputs(close, member=member))
    assert result.levels.level.tolist() == pytest.approx([100.0, 90.0, 90.0], rel=1e-15)
    assert result.compositions.turnover.tolist() == [0.0, 2.0, 0.0]


def test_the_total_return_pays_the_same_cost() -> None:
    result = build_index(rules(0.03), some_inputs(DOUBLED))
    assert result.levels.gross is not None
    np.testing.assert_allclose(result.levels.gross, result.levels.level, rtol=1e-15)


def test_a_forced_review_costs_like_any_other() -> None:
    definition = rules(0.03, frequency=Frequency.YEARLY)
    result = build_index(definition, some_inputs(DOUBLED), forced=AXIS[[WARM_UP + 1]])
    assert result.compositions.reason.tolist() == [ReviewReason.BASE, ReviewReason.MANUAL]
    assert result.levels.level[1] == pytest.approx(148.5, rel=1e-15)


def test_a_review_that_is_skipped_trades_nothing() -> None:
    member = np.ones(DOUBLED.shape, dtype=np.bool_)
    member[WARM_UP:] = False
    result = build_index(rules(0.1), some_inputs(DOUBLED, member=member))
    assert result.levels.level.tolist() == [100.0, 150.0, 150.0, 200.0]


def test_what_companies_do_costs_nothing() -> None:
    """A splits two for one on day 1: ten units at 5 instead of five at 10."""
    close = warmed([[10.0, 20.0], [5.0, 20.0]])
    plain = some_inputs(close)
    split = EventColumns(
        asset=np.array([1]),
        ex_date=AXIS[[WARM_UP + 1]],
        kind=np.array([EventKind.SPLIT], dtype=np.int8),
        ratio=np.array([2.0]),
        cash=np.array([np.nan]),
        other=np.array([-1]),
    )
    inputs = IndexInputs(
        panel=plain.panel, fx=plain.fx, shares=plain.shares, member=plain.member, events=split
    )
    definition = rules(0.1, frequency=Frequency.YEARLY, adjustment=Adjustment.RAW)
    result = build_index(definition, inputs)
    assert result.compositions.reason.tolist() == [ReviewReason.BASE, ReviewReason.ACTION]
    assert result.levels.level.tolist() == [100.0, 100.0]
    assert costs(result) == [0.0, 0.0]
