"""Letters in the sketches stand for publications, columns for days 1 to 9 of January 2024."""

import numpy as np
import pytest

from waardhaven.domain.index.composition import Composition, CompositionColumns, LevelColumns, ReviewReason
from waardhaven.domain.index.publishing import (
    Segment,
    composition_in_force,
    official_compositions,
    official_levels,
)


def day(number: int) -> np.datetime64:
    return np.datetime64("2024-01-01") + (number - 1) * np.timedelta64(1, "D")


def composition(effective: int, units: float) -> Composition:
    return Composition(
        selection=day(effective - 1),
        effective=day(effective),
        reason=ReviewReason.SCHEDULED,
        divisor=1.0,
        asset=np.array([7]),
        weight=np.array([1.0]),
        units=np.array([units]),
    )


def segment(
    sequence: int, first: int, last: int, *reviews: int, level: float | None = None, skip: int = 0
) -> Segment:
    """Publish days first..last with levels sequence * 100 + day; reviews hold sequence * 10 + day units."""
    numbers = [n for n in range(first, last + 1) if n != skip]
    value = sequence * 100.0 if level is None else level
    return Segment(
        sequence=sequence,
        from_day=day(first),
        through_day=day(last),
        levels=LevelColumns(
            day=np.array([day(n) for n in numbers]), level=np.array([value + n for n in numbers])
        ),
        compositions=CompositionColumns.of([composition(n, sequence * 10.0 + n) for n in reviews]),
    )


def levels(*segments: Segment) -> dict[int, float]:
    found = official_levels(segments)
    assert (np.diff(found.day).astype(int) > 0).all()
    return {int((d - day(1)).astype(int)) + 1: value for d, value in zip(found.day, found.level, strict=True)}


def listed(*segments: Segment) -> list[tuple[int, float]]:
    found = official_compositions(segments)
    return [
        (int((d - day(1)).astype(int)) + 1, units)
        for d, units in zip(found.effective, found.units.tolist(), strict=True)
    ]


def in_force(number: int, *segments: Segment) -> float | None:
    found = composition_in_force(segments, day(number))
    return None if found is None else float(found.units[0])


def test_nothing_published_has_no_history() -> None:
    assert levels() == {}
    assert listed() == []
    assert in_force(3) is None


def test_one_publication_is_the_history() -> None:
    first = segment(1, 1, 3, 1)
    assert levels(first) == {1: 101.0, 2: 102.0, 3: 103.0}
    assert listed(first) == [(1, 11.0)]


def test_extensions_follow_one_another() -> None:
    """AAABBC."""
    chain = [segment(1, 1, 3, 1), segment(2, 4, 5), segment(3, 6, 6, 6)]
    assert levels(*chain) == {1: 101.0, 2: 102.0, 3: 103.0, 4: 204.0, 5: 205.0, 6: 306.0}
    assert listed(*chain) == [(1, 11.0), (6, 36.0)]
    assert [in_force(n, *chain) for n in range(1, 7)] == [11.0] * 5 + [36.0]


def test_the_order_in_which_segments_are_given_does_not_matter() -> None:
    chain = [segment(1, 1, 5, 1, 4), segment(2, 6, 7, 6), segment(3, 4, 7, 4)]
    assert levels(*chain) == levels(*reversed(chain))
    assert listed(*chain) == listed(*reversed(chain))


def test_a_restatement_through_the_end_replaces_everything_from_its_first_day() -> None:
    """AAABB then CCC from day 3."""
    chain = [segment(1, 1, 3, 1, 3), segment(2, 4, 5, 5), segment(3, 3, 5, 4)]
    assert levels(*chain) == {1: 101.0, 2: 102.0, 3: 303.0, 4: 304.0, 5: 305.0}
    assert listed(*chain) == [(1, 11.0), (4, 34.0)]
    assert [in_force(n, *chain) for n in (2, 3, 4, 5)] == [11.0, 11.0, 34.0, 34.0]


def test_an_extension_after_a_restatement_continues_the_restated_units() -> None:
    chain = [segment(1, 1, 4, 1, 3), segment(2, 3, 4, 3), segment(3, 5, 6)]
    assert levels(*chain)[5] == 305.0
    assert listed(*chain) == [(1, 11.0), (3, 23.0)]
    assert in_force(6, *chain) == 23.0


