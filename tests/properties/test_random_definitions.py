"""What must hold for every definition of the fuzz that can be built, whatever its rules are."""

from dataclasses import replace

import numpy as np
import pytest
from tests.factories import WARM_UP, cut, random_closes
from tests.properties.test_definitions_fuzz import ROWS, RUNS, a_market, a_random_definition, outcome

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.build import IndexInputs, IndexResult, build_index, warm_up_sessions
from waardhaven.domain.index.composition import CompositionColumns
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.validation import validated
from waardhaven.domain.index.verification import first_difference

PARTS = 20
EACH = max(RUNS // 66, 15)

Case = tuple[IndexDefinition, IndexInputs, IndexResult]


def built(part: int, salt: int) -> list[tuple[int, Case]]:
    """Return the definitions of a part that can be built, with a number for more chance."""
    found = []
    for number in range(part * EACH, (part + 1) * EACH):
        rng = np.random.default_rng([salt, number])
        inputs = a_market(rng)
        definition = a_random_definition(rng, inputs)
        result = outcome(definition, inputs)
        if not isinstance(result, Invalid):
            found.append((number, (validated(definition), inputs, result)))
    assert found
    return found


def variants(result: IndexResult) -> dict[str, np.ndarray]:
    named = {name: getattr(result.levels, name) for name in ("level", "gross", "net")}
    return {name: values for name, values in named.items() if values is not None}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_continuing_equals_rebuilding_bit_for_bit(part: int) -> None:
    for number, (definition, inputs, full) in built(part, 11):
        split = WARM_UP + 1 + number % (ROWS - WARM_UP - 2)
        before = build_index(definition, cut(inputs, slice(0, split + 1)))
        early = min(split - warm_up_sessions(definition), 3)
        rest = build_index(definition, cut(inputs, slice(early, None)), opening=before.closing)
        for name, whole in variants(full).items():
            joined = np.concatenate([variants(before)[name], variants(rest)[name]])
            assert joined.tobytes() == whole.tobytes(), (number, name)
        pair = (before.compositions, rest.compositions)
        joined = CompositionColumns.of([one.at(i) for one in pair for i in range(len(one))])
        assert first_difference(replace(full, compositions=joined), full) is None, number
        assert rest.closing.units.tobytes() == full.closing.units.tobytes(), number
        assert rest.closing.divisor == full.closing.divisor, number


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_changing_the_future_changes_nothing_before_it(part: int) -> None:
    for number, (definition, inputs, before) in built(part, 12):
        row = WARM_UP + 1 + number % (ROWS - WARM_UP - 1)
        later = np.arange(ROWS)[:, None] >= row
        other = random_closes(number, ROWS, len(inputs.panel.assets), gaps=0.1, volatility=0.05)
        changed = replace(
            inputs,
            panel=replace(inputs.panel, close=np.where(later, other, inputs.panel.close)),
            shares=np.where(later, 7.0, inputs.shares),
            events=inputs.events.taken(np.flatnonzero(inputs.events.ex_date < inputs.panel.days[row])),
        )
        after = outcome(definition, changed)
        if isinstance(after, Invalid):  # no weights keep the limits later on
            continue
        kept = before.levels.day < inputs.panel.days[row]
        for name, values in variants(before).items():
            assert variants(after)[name][kept].tobytes() == values[kept].tobytes(), (number, name)
        for i in range(int(np.searchsorted(before.compositions.effective, inputs.panel.days[row]))):
            assert before.compositions.at(i).holds_as(after.compositions.at(i)), number


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_requoting_a_name_changes_no_level(part: int) -> None:
    for number, (definition, inputs, before) in built(part, 13):
        if definition.strategy.name == "price" or definition.guards.min_price > 0.0:
            continue  # these depend on prices as such
        if "price" in str(definition.strategy.params):
            continue
        scale = np.ones(len(inputs.panel.assets))
        scale[0] = 4.0  # a power of two: the bits of every ratio stay
        mine = inputs.events.asset == 1
        changed = replace(
            inputs,
            panel=replace(inputs.panel, close=inputs.panel.close * scale),
            shares=inputs.shares / scale,
            events=replace(
                inputs.events,
                cash=np.where(mine, inputs.events.cash * 4.0, inputs.events.cash),
                ratio=_requoted(inputs),
            ),
        )
        after = outcome(definition, changed)
        assert not isinstance(after, Invalid), number
        np.testing.assert_allclose(after.levels.level, before.levels.level, rtol=1e-9, err_msg=str(number))


def _requoted(inputs: IndexInputs) -> np.ndarray:
    """Return ratios in shares of names that count as four now, or that are given for such."""
    events = inputs.events
    ratio = events.ratio.copy()
    exchanged = np.isin(events.kind, (4, 5))  # spin-off, merger: new shares of another name for an old one
    ratio[exchanged & (events.asset == 1) & (events.other != 1)] *= 4.0
    ratio[exchanged & (events.asset != 1) & (events.other == 1)] /= 4.0
    return ratio
