"""Index levels computed by hand, with the steps; sources named beside each."""

from dataclasses import replace

import numpy as np
import pytest
from tests.factories import (
    WARM_UP,
    a_definition,
    autoindex,
    days,
    sample_inputs,
    sessions,
    some_inputs,
    warmed,
)

from waardhaven.domain.index.build import build_index
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.market.calendar import Frequency

AXIS = sessions(WARM_UP + 6, "2020-01-01")


def test_a_basket_held_between_reviews_follows_its_units() -> None:
    """S&P DJI, Index Mathematics Methodology, "Index Calculations": level = sum(P x Q) / divisor.

    Base 100, equal weight, A at 10 and B at 20: units 5 and 2.5, divisor 1.
    day 1: 5 x 11 + 2.5 x 20 = 105;  day 2: 5 x 12 + 2.5 x 16 = 100;  day 3: 5 x 8 + 2.5 x 24 = 100.
    """
    close = warmed([[10, 20], [11, 20], [12, 16], [8, 24]])
    definition = a_definition(base=AXIS[WARM_UP], frequency=Frequency.YEARLY)
    result = build_index(definition, some_inputs(close, axis=AXIS[: len(close)]))
    assert result.levels.level.tolist() == [100.0, 105.0, 100.0, 100.0]
    assert result.closing.units.tolist() == [5.0, 2.5]
    assert result.closing.divisor == 1.0


def test_a_review_takes_effect_after_the_close_and_moves_no_level() -> None:
    """S&P DJI, Index Mathematics Methodology, "Divisor Adjustments": changes leave the level alone.

    Daily equal weight, A 10 -> 12 -> 12, B 20 -> 20 -> 25.
    day 1: 5 x 12 + 2.5 x 20 = 110; then 55 each: 55 / 12 = 4.58333... and 55 / 20 = 2.75 units.
    day 2: 55 + 2.75 x 25 = 123.75 (held since the base: 60 + 62.5 = 122.5).
    """
    close = warmed([[10, 20], [12, 20], [12, 25]])
    definition = a_definition(base=AXIS[WARM_UP], frequency=Frequency.DAILY)
    result = build_index(definition, some_inputs(close, axis=AXIS[: len(close)]))
    np.testing.assert_allclose(result.levels.level, [100.0, 110.0, 123.75], rtol=1e-15)
    second = result.compositions.at(1)
    np.testing.assert_allclose(second.units, [55 / 12, 2.75], rtol=1e-15)
    assert second.divisor * result.levels.level[1] == pytest.approx(
        12 * second.units[0] + 20 * second.units[1]
    )


def test_a_foreign_name_earns_its_price_and_its_currency() -> None:
    """One name at 50 EUR; 1 EUR = 1.10 then 1.21 USD. 100 / (50 x 1.1) units; 100 x (55/50) x (1.21/1.1)."""
    close = warmed([[50.0], [55.0]])
    fx = np.full(close.shape, 1.10)
    fx[-1] = 1.21
    definition = a_definition(base=AXIS[WARM_UP], frequency=Frequency.YEARLY)
    result = build_index(definition, some_inputs(close, axis=AXIS[: len(close)], fx=fx))
    assert result.levels.level[1] == pytest.approx(121.0, rel=1e-15)


def test_momentum_weighs_by_the_return_up_to_the_session_before() -> None:
    """Closes double / rise by half / fall over the 20 sessions to the selection day: weights 2/3, 1/3, 0.

    The effective day's own jump (A falls to 1) must not matter to the weights.
    """
    flat = [10.0, 10.0, 10.0]
    rise = np.linspace(0, 1, 21)[:, None] * [10.0, 5.0, -2.0] + flat
    close = np.vstack([np.tile(flat, (WARM_UP - 21, 1)), rise, [[1.0, 15.0, 8.0]]])
    result = build_index(
        a_definition("momentum", base=AXIS[WARM_UP]), some_inputs(close, axis=AXIS[: len(close)])
    )
    base = result.compositions.at(0)
    assert base.asset.tolist() == [1, 2]
    np.testing.assert_allclose(base.weight, [2 / 3, 1 / 3], rtol=1e-13)


