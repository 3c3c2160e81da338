"""What each data guard does to weights, and what it never does to a level."""

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, sessions, some_inputs, warmed

from waardhaven.domain.index.build import IndexResult, build_index
from waardhaven.domain.index.composition import FlagKind
from waardhaven.domain.index.definition import Guards, IndexDefinition
from waardhaven.domain.market.calendar import Frequency

BASE = sessions(WARM_UP + 1)[-1]
nan = np.nan


def rules(
    name: str = "equal_weight", *, frequency: Frequency = Frequency.DAILY, **guards: float
) -> IndexDefinition:
    return a_definition(name, base=BASE, frequency=frequency, guards=Guards(**({"min_price": 0.0} | guards)))


def weights(result: IndexResult, review: int = 0) -> dict[int, float]:
    found = result.compositions.at(review)
    return dict(zip(found.asset.tolist(), found.weight.tolist(), strict=True))


# --- min_price


def test_a_name_that_fell_below_the_price_floor_leaves_at_the_next_review_at_its_price() -> None:
    """A: 1.25, 1.25, 0.75, 0.75. Selected on day 2 at 0.75, below 1: out at the close of day 3.

    Day 2: A halves its 50 by 0.6: 30 + 50 = 80, shared out as 40 and 40; day 3: 80, all in B.
    """
    close = warmed([[1.25, 10.0], [1.25, 10.0], [0.75, 10.0], [0.75, 10.0], [0.75, 20.0]])
    result = build_index(rules(min_price=1.0), some_inputs(close))
    assert [weights(result, i) for i in range(4)] == [{1: 0.5, 2: 0.5}] * 3 + [{2: 1.0}]
    np.testing.assert_allclose(result.levels.level, [100.0, 100.0, 80.0, 80.0, 160.0], rtol=1e-15)


def test_a_price_equal_to_the_floor_may_enter() -> None:
    close = warmed([[1.0, 0.99, 10.0]])
    result = build_index(rules(min_price=1.0), some_inputs(close))
    assert weights(result) == {1: 0.5, 3: 0.5}


# --- max_forward_fill_days


@pytest.mark.parametrize(
    ("limit", "entered"),
    [(0, {3: 1.0}), (1, {1: 0.5, 3: 0.5}), (4, {1: 1 / 3, 2: 1 / 3, 3: 1 / 3})],
)
def test_the_fill_limit_decides_how_old_a_last_price_may_be(limit: int, entered: dict[int, float]) -> None:
    close = warmed(np.full((1, 3), 10.0))
    close[WARM_UP - 1, 0] = nan  # one session old on the selection day
    close[WARM_UP - 4 : WARM_UP, 1] = nan  # four sessions old
    result = build_index(rules(max_forward_fill_days=limit), some_inputs(close))
    assert weights(result) == entered


def test_a_level_carries_a_held_price_beyond_the_fill_limit() -> None:
    """A has no bar after the base: 5 units at its 10 whatever the limit; B 20 to 24: 50 + 60 = 110."""
    close = warmed([[10.0, 20.0], [nan, 24.0], [nan, 24.0], [nan, 24.0]])
    definition = rules(max_forward_fill_days=0, frequency=Frequency.YEARLY)
    result = build_index(definition, some_inputs(close))
    assert result.levels.level.tolist() == [100.0, 110.0, 110.0, 110.0]


# --- the bounds of daily returns


@pytest.mark.parametrize(("floor", "expected"), [(-0.5, {2: 1.0}), (-0.25, {1: 2 / 3, 2: 1 / 3})])
def test_signals_see_no_fall_deeper_than_the_smallest_daily_return(
    floor: float, expected: dict[int, float]
) -> None:
    """A: -50 %, then +100 %: 0 in all; seen as -25 % and +100 %: +50 %. B: +25 %."""
    close = warmed([[10.0, 10.0]])
    close[WARM_UP - 5, 0] = 5.0
    close[WARM_UP - 5 :, 1] *= 1.25
    definition = rules("momentum", min_daily_return=floor, max_daily_return=1.0)
    assert weights(build_index(definition, some_inputs(close))) == pytest.approx(expected, rel=1e-12)


def test_signals_see_no_rise_above_the_largest_daily_return() -> None:
    """A: +200 %, seen as +75 %; B: +25 %."""
    close = warmed([[10.0, 10.0]])
    close[WARM_UP - 5 :] *= [3.0, 1.25]
    found = weights(build_index(rules("momentum", max_daily_return=0.75), some_inputs(close)))
    assert found == pytest.approx({1: 0.75, 2: 0.25}, rel=1e-12)


def test_a_level_earns_moves_beyond_the_bounds_of_the_signals_in_full() -> None:
    """5 x 30 + 2.5 x 20 = 200; then 5 x 3 + 2.5 x 20 = 65."""
    close = warmed([[10.0, 20.0], [30.0, 20.0], [3.0, 20.0]])
    definition = rules(min_daily_return=-0.05, max_daily_return=0.05, frequency=Frequency.YEARLY)
    assert build_index(definition, some_inputs(close)).levels.level.tolist() == [100.0, 200.0, 65.0]


# --- outlier_std_threshold


def test_an_outlier_is_flagged_beyond_the_threshold_and_used_all_the_same() -> None:
    """Returns of +1 % and -1 % by turns have a deviation of about 1 %: +5 % is about five of them."""
    signs = np.where(np.arange(WARM_UP + 1) % 2, 0.01, -0.01)[:, None] * np.ones(2)
    close = 10.0 * np.cumprod(1.0 + signs, axis=0)
    close = np.vstack([close, close[-1] * [1.05, 1.0]])
    day = str(sessions(WARM_UP + 2)[-1])
    flagged, quiet = (
        build_index(rules(outlier_std_threshold=limit), some_inputs(close)) for limit in (4.0, 6.0)
    )
    assert flagged.flags.kind.tolist() == [FlagKind.OUTLIER]
    assert (flagged.flags.day.astype(str).tolist(), flagged.flags.asset.tolist()) == ([day], [1])
    assert len(quiet.flags.kind) == 0
    assert flagged.levels.level.tolist() == quiet.levels.level.tolist()
    assert flagged.levels.level[1] == pytest.approx(102.5, rel=1e-14)
