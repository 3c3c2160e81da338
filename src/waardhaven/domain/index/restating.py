"""What was published then beside what is known now, and what the policy of an index makes of it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from waardhaven.domain.index.composition import LevelColumns
from waardhaven.domain.index.definition import IndexDefinition, RestatementPolicy
from waardhaven.domain.index.verification import ROUNDING
from waardhaven.domain.types import Days, Floats, as_date


class Decision(StrEnum):
    """What follows from a comparison: SAME: nothing differs; LEFT: published levels stay; RESTATED."""

    SAME = "same"
    LEFT = "left"
    RESTATED = "restated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Published levels (n,) beside those computed again from today's facts, on the same days.

    ``first_day``: the first that differs, None if none does; ``days``: how many differ; ``largest``:
    the largest difference relative to the published level; ``published`` and ``known``: the last levels.
    """

    first_day: date | None
    days: int
    largest: float
    published: float
    known: float


def compare(published: LevelColumns, known: LevelColumns) -> Comparison:
    """Compare levels of the same days; a day that is not known any more counts as wholly different.

    What rounding alone can explain is the same: code or processor may have changed since.
    """
    again = aligned(published.day, known)
    unknown = np.isnan(again), np.isnan(published.level)
    change = np.where(unknown[0] | unknown[1], 1.0, np.abs(again / published.level - 1.0))
    off = (change > ROUNDING) & ~(unknown[0] & unknown[1])
    return Comparison(
        first_day=as_date(published.day[int(off.argmax())]) if off.any() else None,
        days=int(off.sum()),
        largest=float(change[off].max(initial=0.0)),
        published=float(published.level[-1]),
        known=float(again[-1]),
    )


def decide(definition: IndexDefinition, found: Comparison) -> Decision:
    """Return what the policy says: restate when the largest difference is above the threshold."""
    if found.first_day is None:
        return Decision.SAME
    asked = definition.restatement is RestatementPolicy.RESTATE
    return Decision.RESTATED if asked and found.largest > definition.restatement_threshold else Decision.LEFT


def aligned(days: Days, known: LevelColumns) -> Floats:
    """Return the known levels of ``days`` (n,), NaN on days that are not known."""
    row = np.minimum(np.searchsorted(known.day, days), len(known) - 1)
    return np.where(known.day[row] == days, known.level[row], np.nan)
