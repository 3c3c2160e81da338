"""What the reads of compositions and rebalances answer with."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesView:
    """The names of a composition by column, in order of asset id; all columns are of equal length."""

    symbols: tuple[str, ...]
    weights: tuple[float, ...]
    units: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionView:
    """Names, weights and units from the close of ``effective`` on.

    ``reason``: base, scheduled, drop, drift or manual for a review, action for what companies did.
    ``turnover``: sum of absolute changes of weight, ``cost``: fraction of the level that trading took; null
    in builds that did not keep them.
    """

    selection: dt.date
    effective: dt.date
    reason: str
    divisor: float
    turnover: float | None
    cost: float | None
    total_names: int
    names: NamesView


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesView:
    """Changes of weight by column, the largest first; weights are fractions at the effective close."""

    symbols: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    change: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalanceView:
    """One review: what it cost, who came and went, and the largest changes of weight."""

    selection: dt.date
    effective: dt.date
    reason: str
    turnover: float | None
    cost: float | None
    names_before: int
    names_after: int
    entered: tuple[str, ...]
    left: tuple[str, ...]
    changes: ChangesView
