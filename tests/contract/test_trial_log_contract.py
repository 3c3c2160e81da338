"""TrialLog: what every implementation must do, and that builds count."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.contract.conftest import Stores
from tests.contract.indexes import DEFINITION, a_stored_build, an_index

from waardhaven.application.ports.trial_log import TrialLog
from waardhaven.domain.identity.roles import OPERATOR, SYSTEM
from waardhaven.domain.index.definition import RestatementPolicy, StrategySpec
from waardhaven.domain.index.trials import LABELS, LEAST_RETURNS, session_ratio

OTHER_LABELS: dict[str, Any] = {
    "slug": "another",
    "name": "Another name",
    "description": "Other words",
    "base_value": 1000.0,
    "decimals": 2,
    "benchmark": "SPY",
    "restatement": RestatementPolicy.RESTATE,
    "restatement_threshold": 0.5,
}
NAN = float("nan")


async def test_nothing_was_tried_for_an_index_that_nobody_built(stores: Stores):
    index = await an_index(stores)
    log: TrialLog = stores.trials
    found = await log.tried(index.id)
    assert (found.count, found.ratios.tolist()) == (0, [])


async def test_a_variant_counts_once_and_keeps_its_first_known_ratio(stores: Stores):
    index = await an_index(stores)
    momentum = replace(DEFINITION, strategy=StrategySpec(name="momentum"))
    for definition, ratio in ((DEFINITION, NAN), (DEFINITION, 0.05), (DEFINITION, 0.07), (DEFINITION, NAN)):
        await stores.trials.count(index.id, definition, ratio, by=OPERATOR)
    await stores.trials.count(index.id, momentum, -0.01, by=OPERATOR)
    found = await stores.trials.tried(index.id)
    assert found.count == 2
    assert found.ratios.tolist() == [0.05, -0.01]
    assert found.ratios.dtype == np.float64


@pytest.mark.parametrize("name", LABELS)
async def test_rules_that_differ_in_a_label_alone_are_one_variant(stores: Stores, name: str):
    index = await an_index(stores)
    await stores.trials.count(index.id, DEFINITION, 0.05, by=OPERATOR)
    await stores.trials.count(index.id, replace(DEFINITION, **{name: OTHER_LABELS[name]}), 0.05, by=OPERATOR)
    assert (await stores.trials.tried(index.id)).count == 1


@pytest.mark.parametrize(
    "change",
    [{"base_date": DEFINITION.base_date + timedelta(1)}, {"currency": "EUR"}, {"cost_rate": 0.001}],
)
async def test_any_other_rule_makes_another_variant(stores: Stores, change: dict[str, Any]):
    index = await an_index(stores)
    await stores.trials.count(index.id, DEFINITION, 0.05, by=OPERATOR)
    await stores.trials.count(index.id, replace(DEFINITION, **change), 0.05, by=OPERATOR)
    assert (await stores.trials.tried(index.id)).count == 2


async def test_indices_count_apart_and_an_instant_sees_what_was_tried_before(stores: Stores):
    index = await an_index(stores)
    await stores.trials.count(index.id, DEFINITION, 0.05, by=OPERATOR)
    build = await a_stored_build(stores, await an_index(stores, slug="other"))
    assert (await stores.trials.tried(index.id)).count == 1
    assert (await stores.trials.tried(build.index)).count == 1
    assert (await stores.trials.tried(index.id, as_of=build.created_at - timedelta(days=9_999))).count == 0


async def test_a_build_counts_as_the_variant_that_a_preview_of_its_rules_is(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    assert len(build.result.levels) <= LEAST_RETURNS
    await stores.builds.save(build, by=OPERATOR)
    found = await stores.trials.tried(index.id)
    assert (found.count, found.ratios.tolist()) == (1, [])
    await stores.trials.count(index.id, index.definition, 0.04, by=OPERATOR)
    assert (await stores.trials.tried(index.id)).count == 1


async def test_a_long_build_counts_with_the_ratio_of_its_levels(stores: Stores):
    index = await an_index(stores)
    build = await a_stored_build(stores, index)
    level = 100.0 * np.cumprod(1.0 + np.random.default_rng(1).normal(0.001, 0.01, LEAST_RETURNS + 1))
    days = np.arange(len(level)) + build.result.levels.day[0]
    levels = replace(build.result.levels, day=days, level=level)
    await a_stored_build(stores, index, result=replace(build.result, levels=levels))
    found = await stores.trials.tried(index.id)
    assert found.count == 1
    assert found.ratios.tolist() == [session_ratio(level)]


async def test_counting_at_once_counts_once(stores: Stores):
    index = await an_index(stores)
    await asyncio.gather(*(stores.trials.count(index.id, DEFINITION, 0.05, by=OPERATOR) for _ in range(8)))
    assert (await stores.trials.tried(index.id)).ratios.tolist() == [0.05]


async def test_a_new_variant_is_told_of_and_recorded_once(stores: Stores):
    index = await an_index(stores)
    before = len(await stores.kinds())
    for _ in range(2):
        await stores.trials.count(index.id, DEFINITION, 0.05, by=SYSTEM)
    assert (await stores.kinds())[before:] == ["index.variant_tried"]
    (entry,) = await stores.recorded("index.variant_tried")
    assert (entry.target, entry.credential) == (f"index:{index.id}", "system")
