from dataclasses import replace

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, days, random_closes, sessions, some_inputs

from waardhaven.domain.index.build import build_index
from waardhaven.domain.index.constraints.traits import Traits
from waardhaven.domain.index.events import EventColumns, EventKind
from waardhaven.domain.index.reproducibility import arithmetic_fingerprint, input_digest, numeric_fingerprint

CLOSE = random_closes(11, WARM_UP + 10, 3, gaps=0.1)
INPUTS = some_inputs(CLOSE)
DEFINITION = a_definition(base=INPUTS.panel.days[WARM_UP])
OPENING = build_index(DEFINITION, INPUTS).closing
DIGEST = input_digest(DEFINITION, INPUTS)


def test_equal_inputs_have_equal_digests_whatever_their_memory_layout() -> None:
    other_nan = np.frombuffer(np.uint64(0xFFF8000000000123).tobytes(), dtype=np.float64)[0]
    close = np.asfortranarray(np.where(np.isnan(CLOSE), other_nan, CLOSE))
    same = replace(INPUTS, panel=replace(INPUTS.panel, close=close, assets=INPUTS.panel.assets.astype(">i8")))
    assert input_digest(DEFINITION, same) == DIGEST
    assert len(DIGEST) == 64


def test_the_digest_is_the_same_on_every_machine() -> None:
    inputs = some_inputs(np.array([[1.5, np.nan], [2.5, 3.0]]), axis=days("2024-01-02", "2024-01-03"))
    assert input_digest(a_definition(), inputs) == FROZEN


FROZEN = "cd339692458ade3f83a703de1c6dcfac4c05f5cc71561df4294128af20b51d61"


def test_a_rule_that_came_later_counts_once_it_is_used() -> None:
    guards = replace(DEFINITION.guards, held_out=("outlier",))
    assert input_digest(replace(DEFINITION, guards=replace(DEFINITION.guards, held_out=())), INPUTS) == DIGEST
    assert input_digest(replace(DEFINITION, guards=guards), INPUTS) != DIGEST


@pytest.mark.parametrize("name", ["fx", "shares", "member"])
def test_any_changed_matrix_changes_the_digest(name: str) -> None:
    matrix = getattr(INPUTS, name).copy()
    matrix[-1, -1] = 0
    assert input_digest(DEFINITION, replace(INPUTS, **{name: matrix})) != DIGEST


def test_changed_prices_days_and_assets_change_the_digest() -> None:
    changes = {
        "close": CLOSE * (1 + 1e-15),
        "days": sessions(len(CLOSE), "2020-01-02"),
        "assets": INPUTS.panel.assets + 1,
    }
    for name, value in changes.items():
        assert (
            input_digest(DEFINITION, replace(INPUTS, panel=replace(INPUTS.panel, **{name: value}))) != DIGEST
        )


def test_every_part_of_the_question_counts() -> None:
    found = {
        DIGEST,
        input_digest(replace(DEFINITION, base_value=101.0), INPUTS),
        input_digest(a_definition("momentum", base=INPUTS.panel.days[WARM_UP]), INPUTS),
        input_digest(DEFINITION, INPUTS, OPENING),
        input_digest(DEFINITION, INPUTS, replace(OPENING, level=1.0)),
        input_digest(DEFINITION, INPUTS, replace(OPENING, previous_level=1.0)),
        input_digest(DEFINITION, INPUTS, replace(OPENING, units=OPENING.units * 2)),
        input_digest(DEFINITION, INPUTS, None, days("2020-05-08")),
    }
    assert len(found) == 8


def test_actions_and_traits_count_once_there_are_some() -> None:
    split = EventColumns(
        asset=np.array([1]),
        ex_date=INPUTS.panel.days[-1:],
        kind=np.array([EventKind.SPLIT], dtype=np.int8),
        ratio=np.array([2.0]),
        cash=np.array([np.nan]),
        other=np.array([-1]),
    )
    found = {
        DIGEST,
        input_digest(DEFINITION, replace(INPUTS, events=split)),
        input_digest(DEFINITION, replace(INPUTS, events=replace(split, ratio=np.array([3.0])))),
        input_digest(DEFINITION, replace(INPUTS, traits=Traits.nameless(3))),
        input_digest(DEFINITION, replace(INPUTS, traits=replace(Traits.nameless(3), sector=("a", "b", "c")))),
    }
    assert len(found) == 5


def test_variants_of_an_opening_count_where_they_are_known() -> None:
    unknown = replace(OPENING, gross=np.nan, net=np.nan)
    found = [input_digest(DEFINITION, INPUTS, one) for one in (OPENING, replace(OPENING, gross=1.0), unknown)]
    assert len(set(found)) == 3
    assert input_digest(DEFINITION, INPUTS, replace(unknown, net=1.0)) == found[2]


def test_the_weights_of_the_last_review_count_only_where_a_drift_forces_one() -> None:
    other = replace(OPENING, targets=OPENING.targets[::-1] * 0.5)
    banded = replace(DEFINITION, schedule=replace(DEFINITION.schedule, drift_band=0.1))
    assert input_digest(DEFINITION, INPUTS, other) == input_digest(DEFINITION, INPUTS, OPENING)
    assert input_digest(banded, INPUTS, other) != input_digest(banded, INPUTS, OPENING)


def test_forced_days_count_as_a_set() -> None:
    a, b = days("2020-05-08", "2020-05-11"), days("2020-05-11", "2020-05-08", "2020-05-11")
    assert input_digest(DEFINITION, INPUTS, None, a) == input_digest(DEFINITION, INPUTS, None, b)


def test_the_fingerprint_of_ieee_arithmetic_is_known() -> None:
    assert arithmetic_fingerprint() == FINGERPRINT
    assert numeric_fingerprint() == numeric_fingerprint() != FINGERPRINT


FINGERPRINT = "78b94b108b1c2a01800a5a14f520ff4fc07d8773346c0b94b952e4e877df1586"
