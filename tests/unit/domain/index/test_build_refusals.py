from dataclasses import replace

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, days, random_closes, sessions, some_inputs

from waardhaven.domain.index.build import (
    InvalidOpening,
    MalformedInputs,
    ShortWarmUp,
    UnpricedHolding,
    build_index,
    warm_up_sessions,
)
from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.index.strategies import InvalidStrategy
from waardhaven.domain.market.calendar import NotASession

BASE = sessions(WARM_UP + 1)[-1]
nan = np.nan


def test_the_warm_up_covers_lag_lookback_and_fill_limit() -> None:
    assert warm_up_sessions(a_definition("equal_weight")) == 61 + 2
    assert warm_up_sessions(a_definition("momentum", {"lookback": 200}, lag=3)) == 203 + 2
    with pytest.raises(InvalidStrategy):
        warm_up_sessions(a_definition("alpha"))


def test_a_short_warm_up_is_refused_with_both_numbers() -> None:
    inputs = some_inputs(random_closes(6, 70, 2))
    with pytest.raises(ShortWarmUp, match="63 sessions") as caught:
        build_index(a_definition(base=inputs.panel.days[62]), inputs)
    assert caught.value.context == {"needed": 63, "available": 62}
    assert build_index(a_definition(base=inputs.panel.days[63]), inputs).levels.level[0] == 100.0


@pytest.mark.parametrize("base", ["2020-05-09", "2031-01-02"])
def test_a_base_date_without_a_session_is_refused(base: str) -> None:
    with pytest.raises(NotASession, match="base_date"):
        build_index(a_definition(base=base), some_inputs(random_closes(6, 100, 2)))


def opened(**changes: object) -> IndexState:
    state = IndexState(
        day=BASE,
        level=100.0,
        divisor=1.0,
        assets=np.array([1, 2]),
        units=np.array([1.0, 1.0]),
        previous_level=99.0,
    )
    return replace(state, **changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": nan}, "Level and divisor"),
        ({"level": 0.0}, "Level and divisor"),
        ({"divisor": np.inf}, "Level and divisor"),
        ({"units": np.array([1.0, 0.0])}, "units above zero"),
        ({"units": np.array([1.0, nan])}, "units above zero"),
        ({"assets": np.array([], dtype=np.int64), "units": np.array([])}, "units above zero"),
        ({"previous_level": nan}, "previous_level"),
    ],
)
def test_an_opening_that_can_not_be_right_is_refused(change: dict[str, object], message: str) -> None:
    definition = a_definition(base="2020-05-05", drop=-0.05)
    with pytest.raises(InvalidOpening, match=message):
        build_index(definition, some_inputs(random_closes(6, 100, 2)), opening=opened(**change))


def test_an_opening_before_the_base_date_is_refused() -> None:
    with pytest.raises(InvalidOpening, match="before the base date"):
        build_index(a_definition(base="2020-05-07"), some_inputs(random_closes(6, 100, 2)), opening=opened())


def test_a_previous_level_is_not_needed_without_a_drop_threshold() -> None:
    opening = opened(previous_level=nan)
    inputs = some_inputs(random_closes(6, 100, 2))
    assert len(build_index(a_definition(base="2020-05-05"), inputs, opening=opening).levels) == 9


def test_an_opening_on_a_day_without_a_session_is_refused() -> None:
    with pytest.raises(NotASession, match=r"opening\.day"):
        build_index(
            a_definition(),
            some_inputs(random_closes(6, 100, 2)),
            opening=opened(day=np.datetime64("2020-05-09")),
        )


@pytest.mark.parametrize("assets", [[1, 9], [0, 1]])
def test_a_held_name_outside_the_inputs_is_refused(assets: list[int]) -> None:
    opening = opened(assets=np.array(assets))
    with pytest.raises(UnpricedHolding):
        build_index(a_definition(base="2020-05-05"), some_inputs(random_closes(6, 100, 2)), opening=opening)


def test_a_held_name_without_any_price_up_to_the_opening_is_refused() -> None:
    close = random_closes(6, 100, 2)
    close[: WARM_UP + 1, 1] = nan
    with pytest.raises(UnpricedHolding) as caught:
        build_index(a_definition(base="2020-05-05"), some_inputs(close), opening=opened())
    assert caught.value.context == {"assets": [2]}


def bad_inputs(**changes: object) -> list[str]:
    inputs = some_inputs(random_closes(6, 100, 2))
    panel = {name: changes.pop(name) for name in ("days", "assets", "close") if name in changes}
    inputs = replace(inputs, panel=replace(inputs.panel, **panel), **changes)
    with pytest.raises(MalformedInputs) as caught:
        build_index(a_definition(), inputs)
    return [error.field for error in caught.value.errors]


def test_inputs_of_another_shape_are_refused() -> None:
    assert bad_inputs(fx=np.ones((100, 3)), shares=np.ones((99, 2))) == ["fx", "shares"]
    assert bad_inputs(days=days()) == ["panel.close", "fx", "shares", "member"]


def test_inputs_without_assets_are_refused() -> None:
    empty = np.empty((100, 0))
    found = bad_inputs(
        assets=np.empty(0, dtype=np.int64), close=empty, fx=empty, shares=empty, member=empty.astype(np.bool_)
    )
    assert found == []


def test_axes_must_increase() -> None:
    axis = sessions(100)
    assert bad_inputs(days=axis[::-1], assets=np.array([2, 1])) == ["panel.days", "panel.assets"]
    broken = axis.copy()
    broken[5] = np.datetime64("NaT", "D")
    assert bad_inputs(days=broken) == ["panel.days"]


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, 1e16])
def test_closes_no_market_could_print_are_refused(value: float) -> None:
    close = random_closes(6, 100, 2)
    close[50, 1] = value
    assert bad_inputs(close=close) == ["panel.close"]


def test_rates_and_shares_out_of_this_world_are_refused() -> None:
    assert bad_inputs(fx=np.full((100, 2), -1.0), shares=np.full((100, 2), -1.0)) == ["fx", "shares"]
