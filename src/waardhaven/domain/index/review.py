"""Weights of reviews, from facts up to their selection days."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.definition import Adjustment, IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.pricing import CarriedPrices, returns
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import BoundStrategy
from waardhaven.domain.types import Flags, Floats, Rows


def price_floor(definition: IndexDefinition) -> float:
    """Return the lowest raw price that may enter; 0 (off) on any adjusted series.

    An adjusted close is scaled by later splits and distributions, so a floor on it looks ahead.
    """
    return definition.guards.min_price if definition.series.adjustment is Adjustment.RAW else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """Weighs reviews of one build. Each review depends on its own selection row only."""

    definition: IndexDefinition
    strategy: BoundStrategy
    inputs: IndexInputs
    prices: CarriedPrices

    def weigh(self, selection: Rows) -> tuple[Floats, Flags]:
        """Return weights (r, k) for increasing ``selection`` rows, and names lacking a needed cap.

        A row of zeros means that nothing could be weighed.
        """
        eligible = self.eligible(selection)
        caps = self.market_caps(selection)
        signals = Signals(
            eligible=eligible,
            market_cap=caps,
            returns=self.bounded_returns(selection),
            rows=selection - selection[0] + max(self.strategy.lookback - 1, 0),
        )
        unknown = eligible & np.isnan(caps) & self.strategy.uses_market_cap
        return self.strategy.weigh(signals), unknown

    def eligible(self, selection: Rows) -> Flags:
        """Members on the selection day whose last price is recent enough and not below the floor."""
        fresh = self.prices.known(selection, self.definition.guards.max_forward_fill_days)
        eligible = self.inputs.member[selection] & fresh
        floor = price_floor(self.definition)
        return eligible & ~(self.last_closes(selection) < floor) if floor > 0.0 else eligible

    def last_closes(self, selection: Rows) -> Floats:
        """Return the last close in the asset's own currency (r, k); meaningless where none is known."""
        close = self.inputs.panel.close
        if self.prices.age is None:
            return close[selection]
        row = np.maximum(selection[:, None] - self.prices.age[selection], 0)
        last: Floats = close[row, np.arange(close.shape[1])]
        return last

    def market_caps(self, selection: Rows) -> Floats:
        """Return shares x price in index currency (r, k), NaN where either is unknown or not positive."""
        caps = self.inputs.shares[selection] * self.prices.price[selection]
        caps[~(caps > 0.0)] = np.nan
        return caps

    def bounded_returns(self, selection: Rows) -> Floats:
        """Return session returns within the guards, from the first one needed to the last selection."""
        lookback, guards = self.strategy.lookback, self.definition.guards
        if lookback == 0:
            return np.empty((0, self.prices.price.shape[1]))
        rows = slice(int(selection[0]) - lookback, int(selection[-1]) + 1)
        seen = returns(self.prices.fresh(rows, guards.max_forward_fill_days))
        return np.clip(seen, guards.min_daily_return, guards.max_daily_return, out=seen)
