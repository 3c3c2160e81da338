"""Inputs of a build: the session axis from a later row on, and cash as a first column."""

from dataclasses import replace

import numpy as np
from tests.factories import WARM_UP, a_definition, random_closes, sessions, some_inputs

from waardhaven.domain.index.build import build_index
from waardhaven.domain.index.constraints.traits import Traits
from waardhaven.domain.types import CASH

ROWS = WARM_UP + 15
INPUTS = some_inputs(random_closes(21, ROWS, 3, gaps=0.05))


def test_inputs_from_a_later_row_on_are_views_of_the_same_numbers() -> None:
    later = INPUTS.since(7)
    assert later.panel.days.tolist() == sessions(ROWS)[7:].tolist()
    for name in ("fx", "shares", "member"):
        assert np.shares_memory(getattr(later, name), getattr(INPUTS, name))
        assert getattr(later, name).shape == (ROWS - 7, 3)
    assert np.shares_memory(later.panel.close, INPUTS.panel.close)
    np.testing.assert_array_equal(later.panel.close, INPUTS.panel.close[7:])


def test_a_build_from_a_later_row_on_gives_the_same_levels() -> None:
    definition = a_definition(base=sessions(ROWS)[WARM_UP])
    whole, part = build_index(definition, INPUTS), build_index(definition, INPUTS.since(20))
    assert part.levels.level.tolist() == whole.levels.level.tolist()


def test_cash_is_worth_one_belongs_to_no_group_and_is_no_member() -> None:
    named = Traits(sector=("a", "b", "c"), country=("US", "DE", None), currency=("USD", "EUR", "USD"))
    found = replace(INPUTS, traits=named).with_cash().checked()
    assert found.panel.assets.tolist() == [CASH, 1, 2, 3]
    assert (found.panel.close[:, 0] == 1.0).all()
    assert (found.fx[:, 0] == 1.0).all()
    assert np.isnan(found.shares[:, 0]).all()
    assert not found.member[:, 0].any()
    assert found.traits == Traits(
        sector=(None, "a", "b", "c"), country=(None, "US", "DE", None), currency=(None, "USD", "EUR", "USD")
    )
