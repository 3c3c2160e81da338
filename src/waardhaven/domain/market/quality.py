"""Findings about daily bars: what a careful reader should know. Nothing here changes a bar."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from waardhaven.domain.types import SeriesId


class FindingKind(StrEnum):
    """What is odd about a bar.

    ``non_positive``, ``contradiction``: not stored, the value is in the detail. ``ohlc_order``: stored
    without the impossible parts. The others are stored as they came.
    """

    NON_POSITIVE = "non_positive"
    CONTRADICTION = "contradiction"
    OHLC_ORDER = "ohlc_order"
    GAP = "gap"
    OFF_SESSION = "off_session"
    STALE = "stale"
    OUTLIER = "outlier"
    VOLUME = "volume"
    CROSS_SOURCE = "cross_source"
    FX_HOLE = "fx_hole"
    ADJUSTMENT = "adjustment"


class ReviewState(StrEnum):
    """``open``: nobody looked. ``accepted``: the bar is right. ``rejected``: it is wrong."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One odd bar of a series; ``detail`` holds the figures the judgement was made from."""

    series: SeriesId
    day: date
    kind: FindingKind
    detail: str
