"""Gross and net total return levels of an index whose price level is known.

A regular distribution is reinvested across the whole index at the close of its ex-date:
``TR(t) = TR(t-1) x (PR(t) + points(t)) / PR(t-1)`` with ``points = sum(distribution x units) / divisor``
(S&P DJI, *Index Mathematics Methodology*, "Total Return Calculations"). Net points are after withholding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.constraints.traits import Traits
from waardhaven.domain.index.definition import WithholdingRate
from waardhaven.domain.types import Floats

EVERYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Dividend points of each row (n,): what the distributions of the day are worth in index points."""

    gross: Floats
    net: Floats


def kept_shares(withholding: Sequence[WithholdingRate], traits: Traits | None, columns: int) -> Floats | None:
    """Return the share of a distribution that is left after withholding, (k,); None without a table.

    A country that the table does not name has the rate of ``*``; without that, nothing is withheld.
    """
    if not withholding:
        return None
    rates = {one.country: one.rate for one in withholding}
    usual = rates.get(EVERYWHERE, 0.0)
    country = traits.country if traits else (None,) * columns
    return np.array([1.0 - (rates.get(one, usual) if one else usual) for one in country])


def total_return(levels: Floats, points: Floats, opening: float) -> Floats:
    """Return total return levels (n,) from price ``levels`` (n,), ``points`` (n,) and the first level."""
    growth = (levels[1:] + points[1:]) / levels[:-1]
    found: Floats = np.multiply.accumulate(np.concatenate([np.array([opening]), growth]))
    return found
