"""The official state of an index on a day: what the next build continues from."""

from collections.abc import Sequence
from math import nan

import numpy as np

from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.index.publishing import (
    Segment,
    composition_in_force,
    official_levels,
    review_in_force,
)


def official_state(segments: Sequence[Segment], *, before: np.datetime64 | None = None) -> IndexState | None:
    """Return the state at the close of the last official day, or the last one before ``before``.

    None when no official day lies there. Level, units and divisor are the published ones, so that a
    build which opens from the state continues the official history without a jump.
    """
    levels = official_levels(segments)
    row = len(levels) if before is None else int(np.searchsorted(levels.day, before))
    if row == 0:
        return None
    held = composition_in_force(segments, levels.day[row - 1])
    if held is None:
        return None
    review = review_in_force(segments, levels.day[row - 1]) or held
    return IndexState(
        day=levels.day[row - 1],
        level=float(levels.level[row - 1]),
        divisor=float(held.divisor),
        assets=held.asset,
        units=held.units,
        previous_level=float(levels.level[row - 2]) if row > 1 else nan,
        gross=nan if levels.gross is None else float(levels.gross[row - 1]),
        net=nan if levels.net is None else float(levels.net[row - 1]),
        reviewed=review.asset,
        targets=review.weight,
    )
