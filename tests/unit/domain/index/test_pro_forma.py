"""A review weighed before it takes effect."""

import numpy as np
from tests.factories import WARM_UP, a_definition, random_closes, sessions, some_inputs

from waardhaven.domain.index.build import build_index
from waardhaven.domain.index.definition import Constraints
from waardhaven.domain.index.explaining.pro_forma import pro_forma
from waardhaven.domain.market.calendar import Frequency

AXIS = sessions(WARM_UP + 3)


def test_what_is_foreseen_is_what_the_review_then_does() -> None:
    inputs = some_inputs(random_closes(31, len(AXIS), 4), axis=AXIS)
    definition = a_definition(
        "inverse_volatility",
        base=AXIS[WARM_UP],
        frequency=Frequency.DAILY,
        constraints=Constraints(max_weight=0.3, max_turnover=0.01),
    )
    done = build_index(definition, inputs).compositions
    found = pro_forma(definition, inputs, done.at(1), AXIS[-2])
    assert found.assets.tolist() == [1, 2, 3, 4]
    assert found.weights.tolist() == done.at(2).weight.tolist()


def test_a_name_held_that_is_no_asset_of_the_inputs_any_more_is_passed_over() -> None:
    """With A and B left of three, the next review is half and half."""
    close = np.full((len(AXIS), 3), 10.0)
    definition = a_definition(base=AXIS[WARM_UP], frequency=Frequency.DAILY)
    held = build_index(definition, some_inputs(close, axis=AXIS)).compositions.at(1)
    found = pro_forma(definition, some_inputs(close[:, :2], axis=AXIS), held, AXIS[-2])
    assert held.asset.tolist() == [1, 2, 3]
    assert found.weights.tolist() == [0.5, 0.5]
