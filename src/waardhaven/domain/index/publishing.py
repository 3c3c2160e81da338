"""Official history from append-only publications: the later one wins on the days it covers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from waardhaven.domain.index.composition import (
    Composition,
    CompositionColumns,
    LevelColumns,
    ReviewReason,
)
from waardhaven.domain.types import ONE_DAY, Flags, Floats, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A publication with its build's columns.

    It makes ``from_day`` … ``through_day`` official. ``sequence`` orders publications. The build may
    have computed more days than it makes official.
    """

    sequence: int
    from_day: np.datetime64
    through_day: np.datetime64
    levels: LevelColumns
    compositions: CompositionColumns


def official_levels(segments: Sequence[Segment]) -> LevelColumns:
    """Return the official levels, increasing in day.

    A day within a later publication's range is official only as that publication has it: a day it
    left out is gone.
    """
    ordered = sorted(segments, key=lambda one: one.sequence)
    owners = _Owners.of(ordered)
    day = np.concatenate([np.empty(0, dtype="datetime64[D]"), *(one.levels.day for one in ordered)])
    source = np.repeat(np.arange(len(ordered)), [len(one.levels) for one in ordered])
    kept = np.flatnonzero(owners.at(day) == source)
    rows = kept[np.argsort(day[kept], kind="stable")]
    return LevelColumns(
        day=day[rows],
        level=np.concatenate([np.empty(0), *(one.levels.level for one in ordered)])[rows],
        gross=_variant([one.levels.gross for one in ordered], ordered, rows),
        net=_variant([one.levels.net for one in ordered], ordered, rows),
    )


def _variant(parts: list[Floats | None], ordered: Sequence[Segment], rows: Rows) -> Floats | None:
    """Return a variant's official levels, NaN where a build did not compute it; None if none did."""
    if all(part is None for part in parts):
        return None
    filled = [
        np.full(len(one.levels), np.nan) if part is None else part
        for part, one in zip(parts, ordered, strict=True)
    ]
    found: Floats = np.concatenate(filled)[rows]
    return found


def composition_in_force(segments: Sequence[Segment], day: np.datetime64) -> Composition | None:
    """Return the composition in force after the close of ``day``; None before the first.

    It is the last one effective at or before the day in the build that is official for that day. A
    build that began without a review of its own continues what was official, when it was published,
    on the day before it.
    """
    found = _locate(sorted(segments, key=lambda one: one.sequence), day)
    return None if found is None else found[0].compositions.at(found[1])


def publication_of(segments: Sequence[Segment], day: np.datetime64) -> Segment | None:
    """Return the publication that ``day`` is official by; None where it is not a published session."""
    ordered = sorted(segments, key=lambda one: one.sequence)
    owner = int(_Owners.of(ordered).at(np.array([day]))[0])
    return ordered[owner] if owner >= 0 and (ordered[owner].levels.day == day).any() else None


def located_review(segments: Sequence[Segment], day: np.datetime64) -> tuple[Segment, Composition] | None:
    """Return the last composition at or before ``day`` that a review made, with the publication it is of."""
    ordered = sorted(segments, key=lambda one: one.sequence)
    while (found := _locate(ordered, day)) is not None:
        composition = found[0].compositions.at(found[1])
        if composition.reason is not ReviewReason.ACTION:
            return found[0], composition
        day = composition.effective - ONE_DAY
    return None


def review_in_force(segments: Sequence[Segment], day: np.datetime64) -> Composition | None:
    """Return the last composition at or before ``day`` that a review made; None before the first.

    What companies did since may have changed the units; the composition in force tells those.
    """
    found = located_review(segments, day)
    return None if found is None else found[1]


def official_compositions(segments: Sequence[Segment]) -> CompositionColumns:
    """Return the official compositions, increasing in effective day.

    The last one effective at or before a day is in force on it. Where an official stretch begins with
    units that the stretch before did not end in (a restatement that stops in the middle), they
    are listed again with the first day of the stretch as their effective day.
    """
    ordered = sorted(segments, key=lambda one: one.sequence)
    owners = _Owners.of(ordered)
    found: list[Composition] = []
    before = -1
    for start, end, source in owners.runs():
        segment = ordered[source]
        seam = _seam(ordered, before, start, source)
        before = source
        if seam is not None and not (found and found[-1].holds_as(seam)):
            found.append(seam.effective_from(start))
        effective = segment.compositions.effective
        inside = np.flatnonzero((effective >= start) & (effective <= end))
        found += [segment.compositions.at(int(i)) for i in inside if not _listed(found, effective[i])]
    return CompositionColumns.of(found)


def _listed(found: list[Composition], effective: np.datetime64) -> bool:
    return bool(found) and bool(found[-1].effective >= effective)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owners:
    """Which publication each calendar day belongs to; -1 none. ``first`` is the day at position 0."""

    first: np.datetime64
    owner: Rows

    @classmethod
    def of(cls, ordered: Sequence[Segment]) -> "_Owners":
        if not ordered:
            return cls(first=np.datetime64("1970-01-01", "D"), owner=np.empty(0, dtype=np.intp))
        first = min(one.from_day for one in ordered)
        last = max(one.through_day for one in ordered)
        owner = np.full(int((last - first).astype(np.int64)) + 1, -1, dtype=np.intp)
        for i, one in enumerate(ordered):
            a, b = (int((day - first).astype(np.int64)) for day in (one.from_day, one.through_day))
            owner[a : b + 1] = i
        return cls(first=first, owner=owner)

    def at(self, day: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> Rows:
        """Return the publication of each day (-1: none)."""
        place = (day - self.first).astype(np.int64)
        inside: Flags = (place >= 0) & (place < len(self.owner))
        return np.where(inside, np.append(self.owner, -1)[np.where(inside, place, -1)], -1)

    def runs(self) -> list[tuple[np.datetime64, np.datetime64, int]]:
        """Return the stretches of days with one publication: first day, last day, publication."""
        edges = np.concatenate([[0], np.flatnonzero(np.diff(self.owner)) + 1, [len(self.owner)]])
        return [
            (self.first + a * ONE_DAY, self.first + (b - 1) * ONE_DAY, int(self.owner[a]))
            for a, b in pairwise(edges.tolist())
            if b > a and self.owner[a] >= 0
        ]


def _seam(ordered: Sequence[Segment], before: int, start: np.datetime64, source: int) -> Composition | None:
    """Return the composition in force as a stretch begins, None if it just continues the one before.

    ``before`` is the publication of the stretch before (-1: none).
    """
    own = ordered[source].compositions.effective[:1]
    if 0 <= before < source and not (own <= start).any():
        return None
    found = _locate(ordered[: source + 1], start)
    return None if found is None else found[0].compositions.at(found[1])


def _locate(ordered: Sequence[Segment], day: np.datetime64) -> tuple[Segment, int] | None:
    """Find the build and review in force on ``day`` by the publications ``ordered``."""
    starts = np.array([one.from_day for one in ordered], dtype="datetime64[D]")
    ends = np.array([one.through_day for one in ordered], dtype="datetime64[D]")
    limit = len(ordered)
    while (starts[:limit] <= day).any():
        begun = starts[:limit] <= day
        covered = np.minimum(ends[:limit], day)[begun].max()
        limit = int(np.flatnonzero(begun & (ends[:limit] >= covered))[-1])
        effective = ordered[limit].compositions.effective
        row = int(np.searchsorted(effective, day, side="right")) - 1
        if row >= 0:
            return ordered[limit], row
        day = starts[limit] - ONE_DAY
    return None
