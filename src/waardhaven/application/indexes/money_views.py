"""What the reads that turn an index into money answer with; amounts and units are exact decimals as text."""

import datetime as dt
from dataclasses import dataclass

from waardhaven.application.indexes.views import ProvenanceView


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """Units to hold of one name.

    ``price``: of one unit, in the currency asked for; ``lot``: the units are a multiple of it.
    ``target_weight`` is what the index holds, ``achieved_weight`` the value over the amount; fractions.
    """

    symbol: str
    mic: str
    name: str
    target_weight: float
    price: str
    lot: str
    units: str
    value: str
    achieved_weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsView:
    """Units to hold so that an amount follows an index, the heaviest name first.

    The values and ``cash_left`` sum to ``amount`` exactly. ``shortfall``: fraction of the amount that is
    missing where the index wants it; ``gap``: how much of that better lots might take away at most, 0 where
    these are the best.
    """

    index: str
    date: dt.date
    currency: str
    amount: str
    invested: str
    cash_left: str
    shortfall: float
    gap: float
    allocations: tuple[TargetView, ...]
    notes: tuple[str, ...]
    provenance: ProvenanceView
