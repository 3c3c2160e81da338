"""What every strategy of the registry must keep, on made-up signals without an index around them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.naive_index import TYPICAL

from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.index.strategies import STRATEGIES, prepare
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import BoundStrategy
from waardhaven.domain.quant.covariance import ESTIMATORS
from waardhaven.domain.quant.quadratic_programme import Infeasible, NotSolved

NAMES = [one.name for one in STRATEGIES]
OPTIMISERS = ("minimum_variance", "maximum_sharpe", "maximum_diversification")
BY_COVARIANCE = (*OPTIMISERS, "equal_risk", "hierarchical_risk_parity")
ORDERED = ("hierarchical_risk_parity",)  # of two names that pair up, the order decides
SESSIONS, REVIEWS = 75, 4

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)


def bound(name: str, **params: object) -> BoundStrategy:
    return prepare(StrategySpec(name=name, params={**TYPICAL.get(name, {}), **params}))


def a_scene(seed: int, *, columns: int = 6) -> Signals:
    """Return four reviews with holes, dead names, unknown caps and names that are not eligible."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0003, 0.008, (SESSIONS, 1)) * rng.uniform(0.2, 1.8, columns)
    returns = market + rng.standard_t(5, (SESSIONS, columns)) * 0.01 * rng.uniform(0.2, 2.0, columns)
    returns[rng.random(returns.shape) < 0.002] = np.nan
    returns[:, rng.random(columns) < 0.1] = 0.0
    caps = np.exp(rng.normal(5.0, 1.0, (REVIEWS, columns)))
    caps[:, rng.random(columns) < 0.2] = np.nan
    return Signals(
        assets=np.arange(1, columns + 1),
        eligible=rng.random((REVIEWS, columns)) < 0.8,
        price=np.exp(rng.normal(4.0, 1.0, (REVIEWS, columns))),
        market_cap=caps,
        returns=returns,
        rows=np.arange(SESSIONS - REVIEWS, SESSIONS),
        limits=Limits.free(columns),
    )


def columns_of(signals: Signals, order: np.ndarray) -> Signals:
    return replace(
        signals,
        eligible=signals.eligible[:, order],
        price=signals.price[:, order],
        market_cap=signals.market_cap[:, order],
        returns=signals.returns[:, order],
        limits=signals.limits.among(order),
    )


@pytest.mark.parametrize("name", NAMES)
@few
@given(seed=seeds)
def test_weights_are_never_negative_or_missing_and_sum_to_one_or_to_nothing(name: str, seed: int) -> None:
    scene = a_scene(seed)
    weights = bound(name).weigh(scene)
    assert weights.shape == scene.eligible.shape
    assert (weights >= 0.0).all()
    assert (weights[~scene.eligible] == 0.0).all()
    total = weights.sum(axis=1)
    full = total <= 1.0 if name == "volatility_target" else (np.abs(total - 1.0) <= 1e-15) | (total == 0.0)
    assert full.all()


@pytest.mark.parametrize("name", NAMES)
@few
@given(seed=seeds)
def test_what_happens_to_names_that_are_not_eligible_changes_no_bit(name: str, seed: int) -> None:
    scene = a_scene(seed)
    out = ~scene.eligible.any(axis=0)
    wild = replace(
        scene,
        price=np.where(scene.eligible, scene.price, 1e9),
        market_cap=np.where(scene.eligible, scene.market_cap, np.nan),
        returns=np.where(
            out, np.random.default_rng(seed).normal(0.0, 0.5, scene.returns.shape), scene.returns
        ),
    )
    strategy = bound(name)
    assert strategy.weigh(scene).tobytes() == strategy.weigh(wild).tobytes()


@pytest.mark.parametrize("name", NAMES)
@few
@given(seed=seeds)
def test_each_review_alone_has_the_bits_of_all_together(name: str, seed: int) -> None:
    scene, strategy = a_scene(seed), bound(name)
    together = strategy.weigh(scene)
    for review in range(REVIEWS):
        alone = scene.alone(review, scene.eligible[review])
        early = int(scene.rows[review]) - strategy.lookback + 1 if strategy.lookback else 0
        cut = replace(alone, returns=scene.returns[early:].copy(), rows=alone.rows - early)
        assert strategy.weigh(cut)[0].tobytes() == together[review].tobytes()