def test_a_restatement_that_stops_in_the_middle_leaves_the_later_days_on_their_own_units() -> None:
    """AAAAAA then .BB...: days 4 to 6 still hold what A held."""
    chain = [segment(1, 1, 6, 1), segment(2, 2, 3, 2)]
    assert levels(*chain) == {1: 101.0, 2: 202.0, 3: 203.0, 4: 104.0, 5: 105.0, 6: 106.0}
    assert [in_force(n, *chain) for n in range(1, 7)] == [11.0, 22.0, 22.0, 11.0, 11.0, 11.0]
    assert listed(*chain) == [(1, 11.0), (2, 22.0), (4, 11.0)]


def test_an_extension_that_predates_a_restatement_in_the_middle_keeps_the_units_it_continued() -> None:
    """AAAB then .CC.: B (day 4) continued A's units."""
    chain = [segment(1, 1, 3, 1), segment(2, 4, 5), segment(3, 2, 3, 2)]
    assert [in_force(n, *chain) for n in (1, 2, 3, 4, 5)] == [11.0, 32.0, 32.0, 11.0, 11.0]
    assert listed(*chain) == [(1, 11.0), (2, 32.0), (4, 11.0)]


def test_a_full_rebuild_published_from_the_middle_lists_its_units_from_the_seam() -> None:
    """B was computed from day 1 but is official from day 3."""
    rebuilt = segment(2, 1, 5, 1, 4)
    partly = Segment(
        sequence=2,
        from_day=day(3),
        through_day=day(5),
        levels=rebuilt.levels,
        compositions=rebuilt.compositions,
    )
    chain = [segment(1, 1, 5, 1), partly]
    assert levels(*chain) == {1: 101.0, 2: 102.0, 3: 203.0, 4: 204.0, 5: 205.0}
    assert [in_force(n, *chain) for n in (2, 3, 4)] == [11.0, 21.0, 24.0]
    assert listed(*chain) == [(1, 11.0), (3, 21.0), (4, 24.0)]


def test_a_rebuild_with_the_same_units_adds_no_seam() -> None:
    first = segment(1, 1, 3, 1)
    again = Segment(
        sequence=2, from_day=day(2), through_day=day(3), levels=first.levels, compositions=first.compositions
    )
    assert listed(first, again) == [(1, 11.0)]


def test_a_day_that_a_later_publication_leaves_out_is_gone() -> None:
    chain = [segment(1, 1, 5, 1), segment(2, 2, 5, skip=3)]
    assert list(levels(*chain)) == [1, 2, 4, 5]


def test_levels_outside_the_published_range_are_not_official() -> None:
    wide = segment(1, 1, 5, 1)
    narrow = Segment(
        sequence=1, from_day=day(2), through_day=day(4), levels=wide.levels, compositions=wide.compositions
    )
    assert list(levels(narrow)) == [2, 3, 4]
    assert listed(narrow) == [(2, 11.0)]


def test_days_without_sessions_between_publications_keep_the_units_before_them() -> None:
    """A ends on day 3, B begins on day 6 (after a weekend) and has no review of its own."""
    chain = [segment(1, 1, 3, 1), segment(2, 6, 7)]
    assert [in_force(n, *chain) for n in (4, 5, 6, 7, 9)] == [11.0] * 5
    assert listed(*chain) == [(1, 11.0)]


def test_no_composition_is_in_force_before_the_first() -> None:
    assert in_force(1, segment(1, 3, 5, 3)) is None
    assert in_force(4, segment(1, 3, 5)) is None
    assert listed(segment(1, 3, 5)) == []


@pytest.mark.parametrize("seed", range(5))
def test_the_listed_compositions_answer_every_day_as_the_publications_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chain = [segment(1, 1, 4, 1)]
    for sequence in range(2, 9):
        first = int(rng.integers(1, 10))
        last = first + int(rng.integers(0, 5))
        reviews = [n for n in range(first, last + 1) if rng.random() < 0.3]
        chain.append(segment(sequence, first, last, *reviews))
    official = official_compositions(chain)
    for d in official_levels(chain).day:
        expected, found = composition_in_force(chain, d), official.in_force(d)
        assert (expected is None) == (found is None)
        assert expected is None or expected.holds_as(found)
