from dataclasses import replace

import numpy as np
from tests.factories import WARM_UP, a_definition, cut, random_closes, some_inputs

from waardhaven.domain.index.build import IndexResult, build_index
from waardhaven.domain.index.composition import CompositionColumns
from waardhaven.domain.index.official import official_state
from waardhaven.domain.index.publishing import Segment

INPUTS = some_inputs(random_closes(12, WARM_UP + 30, 3))
DEFINITION = a_definition("blend", base=INPUTS.panel.days[WARM_UP], drop=-0.01)


def published(sequence: int, result: IndexResult) -> Segment:
    return Segment(
        sequence=sequence,
        from_day=result.levels.day[0],
        through_day=result.levels.day[-1],
        levels=result.levels,
        compositions=result.compositions,
    )


def test_an_index_extended_from_its_official_state_equals_a_full_rebuild_bit_for_bit() -> None:
    segments: list[Segment] = []
    for end in range(WARM_UP + 1, WARM_UP + 31):
        state = official_state(segments)
        step = build_index(DEFINITION, cut(INPUTS, slice(0, end)), opening=state)
        segments.append(published(end, step))
    full = build_index(DEFINITION, INPUTS)
    state = official_state(segments)
    assert state is not None
    assert (state.day, state.level, state.divisor) == (
        full.closing.day,
        full.closing.level,
        full.closing.divisor,
    )
    assert state.previous_level == full.closing.previous_level
    assert state.units.tobytes() == full.closing.units.tobytes()
    levels = np.concatenate([segment.levels.level for segment in segments])
    assert levels.tobytes() == full.levels.level.tobytes()


def test_the_state_before_a_day_is_the_one_of_the_session_before() -> None:
    segments = [published(1, build_index(DEFINITION, INPUTS))]
    part = build_index(DEFINITION, cut(INPUTS, slice(0, WARM_UP + 12))).closing
    state = official_state(segments, before=INPUTS.panel.days[WARM_UP + 12])
    assert state is not None
    assert (state.day, state.level, state.units.tolist()) == (part.day, part.level, part.units.tolist())
    first = official_state(segments, before=INPUTS.panel.days[WARM_UP + 1])
    assert first is not None
    assert np.isnan(first.previous_level)


def test_there_is_no_state_before_the_first_publication() -> None:
    segments = [published(1, build_index(DEFINITION, INPUTS))]
    assert official_state([]) is None
    assert official_state(segments, before=INPUTS.panel.days[WARM_UP]) is None


def test_levels_without_compositions_have_no_state_to_continue_from() -> None:
    bare = replace(published(1, build_index(DEFINITION, INPUTS)), compositions=CompositionColumns.of([]))
    assert official_state([bare]) is None