@pytest.mark.parametrize("name", NAMES)
@few
@given(seed=seeds)
def test_returns_after_the_selection_day_change_no_bit(name: str, seed: int) -> None:
    scene = a_scene(seed)
    later = scene.returns.copy()
    later[scene.rows[0] + 1 :] = np.random.default_rng(seed).normal(
        0.0, 0.1, later[scene.rows[0] + 1 :].shape
    )
    strategy = bound(name)
    pair = [strategy.weigh(one)[0].tobytes() for one in (scene, replace(scene, returns=later))]
    assert pair[0] == pair[1]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {*ORDERED, "fixed"}])
@few
@given(seed=seeds, order=st.permutations(range(6)))
def test_the_order_of_names_does_not_matter(name: str, seed: int, order: list[int]) -> None:
    scene, strategy = a_scene(seed), bound(name)
    there = np.array(order)
    np.testing.assert_allclose(
        strategy.weigh(columns_of(scene, there)), strategy.weigh(scene)[:, there], atol=1e-9
    )


@pytest.mark.parametrize("name", [*BY_COVARIANCE, "inverse_volatility"])
@pytest.mark.parametrize("factor", [0.01, 8.0])
@few
@given(seed=seeds)
def test_the_scale_of_returns_does_not_matter(name: str, factor: float, seed: int) -> None:
    scene, strategy = a_scene(seed), bound(name)
    scaled = replace(scene, returns=scene.returns * factor)
    np.testing.assert_allclose(strategy.weigh(scaled), strategy.weigh(scene), atol=1e-9)


@pytest.mark.parametrize("name", OPTIMISERS)
@few
@given(seed=seeds, most=st.floats(0.05, 1.0), least=st.floats(0.0, 0.2), cap=st.floats(0.1, 1.0))
def test_optimisers_keep_every_limit_or_say_why_they_can_not(
    name: str, seed: int, most: float, least: float, cap: float
) -> None:
    limits = Limits(
        lower=np.full(6, min(least, most)),
        upper=np.full(6, most),
        member=np.array([[True, True, False, False, False, False], [False, True, True, True, False, False]]),
        cap=np.array([cap, max(cap, 0.4)]),
    )
    scene = replace(a_scene(seed), limits=limits)
    moving = scene.volatility(60) > 0.0
    try:
        weights = bound(name).weigh(scene)
    except Infeasible:
        return
    for row, names in zip(weights, moving & scene.eligible, strict=True):
        if names.any():
            assert (row <= limits.upper + 1e-12).all()
            assert (row[names] >= limits.lower[names] - 1e-12).all()
            assert (limits.member @ row <= limits.cap + 1e-12).all()


@pytest.mark.parametrize("name", BY_COVARIANCE)
@pytest.mark.parametrize("estimator", ESTIMATORS)
@few
@given(seed=seeds, sessions=st.integers(3, 40), columns=st.integers(1, 30))
def test_a_covariance_of_too_few_sessions_gives_valid_weights(
    name: str, estimator: str, seed: int, sessions: int, columns: int
) -> None:
    scene = a_scene(seed, columns=columns)
    strategy = bound(name, covariance=estimator, lookback=sessions)
    try:
        weights = strategy.weigh(scene)
    except NotSolved:  # names that cancel each other have no equal risk; none do where variances are shared
        refused = (name, estimator in {"ledoit_wolf", "oracle_approximating"})
        assert refused == ("equal_risk", False)
        return
    total = weights.sum(axis=1)
    assert (weights >= 0.0).all()
    assert ((np.abs(total - 1.0) <= 1e-12) | (total == 0.0)).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_round_trips_through_json(name: str) -> None:
    strategy = bound(name)
    written = {one.name: one.default for one in strategy.strategy.parameters} | TYPICAL.get(name, {})
    read = prepare(StrategySpec(name=name, params=json.loads(json.dumps(written))))
    assert read == strategy
