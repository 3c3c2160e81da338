"""Returns of cash flows that a caller sends: every set answered, broken rules named with what would do."""

import pickle
from typing import Any

import numpy as np
import pytest
from tests.factories import days
from tests.fakes.compute_pool import FakeComputePool
from tests.unit.application.world import VIEWER

from waardhaven.application.metrics.cash_flow_returns import (
    MeasureMoneyWeighted,
    MeasureTimeWeighted,
    money_weighted,
    time_weighted,
)
from waardhaven.application.metrics.flow_question import (
    MOST_FLOWS,
    MOST_SETS,
    FlowQuestion,
    ValuedQuestion,
)
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.roles import ANONYMOUS
from waardhaven.domain.metrics.cash_flows import REASONS, UnusableFlows
from waardhaven.domain.metrics.time_weighted import NO_RETURN

YEAR = days("2023-01-02", "2024-01-02")


def ids(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def paid(amounts: list[float], dates: np.ndarray = YEAR, offsets: np.ndarray | None = None) -> FlowQuestion:
    return FlowQuestion(amounts=np.array(amounts, dtype=np.float64), dates=dates, offsets=offsets)


def valued(
    values: list[float],
    dates: np.ndarray = YEAR,
    offsets: np.ndarray | None = None,
    flows: FlowQuestion | None = None,
) -> ValuedQuestion:
    return ValuedQuestion(
        values=np.array(values, dtype=np.float64),
        value_dates=dates,
        value_offsets=offsets,
        flows=flows or paid([], days(), None if offsets is None else 0 * offsets),
    )


def rules_of(measure: Any, question: Any) -> dict[str, str]:
    with pytest.raises(UnusableFlows) as caught:
        measure(question)
    return {one.field: one.rule for one in caught.value.errors}


def test_sets_in_one_call_are_rates_or_reasons_in_their_order():
    dates = np.tile(YEAR, 3)
    found = money_weighted(paid([-100.0, 110.0, -5.0, -6.0, np.nan, 1.0], dates, ids(0, 2, 4, 6)))
    assert found.sets == 3
    assert found.rates == (pytest.approx(0.1, rel=1e-12), None, None)
    assert found.reasons == (None, "one_sign", "unknown_flow")
    assert found.explanations.keys() == {"one_sign", "unknown_flow"}
    assert (found.unit, found.roots, found.warnings) == ("fraction_per_year", (1, 0, 0), (None, None, None))


def test_a_single_set_needs_no_offsets():
    alone = money_weighted(paid([-100.0, 110.0]))
    assert alone == money_weighted(paid([-100.0, 110.0], offsets=ids(0, 2)))


def test_several_rates_are_told_with_the_one_nearest_zero():
    """Rates of 10 % and 20 %: -100 + 230 v - 132 v^2, v = 1 / (1 + r)."""
    dates = np.datetime64("2023-01-02") + 365 * np.arange(3)
    found = money_weighted(paid([-100.0, 230.0, -132.0], dates))
    assert found.rates == (pytest.approx(0.1, rel=1e-9),)
    assert found.roots == (2,)
    assert found.warnings == ("2 rates solve these payments; this is the one nearest 0",)


def test_values_and_payments_are_linked_set_by_set():
    """100 grows to 110, 90 comes in, 200 falls to 190; and a set beside it that lasted no year."""
    dates = np.concatenate([days("2023-01-02", "2023-07-03", "2024-01-02"), days("2024-01-02", "2024-03-01")])
    flows = paid([-90.0], days("2024-01-02"), ids(0, 1, 1))
    found = time_weighted(valued([100.0, 110.0, 190.0, 50.0, 60.0], dates, ids(0, 3, 5), flows))
    assert found.totals == (pytest.approx(1.1 * 0.95 - 1.0), pytest.approx(0.2))
    assert found.annual == (pytest.approx(1.1 * 0.95 - 1.0), None)
    assert (found.reasons, found.annual_reasons) == ((None, None), (None, "under_a_year"))
    assert found.growth == pytest.approx((1.0, 1.1, 0.95, 1.0, 1.2))
    assert found.explanations == {"under_a_year": "the time is shorter than a year"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([100.0], "too_few"),
        ([100.0, np.nan], "unknown"),
        ([100.0, -1.0], "below_nothing"),
        ([0.0, 1.0], "from_nothing"),
        ([1e-320, 1e15], "out_of_range"),
    ],
)
def test_a_set_without_a_return_has_a_reason_in_code_and_words(values: list[float], reason: str):
    found = time_weighted(valued(values, YEAR[: len(values)]))
    assert (found.totals, found.annual) == ((None,), (None,))
    assert (found.reasons, found.annual_reasons) == ((reason,), (reason,))
    assert found.explanations[reason]


