"""Random definitions over random, often degenerate markets: a valid index or a clear refusal, in time.

``make fuzz`` runs ten thousand of them; the usual run takes a sample of the same sequence.
"""

import os
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, random_closes, sessions, some_inputs

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.build import IndexInputs, IndexResult, build_index
from waardhaven.domain.index.composition import Composition, ReviewReason
from waardhaven.domain.index.constraints.traits import Traits, group_sums, limits_of
from waardhaven.domain.index.definition import (
    Constraints,
    GroupCap,
    Grouping,
    Guards,
    IndexDefinition,
    NthWeekday,
    Schedule,
    Weekday,
    WeightBounds,
    WithholdingRate,
)
from waardhaven.domain.index.events import EventColumns, EventKind
from waardhaven.domain.index.strategies import STRATEGIES
from waardhaven.domain.index.validation import validated
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.quant.covariance import ESTIMATORS

RUNS = max(int(os.environ.get("FUZZ", "1000")), 250)
SLICES = 25
ROWS = WARM_UP + 40
LONGEST = 20.0
"""Seconds of processor time one definition may take: a hang, not a speed."""
TOLERANCE = 1e-12
Rng = np.random.Generator


def a_market(rng: Rng) -> IndexInputs:
    """Return closes of up to eight names: dead, equal, short-lived, gappy, with and without caps."""
    columns = int(rng.integers(1, 9))
    close = random_closes(int(rng.integers(2**31)), ROWS, columns, gaps=float(rng.choice([0.0, 0.05, 0.4])))
    close[0] = 50.0
    for column in range(columns):
        fate = rng.integers(0, 8)
        if fate == 0:
            close[:, column] = 10.0
        elif fate == 1:
            close[:, column] = close[:, 0]
        elif fate == 2:
            close[int(rng.integers(1, ROWS)) :, column] = np.nan
        elif fate == 3:
            close[: int(rng.integers(1, ROWS)), column] = np.nan
        elif fate == 4:
            close[:, column] = np.linspace(90.0, 1.0, ROWS)
    shares = np.tile(np.exp(rng.normal(5, 3, columns)), (ROWS, 1))
    shares[:, rng.random(columns) < 0.2] = np.nan
    member = np.tile(rng.random(columns) < 0.9, (ROWS, 1))
    countries, sectors = ("US", "NL", None), ("Energy", "Health", None)
    return replace(
        some_inputs(close, shares=shares, member=member),
        events=some_events(rng, columns),
        traits=Traits(
            sector=tuple(sectors[i] for i in rng.integers(0, 3, columns)),
            country=tuple(countries[i] for i in rng.integers(0, 3, columns)),
            currency=("USD",) * columns,
        ),
    )


def some_events(rng: Rng, columns: int) -> EventColumns:
    count = int(rng.integers(0, 6))
    kind = rng.integers(0, len(EventKind), count)
    ratio = rng.choice([0.1, 0.5, 2.0, np.nan], count)
    return EventColumns(
        asset=rng.integers(1, columns + 1, count),
        ex_date=sessions(ROWS)[rng.integers(1, ROWS, count)],
        kind=kind.astype(np.int8),
        ratio=ratio,
        cash=rng.choice([0.0, 0.5, 30.0, 500.0, np.nan], count),
        other=rng.choice([-1, 1, columns], count),
    ).ordered()


def some_params(rng: Rng, name: str, columns: int) -> dict[str, object]:
    if name == "fixed":
        names = [str(one) for one in range(1, columns + 1)]
        return {"weights": dict.fromkeys(names, 1.0 / columns)}
    if name == "blend":
        inner = rng.choice(["momentum", "minimum_variance", "market_cap", "equal_risk", "price"], 2)
        return {"sleeves": [{"strategy": str(one), "weight": 0.5} for one in inner]}
    if name == "volatility_target":
        target = float(rng.choice([0.001, 0.1, 2.0]))
        return {"strategy": {"name": str(rng.choice(["momentum", "maximum_sharpe"]))}, "target": target}
    found: dict[str, object] = {}
    for one in next(each for each in STRATEGIES if each.name == name).parameters:
        if one.name == "covariance" and rng.random() < 0.7:
            found[one.name] = str(rng.choice(list(ESTIMATORS)))
        elif one.name == "lookback" and rng.random() < 0.7:
            found[one.name] = int(rng.choice([-1, 3, 20, 60]))
        elif one.name == "threshold":
            found[one.name] = float(rng.choice([0.0, 0.05, 9.0]))
    return found


def maybe(rng: Rng, chance: float, *choices: Any) -> Any:
    """Return one of ``choices`` by chance, else None."""
    return choices[int(rng.integers(len(choices)))] if rng.random() < chance else None


