"""Units are the state of an index; weights drift between reviews."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from math import nan
from typing import Self

import numpy as np

from waardhaven.domain.index.definition import Variant
from waardhaven.domain.types import Days, Floats, Ids


class ReviewReason(IntEnum):
    """Why a composition began (stored as int8): a review, or ACTION: what companies did to their shares."""

    BASE = 0
    SCHEDULED = 1
    DROP = 2
    MANUAL = 3
    ACTION = 4
    DRIFT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """An index at the close of ``day``: enough to continue it without a jump.

    ``level`` = sum(close x fx x units) / ``divisor`` over ``assets`` (m,) int64, increasing, with
    ``units`` (m,) float64 above zero, after any review effective at that close. ``previous_level`` is
    the level one session earlier (NaN on the base date): with a drop threshold it decides whether the
    return into ``day`` forces a review at the next session. ``gross`` and ``net``: total return levels, NaN
    where they are not computed. ``reviewed`` (w,) and ``targets`` (w,): names and weights of the last review,
    from which drift is measured.
    """

    day: np.datetime64
    level: float
    divisor: float
    assets: Ids
    units: Floats
    previous_level: float = nan
    gross: float = nan
    net: float = nan
    reviewed: Ids = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    targets: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """One composition: names (m,) in force from the close of ``effective`` on; see CompositionColumns."""

    selection: np.datetime64
    effective: np.datetime64
    reason: ReviewReason
    divisor: float
    asset: Ids
    weight: Floats
    units: Floats
    turnover: float = nan
    cost: float = nan

    def holds_as(self, other: "Composition") -> bool:
        """Tell whether both hold the same units of the same names at the same divisor."""
        return (
            self.divisor == other.divisor
            and np.array_equal(self.asset, other.asset)
            and np.array_equal(self.units, other.units)
        )

    def effective_from(self, day: np.datetime64) -> "Composition":
        """Return the same composition with ``day`` as its effective day."""
        return replace(self, effective=day)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionColumns:
    """All compositions of a build, one after the other.

    Per review (r,): ``selection`` and ``effective`` days, ``reason`` int8, ``divisor`` from the
    effective close on, and ``offset`` (r + 1,) int64 into the name columns. Per name (m,): ``asset``
    int64, ``weight`` (fraction, at the effective close; each review sums to 1) and ``units``.
    Only names with a weight above zero are kept. ``turnover`` (r,): sum of absolute changes of weight at
    the effective close, ``cost`` (r,): fraction of the level it took; NaN in builds older than the columns.
    What companies do makes compositions too (``reason`` ACTION): in force from the ex-date on; the last of
    several on one day is kept.
    """

    selection: Days
    effective: Days
    reason: np.ndarray[tuple[int], np.dtype[np.int8]]
    divisor: Floats
    offset: Ids
    asset: Ids
    weight: Floats
    units: Floats
    turnover: Floats = field(default_factory=lambda: np.empty(0))
    cost: Floats = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        """Return the number of compositions."""
        return len(self.effective)

    def at(self, review: int) -> Composition:
        """Return one composition by position."""
        names = slice(int(self.offset[review]), int(self.offset[review + 1]))
        return Composition(
            selection=self.selection[review],
            effective=self.effective[review],
            reason=ReviewReason(int(self.reason[review])),
            divisor=float(self.divisor[review]),
            asset=self.asset[names],
            weight=self.weight[names],
            units=self.units[names],
            turnover=float(self.turnover[review]) if len(self.turnover) else nan,
            cost=float(self.cost[review]) if len(self.cost) else nan,
        )

    def in_force(self, day: np.datetime64) -> Composition | None:
        """Return the last composition effective at or before ``day``, None before the first."""
        review = int(np.searchsorted(self.effective, day, side="right")) - 1
        return None if review < 0 else self.at(review)

    def between(self, first: np.datetime64, last: np.datetime64) -> Self:
        """Return the compositions in force on one of the days from ``first`` to ``last``."""
        start = max(int(np.searchsorted(self.effective, first, side="right")) - 1, 0)
        stop = int(np.searchsorted(self.effective, last, side="right"))
        return self.of([self.at(place) for place in range(start, stop)])

    @classmethod
    def of(cls, compositions: Sequence[Composition]) -> Self:
        """Put compositions one after the other."""
        sizes = [0, *(len(one.asset) for one in compositions)]
        return cls(
            selection=np.array([one.selection for one in compositions], dtype="datetime64[D]"),
            effective=np.array([one.effective for one in compositions], dtype="datetime64[D]"),
            reason=np.array([one.reason for one in compositions], dtype=np.int8),
            divisor=np.array([one.divisor for one in compositions], dtype=np.float64),
            offset=np.cumsum(sizes, dtype=np.int64),
            asset=np.concatenate([np.empty(0, dtype=np.int64), *(one.asset for one in compositions)]),
            weight=np.concatenate([np.empty(0), *(one.weight for one in compositions)]),
            units=np.concatenate([np.empty(0), *(one.units for one in compositions)]),
            turnover=np.array([one.turnover for one in compositions], dtype=np.float64),
            cost=np.array([one.cost for one in compositions], dtype=np.float64),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelColumns:
    """Index levels at full precision: ``day`` (n,) and ``level`` (n,).

    ``gross`` and ``net`` (n,): total return levels, None where they are not computed.
    """

    day: Days
    level: Floats
    gross: Floats | None = None
    net: Floats | None = None

    def since(self, row: int) -> Self:
        """Return the levels from position ``row`` on."""
        return self.among(slice(row, None))

    def among(self, rows: slice) -> Self:
        """Return the levels at some positions."""
        return type(self)(
            day=self.day[rows],
            level=self.level[rows],
            gross=None if self.gross is None else self.gross[rows],
            net=None if self.net is None else self.net[rows],
        )

    def of(self, variant: Variant) -> Floats | None:
        """Return the levels (n,) of a variant, None where it is not computed."""
        return {Variant.PRICE: self.level, Variant.GROSS: self.gross, Variant.NET: self.net}[variant]

    def __len__(self) -> int:
        """Return the number of days."""
        return len(self.day)


class FlagKind(IntEnum):
    """What was noticed in the data (stored as int8).

    STALE_PRICE: a held name had no bar that day; its last price was used. OUTLIER: the day's return
    lies beyond the trailing z-score limit; it was used. UNKNOWN_MARKET_CAP: the name was kept out of a
    market-cap sleeve by the review effective that day. REVIEW_SKIPPED: nothing was eligible in the
    review due that day; the units of this name were kept. ACTION_IGNORED: the terms of an action on a held
    name are not known, so nothing was done about it.
    """

    STALE_PRICE = 0
    OUTLIER = 1
    UNKNOWN_MARKET_CAP = 2
    REVIEW_SKIPPED = 3
    ACTION_IGNORED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagColumns:
    """Data-quality flags of a build: ``day`` (f,), ``asset`` (f,) int64, ``kind`` (f,) int8 FlagKind.

    Ordered by day, then asset, then kind.
    """

    day: Days
    asset: Ids
    kind: np.ndarray[tuple[int], np.dtype[np.int8]]