def test_every_reason_of_the_domain_has_a_code_of_its_own():
    for reasons in (REASONS, NO_RETURN):
        assert len({one.name.lower() for one in reasons}) == len(reasons)


@pytest.mark.parametrize(
    ("question", "field", "rule"),
    [
        (paid([1.0], YEAR), "dates", "must be 1, one for each of amounts, not 2"),
        (paid([1.0, 2.0], offsets=ids(1, 2)), "offsets.0", "must be 0, not 1"),
        (paid([1.0, 2.0], offsets=ids(0, 3)), "offsets.1", "must be 2, the number of amounts, not 3"),
        (paid([1.0, 2.0], offsets=ids(0, 2, 1, 2)), "offsets.2", "must not decrease: 2 or more, not 1"),
        (
            paid([0.0] * (MOST_FLOWS + 1), np.repeat(YEAR, MOST_FLOWS)[: MOST_FLOWS + 1]),
            "amounts",
            f"must be at most {MOST_FLOWS}, not {MOST_FLOWS + 1}",
        ),
        (
            paid([1.0, 2.0], offsets=ids(*[0] * (MOST_SETS + 1), 2)),
            "offsets",
            f"must be of at most {MOST_SETS} sets, not {MOST_SETS + 1}",
        ),
    ],
)
def test_flows_that_do_not_fit_are_refused_by_field_rule_and_nearest_value(
    question: FlowQuestion, field: str, rule: str
):
    assert rules_of(money_weighted, question) == {field: rule}


@pytest.mark.parametrize(
    ("question", "field", "rule"),
    [
        (
            valued([1.0, 2.0, 3.0], days("2023-01-02", "2023-01-03", "2023-01-03")),
            "value_dates.2",
            "must increase within a set: 2023-01-04 or later, not 2023-01-03",
        ),
        (valued([1.0], YEAR), "value_dates", "must be 1, one for each of values, not 2"),
        (
            valued([1.0, 2.0], offsets=ids(0, 1, 2), flows=paid([], days(), ids(0, 0))),
            "offsets",
            "must be 3, for as many sets as value_offsets has, not 2",
        ),
        (valued([1.0, 2.0], flows=paid([1.0], YEAR)), "dates", "must be 1, one for each of amounts, not 2"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_field_rule_and_nearest_value(
    question: ValuedQuestion, field: str, rule: str
):
    assert rules_of(time_weighted, question) == {field: rule}


def test_days_of_another_set_may_lie_before():
    found = time_weighted(valued([1.0, 2.0, 1.0, 3.0], np.tile(YEAR, 2), ids(0, 2, 4)))
    assert found.totals == (1.0, 2.0)


def a_flow(content: bytes) -> FlowQuestion:
    assert content == b"sent"
    return paid([-100.0, 110.0])


def a_value(content: bytes) -> ValuedQuestion:
    assert content == b"sent"
    return valued([100.0, 110.0])


async def test_reading_measuring_and_writing_happen_in_the_pool_for_who_may_read():
    pool = FakeComputePool()
    rates = await MeasureMoneyWeighted(pool)(VIEWER, content=b"sent", read=a_flow, write=pickle.dumps)
    links = await MeasureTimeWeighted(pool)(VIEWER, content=b"sent", read=a_value, write=pickle.dumps)
    assert pickle.loads(rates).rates == (pytest.approx(0.1),)
    assert pickle.loads(links).totals == (pytest.approx(0.1),)
    assert pool.computed == ["answered", "answered"]
    with pytest.raises(Forbidden):
        await MeasureMoneyWeighted(pool)(ANONYMOUS, content=b"sent", read=a_flow, write=pickle.dumps)
    with pytest.raises(Forbidden):
        await MeasureTimeWeighted(pool)(ANONYMOUS, content=b"sent", read=a_value, write=pickle.dumps)
