"""A change of level taken apart: names, currencies, actions of companies, costs, corrections.

Between two closes the units stand still (Laspeyres), so a name adds ``units x (price - price before) /
divisor`` index points (S&P DJI, *Index Mathematics Methodology*, "Index Calculations"). With p = close x
rate the points divide into ``units x (close - close before) x rate before`` and the rest, which the
currency added: the product of both moves counts with the currency.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from waardhaven.domain.index.acting import free_worth
from waardhaven.domain.index.explaining.session import Session, rates_at
from waardhaven.domain.index.windows import row_sums
from waardhaven.domain.types import Floats, Ids, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """The change of level of one session in index points; columns (m,) of the names held around it.

    ``local`` and ``currency``: points from closes in own currency and from rates; ``action``: points that
    actions moved to a name, they sum to nothing. ``local_return``, ``currency_return``, ``own_return``:
    fractions, NaN for a name that was worth nothing before. ``gross`` and ``net``: points of regular
    distributions, which total return levels alone earn; ``net`` None where it is not computed.
    ``actions``: the sum of ``action``: nothing but rounding. ``costs``: what a review took. ``correction``:
    what prices of the session before, as known when this one was computed, are worth above the level
    published for it. ``local``, ``currency``, ``actions``, ``costs`` and ``correction`` sum to
    ``level - level_before``.
    """

    assets: Ids
    weight_before: Floats
    local: Floats
    currency: Floats
    action: Floats
    local_return: Floats
    currency_return: Floats
    own_return: Floats
    gross: Floats
    net: Floats | None
    level_before: float
    level: float
    divisor_before: float
    divisor: float
    actions: float
    costs: float
    correction: float

    @property
    def change(self) -> float:
        """Points from one level to the next."""
        return self.level - self.level_before

    @property
    def explained(self) -> float:
        """What the parts sum to."""
        return _sum(self.local) + _sum(self.currency) + self.actions + self.costs + self.correction

    @classmethod
    def of(cls, session: Session, kept: Floats | None) -> Self:
        """Take a session apart; ``kept`` (k,): share of distributions left after withholding."""
        names = np.flatnonzero((session.before.units > 0.0) | (session.into.units > 0.0))
        into, divisor = session.into.units[names], session.into.divisor
        worth_before = session.before.units[names] * session.price_before[names]
        base = into * session.ex_price[names] - free_worth(session.steps, len(session.price))[names]
        worth = into * session.price[names]
        moved = _rate_ratio(session)[names]
        gross, net = _distributed(session, names, kept)
        total, carried = _sum(worth_before), _sum(base)
        return cls(
            assets=session.reviewer.inputs.panel.assets[names],
            weight_before=worth_before / total,
            local=(worth * moved - base) / divisor,
            currency=worth * (1.0 - moved) / divisor,
            action=base / divisor - worth_before / session.before.divisor,
            local_return=_over(worth * moved, base),
            currency_return=1.0 / moved - 1.0,
            own_return=_over(worth, base),
            gross=gross,
            net=net,
            level_before=session.level_before,
            level=session.level,
            divisor_before=session.before.divisor,
            divisor=divisor,
            actions=carried / divisor - total / session.before.divisor,
            costs=session.level - session.level_before_cost,
            correction=total / session.before.divisor - session.level_before,
        )


def _rate_ratio(session: Session) -> Floats:
    """Return the rate before over the rate now, (k,); 1 where one is not known."""
    before, now = (rates_at(session.reviewer, row) for row in (session.row - 1, session.row))
    ratio = before / now
    found: Floats = np.where(np.isnan(ratio), 1.0, ratio)
    return found


def _distributed(session: Session, names: Rows, kept: Floats | None) -> tuple[Floats, Floats | None]:
    paid = session.reviewer.paying
    places = paid.events.on(session.row)
    points = np.zeros(len(session.price))
    some = slice(places.start, places.stop)
    column = paid.events.column[some]
    np.add.at(points, column, paid.cash[some] * session.into.units[column] / session.into.divisor)
    return points[names], None if kept is None else (points * kept)[names]


def _over(worth: Floats, base: Floats) -> Floats:
    unknown = np.full(len(base), np.nan)
    found: Floats = np.divide(worth, base, out=unknown, where=base > 0.0) - 1.0
    return found


def _sum(values: Floats) -> float:
    return float(row_sums(values[None, :])[0])