def test_inverse_volatility_uses_the_sample_deviation() -> None:
    """Returns alternate +1 % / -1 % and +2 % / -2 %: deviations stand as 1 : 2, weights as 2 : 1."""
    moves = np.tile([[0.01, 0.02], [-0.01, -0.02]], (WARM_UP // 2, 1))
    close = np.vstack([10.0 * np.cumprod(1 + moves, axis=0), [[10.0, 10.0]]])
    result = build_index(
        a_definition("inverse_volatility", base=AXIS[WARM_UP]), some_inputs(close, axis=AXIS[: len(close)])
    )
    np.testing.assert_allclose(result.compositions.at(0).weight, [2 / 3, 1 / 3], rtol=1e-12)


def test_market_cap_weighs_by_shares_times_price() -> None:
    """Caps 10 x 300 and 20 x 50 = 3000 and 1000: weights 0.75 and 0.25."""
    close = warmed([[10.0, 20.0]])
    shares = np.tile([300.0, 50.0], (len(close), 1))
    inputs = some_inputs(close, axis=AXIS[: len(close)], shares=shares)
    result = build_index(a_definition("market_cap", base=AXIS[WARM_UP]), inputs)
    assert result.compositions.at(0).weight.tolist() == [0.75, 0.25]


def test_a_drop_forces_a_review_at_the_next_session() -> None:
    """Equal weight of A and B; day 1 loses 10 %, so a review takes effect on day 2.

    Its selection day is day 1. Units after day 2: 45 / 8 = 5.625 and 45 / 20 = 2.25.
    """
    axis = AXIS[: WARM_UP + 4]
    close = warmed([[10, 20], [8, 20], [8, 20], [9, 20]])
    definition = a_definition(base=axis[WARM_UP], drop=-0.05, frequency=Frequency.YEARLY)
    result = build_index(definition, some_inputs(close, axis=axis))
    assert result.levels.level[:3].tolist() == [100.0, 90.0, 90.0]
    assert result.compositions.effective.tolist() == [axis[WARM_UP].item(), axis[WARM_UP + 2].item()]
    assert result.compositions.reason.tolist() == [ReviewReason.BASE, ReviewReason.DROP]
    assert result.compositions.selection[1] == axis[WARM_UP + 1]
    assert result.compositions.at(1).units.tolist() == [5.625, 2.25]
    assert result.levels.level[3] == pytest.approx(5.625 * 9 + 45, rel=1e-15)


def test_the_default_index_on_the_sample_market_keeps_its_levels() -> None:
    """Frozen after the oracle in tests/properties/naive_index.py gave the same over the whole range."""
    result = build_index(autoindex(), sample_inputs())
    level = dict(zip(result.levels.day.tolist(), result.levels.level.tolist(), strict=True))
    assert len(level) == 5785
    assert level[result.levels.day[0].item()] == 100.0
    for day, expected in FROZEN.items():
        assert level[days(day)[0].item()] == pytest.approx(expected, rel=1e-12)
    assert len(result.compositions) == 1219
    assert int((result.compositions.reason == ReviewReason.DROP).sum()) == 19


FROZEN = {
    "2000-01-04": 96.453510692083,
    "2008-10-10": 115.23044953992542,
    "2020-03-23": 433.4990543987062,
    "2022-12-28": 1215.6018490875408,
}


def test_weekly_and_monthly_reviews_of_one_definition_differ_only_in_calendar() -> None:
    """The first session of each ISO week or month of the sample's 2021 (2021-01-04, -11, -19 ...)."""
    definition = replace(autoindex(), base_date=days("2020-12-15")[0].item())
    weekly = build_index(definition, sample_inputs()).compositions.effective
    monthly = build_index(
        replace(definition, schedule=replace(definition.schedule, frequency=Frequency.MONTHLY)),
        sample_inputs(),
    ).compositions.effective
    start = np.datetime64("2021-01-01")
    assert (
        weekly[weekly >= start][:4].tolist()
        == days("2021-01-04", "2021-01-11", "2021-01-19", "2021-01-25").tolist()
    )
    assert monthly[monthly >= start][:3].tolist() == days("2021-01-04", "2021-02-01", "2021-03-01").tolist()
