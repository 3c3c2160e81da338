"""What a strategy may see: facts up to each review's selection day, and nothing later."""

from dataclasses import dataclass, replace

import numpy as np

from waardhaven.domain.index.limits import Limits
from waardhaven.domain.index.windows import trailing, trailing_moments
from waardhaven.domain.types import Flags, Floats, Ids, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Facts for r reviews over k assets, in order of asset id.

    ``assets`` (k,): our ids, increasing. ``eligible`` (r, k): member of the universe with a valid price on
    the selection day. ``price`` (r, k): last known price in index currency on the selection day, 0 where
    none is known. ``market_cap`` (r, k): in index currency on the selection day, NaN unknown. ``returns``
    (m, k) are bounded session returns in index currency, net of corporate actions, NaN where either price
    is missing or too old; ``rows`` (r,) is each review's selection session in them. Strategies read
    returns through the methods, which end every window at the selection day. ``limits``: what the final
    weights must keep, for strategies that optimise; others may ignore it.
    """

    assets: Ids
    eligible: Flags
    price: Floats
    market_cap: Floats
    returns: Floats
    rows: Rows
    limits: Limits

    def growth(self, sessions: int, *, skip: int = 0) -> Floats:
        """Return over ``sessions`` sessions as a fraction, (r, k); NaN if any is missing.

        The last ``skip`` sessions before the selection day's close are left out.
        """
        first = self.rows - (sessions - 1) - skip
        return trailing(np.multiply, 1.0 + self.returns, sessions, first) - 1.0

    def window(self, review: int, sessions: int) -> Floats:
        """Return the last ``sessions`` returns up to a review's selection day, (sessions, k), a view."""
        last = int(self.rows[review])
        return self.returns[last - sessions + 1 : last + 1]

    def alone(self, review: int, eligible: Flags) -> "Signals":
        """Return one review with other eligible names (k,)."""
        only = slice(review, review + 1)
        return replace(
            self,
            eligible=eligible[None, :],
            price=self.price[only],
            market_cap=self.market_cap[only],
            rows=self.rows[only],
        )

    def volatility(self, sessions: int) -> Floats:
        """Deviation (ddof 1, per session) of the last ``sessions`` returns, (r, k).

        NaN if any is missing; exactly 0 if the returns do not vary beyond rounding.
        """
        _, variance = trailing_moments(self.returns, sessions, self.rows - (sessions - 1))
        return np.sqrt(variance)
