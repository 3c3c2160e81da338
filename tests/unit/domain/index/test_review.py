"""What a review reads on its selection day, before it weighs anything."""

from dataclasses import replace

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, sessions, some_inputs, warmed

from waardhaven.domain.index.build import build_index
from waardhaven.domain.index.definition import Adjustment, Constraints, Guards, IndexDefinition
from waardhaven.domain.index.events import EventColumns, EventKind
from waardhaven.domain.index.family import Family
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.review import Reviewer, price_floor
from waardhaven.domain.index.strategies import prepare
from waardhaven.domain.market.calendar import Frequency

nan = np.nan
DAY = np.array([WARM_UP])


def reviewer(definition: IndexDefinition, inputs: IndexInputs) -> Reviewer:
    return Reviewer.of(definition, prepare(definition.strategy), inputs)


def rules(name: str = "equal_weight", **options: object) -> IndexDefinition:
    return a_definition(name, base=sessions(WARM_UP + 1)[-1], **options)


@pytest.mark.parametrize(
    ("adjustment", "floor"), [(Adjustment.RAW, 2.5), (Adjustment.SPLITS, 0.0), (Adjustment.ALL, 0.0)]
)
def test_adjusted_closes_have_no_price_floor(adjustment: Adjustment, floor: float) -> None:
    assert price_floor(rules(adjustment=adjustment, guards=Guards(min_price=2.5))) == floor


def test_the_last_close_is_in_the_currency_of_its_name_however_old_it_is() -> None:
    close = warmed([[10.0, 20.0], [11.0, 21.0]])
    close[WARM_UP - 3 : WARM_UP + 1, 0] = nan
    found = reviewer(rules(), some_inputs(close, fx=np.full(close.shape, 7.0)))
    assert found.last_closes(DAY).tolist() == [[10.0, 20.0]]
    assert found.eligible(DAY).tolist() == [[False, True]]


def test_a_market_cap_needs_a_price_and_shares_above_zero() -> None:
    close = warmed([[10.0, 10.0, 10.0, 10.0]])
    close[:, 3] = nan
    shares = np.tile([5.0, 0.0, nan, 5.0], (len(close), 1))
    fx = np.full(close.shape, 2.0)
    found = reviewer(rules("market_cap"), some_inputs(close, shares=shares, fx=fx)).market_caps(DAY)
    np.testing.assert_array_equal(found, [[100.0, nan, nan, nan]])


def test_returns_reach_back_as_far_as_the_strategy_looks_and_stay_within_the_guards() -> None:
    close = warmed([[10.0, 20.0]])
    close[WARM_UP, 0] = 30.0
    close[WARM_UP, 1] = 2.0
    guards = Guards(min_price=0.0, min_daily_return=-0.25, max_daily_return=0.5)
    found = reviewer(rules("momentum", guards=guards), some_inputs(close)).bounded_returns(DAY)
    assert found[-1].tolist() == [0.5, -0.25]
    assert len(found) == prepare(rules("momentum").strategy).lookback
    assert not found[:-1].any()


def test_a_strategy_that_looks_at_no_returns_gets_none() -> None:
    found = reviewer(rules(), some_inputs(warmed([[10.0, 20.0]]))).bounded_returns(DAY)
    assert found.shape == (0, 2)


def test_constraints_make_every_index_hold_its_weights() -> None:
    inputs = some_inputs(warmed([[10.0, 20.0]]))
    assert reviewer(rules("market_cap"), inputs).family is Family.CAP_WEIGHTED
    capped = rules("market_cap", constraints=Constraints(max_weight=0.6))
    assert reviewer(capped, inputs).family is Family.NON_CAP_WEIGHTED


def test_units_of_a_price_weighted_index_are_fixed_on_the_selection_day() -> None:
    """One unit of each: 10 and 30 on the selection day, 30 and 30 at the effective close: half and half."""
    close = warmed([[10.0, 30.0], [30.0, 30.0]])
    found = reviewer(rules("price"), some_inputs(close))
    review = found.weigh(DAY, DAY + 1).at(0)
    assert review.weights.tolist() == [0.25, 0.75]
    assert found.constrained(review, np.zeros(2)).tolist() == [0.5, 0.5]


def test_names_that_are_selected_are_weighed_again_among_themselves() -> None:
    """Ranks of three names weigh 3/6, 2/6 and 1/6; those of the two selected 2/3 and 1/3."""
    close = warmed([[10.0, 10.0, 10.0]])
    close[WARM_UP] *= [1.5, 1.25, 1.125]
    definition = replace(
        rules("momentum", guards=Guards(min_price=0.0)), constraints=Constraints(max_names=2)
    )
    definition = replace(definition, strategy=replace(definition.strategy, params={"method": "rank"}))
    found = reviewer(definition, some_inputs(np.vstack([close, close[-1:]])))
    review = found.weigh(DAY, DAY + 1).at(0)
    np.testing.assert_allclose(review.weights, [3 / 6, 2 / 6, 1 / 6], rtol=1e-14)
    np.testing.assert_allclose(found.constrained(review, np.zeros(3)), [2 / 3, 1 / 3, 0.0], rtol=1e-14)


def test_an_action_on_a_name_that_is_not_held_changes_nothing() -> None:
    close = warmed([[10.0, 20.0], [5.0, 20.0]])
    member = np.tile([False, True], (len(close), 1))
    split = EventColumns(
        asset=np.array([1]),
        ex_date=sessions(WARM_UP + 2)[-1:],
        kind=np.array([EventKind.SPLIT], dtype=np.int8),
        ratio=np.array([2.0]),
        cash=np.array([nan]),
        other=np.array([-1]),
    )
    inputs = replace(some_inputs(close, member=member), events=split)
    result = build_index(rules(frequency=Frequency.YEARLY), inputs)
    assert result.levels.level.tolist() == [100.0, 100.0]
    assert (len(result.compositions), len(result.flags.day)) == (1, 0)
