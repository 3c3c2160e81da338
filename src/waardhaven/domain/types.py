"""Identifiers, array aliases and rates shared by the whole domain."""

from datetime import date
from typing import NewType
from uuid import UUID

import numpy as np
import numpy.typing as npt

AssetId = NewType("AssetId", int)
CASH = AssetId(0)
"""Money in the currency of an index; no asset of the store has this id."""
SeriesId = NewType("SeriesId", int)
IndexId = NewType("IndexId", int)
BuildId = NewType("BuildId", UUID)
UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
"""A login and the chain of refresh tokens that belongs to it."""
ApiKeyId = NewType("ApiKeyId", UUID)
JobId = NewType("JobId", UUID)
ImportId = NewType("ImportId", UUID)
"""A file of prices that somebody brought."""
Vintage = NewType("Vintage", int)
"""A point in the commit order of our facts."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
"""Positions along the day axis of a panel."""
Days = npt.NDArray[np.datetime64]
"""Calendar days, ``datetime64[D]``."""
ONE_DAY = np.timedelta64(1, "D")


def as_date(day: np.datetime64) -> date:
    """Return a ``datetime64[D]`` as a date."""
    return date.fromisoformat(str(day))
