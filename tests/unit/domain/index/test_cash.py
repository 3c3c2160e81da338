"""An index that may hold cash: what a volatility target leaves out of the market, and what that earns."""

from math import sqrt

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, sessions, some_inputs, warmed

from waardhaven.domain.index.build import IndexResult, build_index
from waardhaven.domain.types import CASH, Floats

AXIS = sessions(WARM_UP + 3)
STEADY = warmed([[10.0, 20.0], [11.0, 22.0]])


def restless(move: float) -> Floats:
    """Return closes of two names that rise and fall by 2 % in turns up to the base, then by ``move``."""
    signs = np.where(np.arange(WARM_UP + 1) % 2, 0.02, -0.02)[:, None] * np.ones(2)
    close = 10.0 * np.cumprod(1.0 + signs, axis=0)
    return np.vstack([close, close[-1] * (1.0 + move)])


def built(close: Floats, **params: object) -> IndexResult:
    return build_index(a_definition("volatility_target", params, base=AXIS[WARM_UP]), some_inputs(close))


def weights(result: IndexResult) -> dict[int, float]:
    base = result.compositions.at(0)
    return dict(zip(base.asset.tolist(), base.weight.tolist(), strict=True))


def test_what_exceeds_the_target_is_held_in_cash() -> None:
    """Every return is 2 % in size, so its annual deviation is 0.02 x sqrt(252) = 31.7 %: exposure 31.5 %."""
    exposure = 0.1 / (0.02 * sqrt(252))
    found = weights(built(restless(0.0), target=0.1))
    assert found == pytest.approx({CASH: 1 - exposure, 1: exposure / 2, 2: exposure / 2}, rel=1e-12)


@pytest.mark.parametrize("move", [0.1, -0.1])
def test_cash_stands_still_while_the_names_move(move: float) -> None:
    exposure = 0.1 / (0.02 * sqrt(252))
    result = built(restless(move), target=0.1)
    assert result.levels.level[1] == pytest.approx(100.0 * (1.0 + exposure * move), rel=1e-12)


def test_a_target_that_is_not_reached_leaves_no_cash() -> None:
    found = weights(built(restless(0.0), target=0.4))
    assert found == pytest.approx({1: 0.5, 2: 0.5}, rel=1e-15)


def test_the_largest_exposure_keeps_cash_in_a_calm_market() -> None:
    """80 % in two names that rise by a tenth, 20 in cash: 100 becomes 108."""
    result = built(STEADY, max_exposure=0.8)
    assert weights(result) == pytest.approx({CASH: 0.2, 1: 0.4, 2: 0.4}, rel=1e-15)
    assert result.levels.level.tolist() == pytest.approx([100.0, 108.0], rel=1e-15)


def test_cash_has_a_price_of_one_and_is_in_the_closing_state() -> None:
    closing = built(STEADY, max_exposure=0.8).closing
    assert closing.assets.tolist() == [CASH, 1, 2]
    assert closing.units.tolist() == pytest.approx([20.0, 4.0, 2.0], rel=1e-15)


def test_a_strategy_without_an_overlay_holds_no_cash() -> None:
    result = build_index(a_definition(base=AXIS[WARM_UP]), some_inputs(STEADY))
    assert CASH not in result.closing.assets.tolist()
