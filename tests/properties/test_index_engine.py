"""What must hold for any market and any strategy of the registry."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories import (
    WARM_UP,
    a_definition,
    autoindex,
    cut,
    random_closes,
    sample_inputs,
    sessions,
    some_inputs,
)
from tests.properties.naive_index import COVERED, TYPICAL, naive_index

from waardhaven.domain.index.build import IndexInputs, IndexResult, build_index, warm_up_sessions
from waardhaven.domain.index.composition import CompositionColumns
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.strategies import STRATEGIES
from waardhaven.domain.index.verification import first_difference
from waardhaven.domain.market.calendar import Frequency

NAMES = [strategy.name for strategy in STRATEGIES]
ROWS = WARM_UP + 60

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)
names = st.sampled_from(NAMES)
invested = st.sampled_from([strategy.name for strategy in STRATEGIES if not strategy.holds_cash])
unquoted = st.sampled_from([name for name in NAMES if name != "price"])
frequencies = st.sampled_from(list(Frequency))


def a_market(seed: int, *, rows: int = ROWS, columns: int = 6, gaps: float = 0.02) -> IndexInputs:
    """Return random closes with gaps, rates, share counts with unknowns, and changing membership."""
    rng = np.random.default_rng(seed)
    close = random_closes(seed, rows, columns, gaps=gaps)
    close[0] = 50.0
    fx = np.where(
        np.arange(columns) % 2, 1.0, np.exp(np.add.accumulate(rng.normal(0, 0.004, (rows, 1)), axis=0))
    )
    shares = np.tile(np.exp(rng.normal(7, 1, columns)), (rows, 1))
    shares[: rng.integers(0, rows), 0] = np.nan
    member = np.ones((rows, columns), dtype=np.bool_)
    member[rng.integers(WARM_UP, rows) :, -1] = False
    member[: rng.integers(0, rows), 1] = False
    return some_inputs(close, fx=fx, shares=shares, member=member)


def for_market(inputs: IndexInputs, name: str, **options: object) -> IndexDefinition:
    options["params"] = TYPICAL.get(name, {}) | options.get("params", {})
    return a_definition(name, base=inputs.panel.days[WARM_UP], **options)


def same_bits(a: IndexResult, b: IndexResult) -> bool:
    flags = all(np.array_equal(getattr(a.flags, x), getattr(b.flags, x)) for x in ("day", "asset", "kind"))
    closing = (a.closing.level, a.closing.divisor) == (b.closing.level, b.closing.divisor)
    closing &= np.array_equal(a.closing.units, b.closing.units)
    return first_difference(a, b) is None and flags and closing


def after(columns: CompositionColumns, day: np.datetime64) -> CompositionColumns:
    return CompositionColumns.of([columns.at(i) for i in range(len(columns)) if columns.effective[i] > day])


@few
@given(seed=seeds, name=st.sampled_from(sorted(COVERED)), frequency=frequencies, lag=st.integers(1, 3))
def test_levels_and_weights_equal_a_plain_loop_over_days(
    seed: int, name: str, frequency: Frequency, lag: int
) -> None:
    inputs = a_market(seed)
    params = {"sleeves": list(THREE)} if name == "blend" else {}
    definition = for_market(inputs, name, params=params, frequency=frequency, lag=lag, drop=-0.015)
    result, oracle = build_index(definition, inputs), naive_index(definition, inputs)
    assert result.levels.day.tolist() == list(oracle.levels)
    np.testing.assert_allclose(result.levels.level, list(oracle.levels.values()), rtol=1e-11)
    assert result.compositions.effective.tolist() == list(oracle.weights)
    for i, weights in enumerate(oracle.weights.values()):
        found = result.compositions.at(i)
        assert (found.asset - 1).tolist() == sorted(weights)
        np.testing.assert_allclose(found.weight, [weights[j] for j in sorted(weights)], rtol=1e-9)


THREE = (
    {"strategy": "momentum", "weight": 0.4},
    {"strategy": "market_cap", "weight": 0.3},
    {"strategy": "inverse_volatility", "weight": 0.3},
)


def test_the_default_index_equals_a_plain_loop_on_the_sample_market() -> None:
    inputs = cut(sample_inputs(), slice(2400, 3300))
    definition = autoindex()
    result, oracle = build_index(definition, inputs), naive_index(definition, inputs)
    assert list(oracle.levels) == result.levels.day.tolist()
    assert list(oracle.weights) == result.compositions.effective.tolist()
    np.testing.assert_allclose(result.levels.level, list(oracle.levels.values()), rtol=1e-12)


@few
@given(seed=seeds, name=names, frequency=frequencies, split=st.integers(WARM_UP, ROWS - 1))
def test_continuing_from_a_closing_state_equals_the_full_rebuild_bit_for_bit(
    seed: int, name: str, frequency: Frequency, split: int
) -> None:
    inputs = a_market(seed)
    definition = for_market(inputs, name, frequency=frequency, drop=-0.01)
    forced = inputs.panel.days[WARM_UP + 7 :: 19]
    full = build_index(definition, inputs, forced=forced)
    part = build_index(definition, cut(inputs, slice(0, split + 1)), forced=forced)
    early = min(split - warm_up_sessions(definition), 5)
    rest = build_index(definition, cut(inputs, slice(early, None)), opening=part.closing, forced=forced)
    levels = np.concatenate([part.levels.level, rest.levels.level])
    assert levels.tobytes() == full.levels.level.tobytes()
    halves = (part.compositions, rest.compositions)
    joined = CompositionColumns.of([one.at(i) for one in halves for i in range(len(one))])
    assert first_difference(replace(full, compositions=joined), full) is None
    for field in ("day", "asset", "kind"):
        pair = [getattr(one.flags, field) for one in (part, rest)]
        assert np.array_equal(np.concatenate(pair), getattr(full.flags, field))
    assert rest.closing.units.tobytes() == full.closing.units.tobytes()
    assert (rest.closing.level, rest.closing.previous_level) == (
        full.closing.level,
        full.closing.previous_level,
    )


@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_default_index_appended_in_steps_equals_its_rebuild_on_the_sample_market(size: int) -> None:
    inputs = cut(sample_inputs(), slice(4500, 4800))
    definition = replace(autoindex(), base_date=inputs.panel.days[250].item())
    full = build_index(definition, inputs)
    state, levels = None, []
    for end in range(251, 301, size):
        step = build_index(definition, cut(inputs, slice(0, min(end, 300))), opening=state)
        levels.append(step.levels.level)
        state = step.closing
    levels = np.concatenate(levels)
    assert levels.tobytes() == full.levels.level[: len(levels)].tobytes()
    assert np.diff(full.levels.level).min() < -5.0  # the sample holds forced reviews here (2007-2008)


@few
@given(seed=seeds, name=names, row=st.integers(WARM_UP + 1, ROWS - 1))
def test_changing_the_future_changes_nothing_before_it(seed: int, name: str, row: int) -> None:
    inputs = a_market(seed)
    definition = for_market(inputs, name, frequency=Frequency.DAILY, drop=-0.01)
    before = build_index(definition, inputs)
    future = random_closes(seed + 1, ROWS, 6, gaps=0.3, volatility=0.1)
    close = np.where(np.arange(ROWS)[:, None] >= row, future, inputs.panel.close)
    later = np.arange(ROWS)[:, None] >= row
    changed = some_inputs(
        close,
        fx=np.where(later, 3.0, inputs.fx),
        shares=np.where(later, np.nan, inputs.shares),
        member=np.where(later, ~inputs.member, inputs.member),
    )
    result = build_index(definition, changed)
    days = inputs.panel.days
    kept = before.levels.day < days[row]
    assert result.levels.level[kept].tobytes() == before.levels.level[kept].tobytes()
    upto = int(np.searchsorted(before.compositions.effective, days[row]))
    for i in range(upto):
        a, b = before.compositions.at(i), result.compositions.at(i)
        assert a.holds_as(b)
        assert a.weight.tobytes() == b.weight.tobytes()
    next_review = before.compositions.effective == days[row]
    if next_review.any() and name != "price":  # its weights were selected before the change
        i = int(next_review.argmax())
        assert before.compositions.at(i).weight.tobytes() == result.compositions.at(i).weight.tobytes()


@few
@given(seed=seeds, name=names, frequency=frequencies)
def test_an_earlier_start_of_the_warm_up_changes_nothing(seed: int, name: str, frequency: Frequency) -> None:
    inputs = a_market(seed)
    definition = for_market(inputs, name, frequency=frequency, drop=-0.01)
    late = cut(inputs, slice(WARM_UP - warm_up_sessions(definition), None))
    assert same_bits(build_index(definition, inputs), build_index(definition, late))


@few
@given(seed=seeds, name=names)
def test_assets_outside_the_universe_change_nothing_whatever_their_prices(seed: int, name: str) -> None:
    inputs = a_market(seed)
    strange = random_closes(seed + 9, ROWS, 3, gaps=0.4, volatility=0.2)
    spread = [0, 2, 4]  # places among the others where outsiders are put
    ids = np.insert(inputs.panel.assets * 10, spread, [5, 25, 45])
    wider = some_inputs(
        np.insert(inputs.panel.close, spread, strange, axis=1),
        assets=ids.tolist(),
        fx=np.insert(inputs.fx, spread, 2.0, axis=1),
        shares=np.insert(inputs.shares, spread, 1e9, axis=1),
        member=np.insert(inputs.member, spread, False, axis=1),
    )
    narrow = some_inputs(
        inputs.panel.close,
        assets=(inputs.panel.assets * 10).tolist(),
        fx=inputs.fx,
        shares=inputs.shares,
        member=inputs.member,
    )
    definition = for_market(inputs, name)
    assert same_bits(build_index(definition, narrow), build_index(definition, wider))


@few
@given(seed=seeds, name=names, frequency=frequencies)
def test_every_composition_sums_to_one_without_negative_or_missing_weights(
    seed: int, name: str, frequency: Frequency
) -> None:
    inputs = a_market(seed, gaps=0.1)
    result = build_index(for_market(inputs, name, frequency=frequency), inputs)
    for i in range(len(result.compositions)):
        weight = result.compositions.at(i).weight
        assert (weight > 0).all()
        assert abs(weight.sum() - 1.0) < 2e-15
    assert np.isfinite(result.levels.level).all()
    assert (result.levels.level > 0).all()


@few
@given(seed=seeds, name=invested, frequency=frequencies)
def test_all_in_one_asset_is_that_asset_for_every_calendar(
    seed: int, name: str, frequency: Frequency
) -> None:
    close = random_closes(seed, ROWS, 1)
    definition = for_market(some_inputs(close), name, frequency=frequency, drop=-0.01)
    result = build_index(definition, some_inputs(close))
    np.testing.assert_allclose(
        result.levels.level, 100.0 * close[WARM_UP:, 0] / close[WARM_UP, 0], rtol=1e-13
    )


@few
@given(seed=seeds, name=invested)
def test_without_reviews_the_level_is_the_weighted_growth_of_its_names(seed: int, name: str) -> None:
    close = random_closes(seed, ROWS, 5)
    inputs = some_inputs(close, axis=sessions(ROWS, "2020-01-01"))
    definition = for_market(inputs, name, frequency=Frequency.YEARLY)
    result = build_index(definition, inputs)
    base = result.compositions.at(0)
    growth = close[WARM_UP:, base.asset - 1] / close[WARM_UP, base.asset - 1]
    np.testing.assert_allclose(result.levels.level, 100.0 * growth @ base.weight, rtol=1e-13)


@few
@given(seed=seeds, name=unquoted, factor=st.floats(1e-3, 1e3))
def test_requoting_an_asset_changes_nothing(seed: int, name: str, factor: float) -> None:
    inputs = a_market(seed)
    scale = np.array([1.0, factor, 1.0, 1.0, 1.0, 1.0])
    scaled = replace(
        inputs,
        panel=replace(inputs.panel, close=inputs.panel.close * scale),
        shares=inputs.shares / scale,
    )
    definition = for_market(inputs, name)
    a, b = build_index(definition, inputs), build_index(definition, scaled)
    np.testing.assert_allclose(a.levels.level, b.levels.level, rtol=1e-12)


@few
@given(seed=seeds, name=names, k=st.integers(1, 5))
def test_a_correction_changes_no_level_before_its_day(seed: int, name: str, k: int) -> None:
    inputs = a_market(seed)
    row = WARM_UP + 10 * k
    close = inputs.panel.close.copy()
    close[row] *= 1.07
    corrected = replace(inputs, panel=replace(inputs.panel, close=close))
    definition = for_market(inputs, name, drop=-0.01)
    found = first_difference(build_index(definition, inputs), build_index(definition, corrected))
    assert found is not None
    assert found.day == inputs.panel.days[row].item()


@pytest.mark.parametrize("name", NAMES)
def test_reviews_weigh_the_same_together_and_alone(name: str) -> None:
    inputs = a_market(7)
    definition = for_market(inputs, name, frequency=Frequency.DAILY)
    together = build_index(definition, inputs)
    days = inputs.panel.days
    for i in range(1, len(together.compositions), 9):
        row = int(np.searchsorted(days, together.compositions.effective[i]))
        alone = build_index(
            replace(definition, base_date=days[row].item()), cut(inputs, slice(0, row + 1))
        ).compositions.at(0)
        assert alone.weight.tobytes() == together.compositions.at(i).weight.tobytes()
