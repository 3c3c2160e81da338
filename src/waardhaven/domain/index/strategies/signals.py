"""What a strategy may see: facts up to each review's selection day, and nothing later."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.windows import trailing, trailing_moments
from waardhaven.domain.types import Flags, Floats, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Facts for r reviews over k assets, in order of asset id.

    ``eligible`` (r, k): member of the universe with a valid price on the selection day.
    ``market_cap`` (r, k): in index currency on the selection day, NaN unknown. ``returns`` (m, k) are
    bounded session returns in index currency, NaN where either price is missing or too old; ``rows``
    (r,) is each review's selection session in them. Strategies read returns through the methods,
    which end every window at the selection day.
    """

    eligible: Flags
    market_cap: Floats
    returns: Floats
    rows: Rows

    def growth(self, sessions: int) -> Floats:
        """Return over the last ``sessions`` sessions as a fraction, (r, k); NaN if any is missing."""
        runs = trailing(np.multiply, 1.0 + self.returns, sessions)
        return runs[self.rows - (sessions - 1)] - 1.0

    def volatility(self, sessions: int) -> Floats:
        """Deviation (ddof 1, per session) of the last ``sessions`` returns, (r, k).

        NaN if any is missing; exactly 0 if the returns do not vary beyond rounding.
        """
        _, variance = trailing_moments(self.returns, sessions)
        return np.sqrt(variance[self.rows - (sessions - 1)])
