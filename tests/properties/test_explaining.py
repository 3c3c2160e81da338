"""A level taken apart sums to the level, and a review taken apart ends in the weights that are held."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories import WARM_UP, cut
from tests.properties.naive_index import TYPICAL
from tests.properties.test_corporate_actions import FAMILIES, for_family, moving, some_companies
from tests.properties.test_index_engine import NAMES, a_market, for_market

from waardhaven.domain.index.build import IndexInputs, build_index, compute
from waardhaven.domain.index.definition import Constraints, IndexDefinition, WithholdingRate
from waardhaven.domain.index.explaining.last_session import LastSession, last_session
from waardhaven.domain.index.explaining.level_change import LevelChange
from waardhaven.domain.index.explaining.session import Session
from waardhaven.domain.index.explaining.weighing import Refusal
from waardhaven.domain.market.calendar import Frequency

ROWS = WARM_UP + 60
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)


def costly(definition: IndexDefinition) -> IndexDefinition:
    return replace(definition, cost_rate=0.002, withholding=(WithholdingRate(country="*", rate=0.2),))


def close_to(found: float, wanted: float, level: float) -> bool:
    return abs(found - wanted) <= 1e-9 * abs(level)


def taken_apart(definition: IndexDefinition, inputs: IndexInputs) -> list[tuple[float, LevelChange]]:
    """Return the cost of the review of each session, 0 for none, and its change of level taken apart."""
    computed = compute(definition, inputs)
    chain = computed.chain
    sessions = [Session.of(computed, row) for row in range(computed.start + 1, len(chain.levels))]
    return [(float(chain.cost[one.row]), LevelChange.of(one, chain.rules.kept)) for one in sessions]


@few
@given(seed=seeds, family=st.sampled_from(FAMILIES), frequency=st.sampled_from(list(Frequency)))
def test_the_parts_of_every_change_of_level_sum_to_it_whatever_companies_do(
    seed: int, family: str, frequency: Frequency
) -> None:
    inputs = some_companies(seed, moving(seed), paying=True).inputs()
    definition = costly(for_family(family, frequency=frequency, drop=-0.02))
    for cost, change in taken_apart(definition, inputs):
        assert close_to(change.explained, change.change, change.level)
        assert close_to(change.actions, 0.0, change.level)
        assert close_to(change.correction, 0.0, change.level)
        assert close_to(float(change.action.sum()), change.actions, change.level)
        assert change.costs <= 1e-9
        assert (change.costs < -1e-9) == (cost > 1e-9)


@few
@given(seed=seeds, family=st.sampled_from(FAMILIES))
def test_distributions_of_names_sum_to_what_total_return_earns(seed: int, family: str) -> None:
    inputs = some_companies(seed, moving(seed), paying=True).inputs()
    definition = costly(for_family(family))
    levels = build_index(definition, inputs).levels
    for i, (_, change) in enumerate(taken_apart(definition, inputs), start=1):
        for points, variant in ((change.gross, levels.gross), (change.net, levels.net)):
            grown = (change.level + points.sum()) / change.level_before
            assert grown == pytest.approx(variant[i] / variant[i - 1], rel=1e-12)


@few
@given(seed=seeds, name=st.sampled_from(NAMES), frequency=st.sampled_from(list(Frequency)))
def test_parts_sum_to_the_change_for_every_strategy_with_gaps_and_currencies(
    seed: int, name: str, frequency: Frequency
) -> None:
    inputs = a_market(seed)
    definition = replace(for_market(inputs, name, frequency=frequency, drop=-0.015), cost_rate=0.001)
    for _, change in taken_apart(definition, inputs):
        assert close_to(change.explained, change.change, change.level)
        assert close_to(change.correction, 0.0, change.level)
        own = change.assets % 2 == 0
        assert (change.currency[own] == 0.0).all()
        known = np.isfinite(change.own_return)
        both = (1.0 + change.local_return) * (1.0 + change.currency_return)
        np.testing.assert_allclose(1.0 + change.own_return[known], both[known], rtol=1e-12)


def stretch(definition: IndexDefinition, inputs: IndexInputs, row: int) -> LastSession:
    """Explain ``row`` from the state of the session before it, as the use case does."""
    if row == WARM_UP:
        return last_session(definition, cut(inputs, slice(0, row + 1)))
    before = build_index(definition, cut(inputs, slice(0, row)))
    return last_session(definition, cut(inputs, slice(0, row + 1)), before.closing)


@few
@given(seed=seeds, name=st.sampled_from(NAMES), row=st.integers(WARM_UP, ROWS - 1), capped=st.booleans())
def test_one_session_alone_explains_the_weights_of_its_review_and_reproduces_the_build(
    seed: int, name: str, row: int, capped: bool
) -> None:
    inputs = a_market(seed)
    definition = for_market(inputs, name, frequency=Frequency.DAILY, params=TYPICAL.get(name, {}))
    if capped:
        definition = replace(definition, constraints=Constraints(max_weight=0.4, max_turnover=0.5))
    full = build_index(definition, inputs)
    found = stretch(definition, inputs, row)
    assert found.closing.level == full.levels.level[row - WARM_UP]
    held = full.compositions.in_force(found.closing.day)
    names = np.flatnonzero(found.closing.units)
    assert found.closing.assets[names].tolist() == held.asset.tolist()
    assert found.closing.units[names].tobytes() == held.units.tobytes()
    assert found.closing.weight.sum() == pytest.approx(1.0, abs=1e-12)
    if found.review is None:
        return
    weights = found.review.weights
    assert weights[np.flatnonzero(weights)].tobytes() == held.weight.tobytes()
    assert found.review.turnover == pytest.approx(held.turnover, abs=1e-12) or row == WARM_UP
    for before, after in zip(found.review.effects, found.review.effects[1:], strict=False):
        assert np.array_equal(before.after, after.before)
    assert capped or not found.review.effects


@few
@given(seed=seeds)
def test_sleeves_of_a_blend_mix_to_its_weights(seed: int) -> None:
    inputs = a_market(seed)
    found = stretch(for_market(inputs, "blend", frequency=Frequency.DAILY), inputs, ROWS - 1)
    review = found.review
    mixed = sum(one.share * one.weights for one in review.strategy.sleeves)
    np.testing.assert_allclose(mixed / mixed.sum(), review.target, atol=1e-12)
    figures = [set(one.figures) for one in review.strategy.sleeves]
    assert figures == [{"momentum"}, {"market_cap"}, {"volatility"}]
    outside = {Refusal.MARKET_CAP_UNKNOWN}  # of one sleeve alone
    refused = np.array([bool(set(review.refused(i)) - outside) for i in range(len(review.assets))])
    assert not (review.target[refused] > 0.0).any()