def some_constraints(rng: Rng, columns: int) -> Constraints:
    if rng.random() < 0.3:
        return Constraints()
    caps = [
        GroupCap(by=by, maximum=float(rng.choice([0.2, 0.5, 0.9])))
        for by in (Grouping.SECTOR, Grouping.COUNTRY)
        if rng.random() < 0.25
    ]
    asset = int(rng.integers(1, columns + 1))
    return Constraints(
        min_weight=float(rng.choice([0.0, 0.0, 0.02, 0.3])),
        max_weight=float(rng.choice([1.0, 0.6, 0.35, 0.05])),
        bounds=(WeightBounds(asset=asset, minimum=0.05, maximum=0.3),) if rng.random() < 0.2 else (),
        group_caps=tuple(caps),
        max_names=maybe(rng, 0.3, 1, 3, 5),
        buffer=int(rng.choice([0, 0, 2])),
        min_position=float(rng.choice([0.0, 0.0, 0.05])),
        max_turnover=maybe(rng, 0.3, 0.0, 0.1, 1.0),
    )


def a_random_definition(rng: Rng, inputs: IndexInputs) -> IndexDefinition:
    columns = len(inputs.panel.assets)
    name = str(rng.choice([one.name for one in STRATEGIES]))
    frequency = Frequency(str(rng.choice(list(Frequency))))
    on = NthWeekday(nth=int(rng.choice([1, 3, -1, 5])), weekday=Weekday.FRIDAY, month=int(rng.choice([1, 3])))
    definition = a_definition(
        name,
        some_params(rng, name, columns),
        base=inputs.panel.days[WARM_UP],
        guards=Guards(min_price=float(rng.choice([0.0, 5.0])), max_forward_fill_days=int(rng.integers(0, 4))),
    )
    return replace(
        definition,
        schedule=Schedule(
            frequency=frequency,
            lag=int(rng.integers(1, 4)),
            daily_drop_threshold=maybe(rng, 0.5, -0.01, -0.05),
            on=on if rng.random() < 0.2 else None,
            drift_band=maybe(rng, 0.3, 0.01, 0.2),
        ),
        constraints=some_constraints(rng, columns),
        withholding=(WithholdingRate(country="*", rate=0.2),) if rng.random() < 0.5 else (),
        cost_rate=float(rng.choice([0.0, 0.001, 0.05])),
    )


def check(definition: IndexDefinition, inputs: IndexInputs, result: IndexResult) -> None:
    levels = result.levels
    for name in ("level", "gross", "net"):
        found = getattr(levels, name)
        if found is not None:
            assert np.isfinite(found).all(), name
            assert (found > 0.0).all(), name
    for i in range(len(result.compositions)):
        composition = result.compositions.at(i)
        assert (composition.weight >= 0.0).all()
        assert (composition.units > 0.0).all()
        assert abs(float(composition.weight.sum()) - 1.0) <= TOLERANCE
        if composition.reason is not ReviewReason.ACTION and definition.constraints.max_turnover is None:
            check_limits(definition, inputs, composition)


def check_limits(definition: IndexDefinition, inputs: IndexInputs, composition: Composition) -> None:
    assert inputs.traits is not None
    limits = limits_of(definition.constraints, inputs.panel.assets, inputs.traits)
    weights = np.zeros(len(inputs.panel.assets))
    names = composition.asset > 0
    weights[np.searchsorted(inputs.panel.assets, composition.asset[names])] = composition.weight[names]
    held = weights > 0.0
    assert (weights <= limits.upper + TOLERANCE).all()
    assert (weights[held] >= limits.lower[held] - TOLERANCE).all()
    assert (group_sums(limits, weights) <= limits.cap + TOLERANCE).all()
    if definition.constraints.max_names is not None:
        assert held.sum() <= definition.constraints.max_names


def outcome(definition: IndexDefinition, inputs: IndexInputs) -> IndexResult | Invalid:
    try:
        return build_index(validated(definition), inputs)
    except Invalid as refusal:
        return refusal


def judge(number: int) -> bool:
    """Build or refuse one definition and check what came of it; return whether it was built."""
    rng = np.random.default_rng([6, number])
    inputs = a_market(rng)
    definition = a_random_definition(rng, inputs)
    began = time.process_time()
    found = outcome(definition, inputs)
    assert time.process_time() - began < LONGEST
    if isinstance(found, Invalid):
        assert len(found.message) > 15
        return False
    check(definition, inputs, found)
    return True


@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.timeout(3600 if RUNS > 1000 else 60)
def test_a_random_definition_is_a_valid_index_or_a_clear_refusal(part: int) -> None:
    built = []
    for number in range(part, RUNS, SLICES):
        try:
            built.append(judge(number))
        except Exception as error:
            raise AssertionError(f"definition {number}: {error!r}") from error
    assert True in built
    assert False in built
