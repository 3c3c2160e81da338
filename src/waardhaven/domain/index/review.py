"""Weights of reviews, from facts up to their selection days."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from waardhaven.domain.index.constraints.apply import Constrained, constrain
from waardhaven.domain.index.constraints.traits import Traits, limits_of
from waardhaven.domain.index.definition import Adjustment, Constraints, IndexDefinition
from waardhaven.domain.index.events import EventKind, EventRows, gone_rows
from waardhaven.domain.index.family import Family
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.index.pricing import CarriedPrices
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import BoundStrategy
from waardhaven.domain.index.treatments import drifted
from waardhaven.domain.index.windows import row_sums
from waardhaven.domain.types import Flags, Floats, Rows

UNCONSTRAINED = Constraints()
ACTING = tuple(kind for kind in EventKind if kind is not EventKind.CASH_DIVIDEND)
CASH_COLUMN = 0
"""Where an index that may hold cash keeps it (see inputs.with_cash)."""


def _invested(strategy: BoundStrategy, signals: Signals) -> Floats:
    """Return the strategy's weights (r, k), what it leaves as cash in the cash column."""
    weights = strategy.weigh(signals)
    if strategy.strategy.holds_cash:
        total = row_sums(weights)
        weights[:, CASH_COLUMN] = np.where(total > 0.0, np.maximum(1.0 - total, 0.0), 0.0)
    return weights


def price_floor(definition: IndexDefinition) -> float:
    """Return the lowest raw price that may enter; 0 (off) on any adjusted series.

    An adjusted close is scaled by later splits and distributions, so a floor on it looks ahead.
    """
    return definition.guards.min_price if definition.series.adjustment is Adjustment.RAW else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedEvents:
    """Actions of some kinds in order of row, with their amounts in index currency (NaN: not stated)."""

    events: EventRows
    cash: Floats

    @classmethod
    def among(cls, prices: CarriedPrices, kinds: tuple[EventKind, ...]) -> Self:
        """Return the actions of ``kinds``."""
        places = np.flatnonzero(np.isin(prices.events.kind, kinds))
        return cls(events=prices.events.taken(places), cash=prices.cash[places])

    def known(self) -> Self:
        """Return those with an amount."""
        places = np.flatnonzero(np.isfinite(self.cash))
        return type(self)(events=self.events.taken(places), cash=self.cash[places])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """Reviews (r,) weighed together."""

    selection: Rows
    effective: Rows
    weights: Floats
    signals: Signals
    unknown: Flags
    strategy: BoundStrategy

    def at(self, i: int) -> "Review":
        """Return one review."""
        return Review(self, i)


@dataclass(frozen=True, slots=True)
class Review:
    """The review at ``place`` of those weighed together, before constraints."""

    reviews: Reviews
    place: int

    @property
    def selection(self) -> int:
        """Row of the selection day."""
        return int(self.reviews.selection[self.place])

    @property
    def effective(self) -> int:
        """Row at whose close it takes effect."""
        return int(self.reviews.effective[self.place])

    @property
    def weights(self) -> Floats:
        """Weights (k,) as the strategy gives them, zeros: nothing to weigh."""
        weights: Floats = self.reviews.weights[self.place]
        return weights

    @property
    def eligible(self) -> Flags:
        """Names (k,) that may be held."""
        eligible: Flags = self.reviews.signals.eligible[self.place]
        return eligible

    @property
    def unknown(self) -> Flags:
        """Names (k,) that lack a market cap they need."""
        unknown: Flags = self.reviews.unknown[self.place]
        return unknown

    def reweigh(self, eligible: Flags) -> Floats:
        """Weigh other eligible names (k,)."""
        alone = self.reviews.signals.alone(self.place, eligible)
        weights: Floats = _invested(self.reviews.strategy, alone)[0]
        return weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """Weighs reviews of one build. Each review depends on its own selection row only.

    ``acting``: actions that change units, divisor or what is held; ``paying``: regular distributions with
    a known amount. ``gone`` (k,): first row on which a name is not traded any more. ``free``: the weights
    of the strategy are held as they are. ``needs_caps``: an unknown market cap keeps a name out.
    """

    definition: IndexDefinition
    strategy: BoundStrategy
    inputs: IndexInputs
    prices: CarriedPrices
    limits: Limits
    acting: PricedEvents
    paying: PricedEvents
    gone: Rows
    free: bool
    needs_caps: bool

    @classmethod
    def of(cls, definition: IndexDefinition, strategy: BoundStrategy, inputs: IndexInputs) -> Self:
        """Prepare the prices and limits of a build."""
        panel = inputs.panel
        events = EventRows.placed(inputs.events, panel.days, panel.assets)
        prices = CarriedPrices.of(panel, inputs.fx, events)
        return cls(
            definition=definition,
            strategy=strategy,
            inputs=inputs,
            prices=prices,
            limits=limits_of(
                definition.constraints, panel.assets, inputs.traits or Traits.nameless(len(panel.assets))
            ),
            acting=PricedEvents.among(prices, ACTING),
            paying=PricedEvents.among(prices, (EventKind.CASH_DIVIDEND,)).known(),
            gone=gone_rows(inputs.events, panel.days, panel.assets),
            free=definition.constraints == UNCONSTRAINED,
            needs_caps=strategy.uses_market_cap,
        )

    def weigh(self, selection: Rows, effective: Rows) -> Reviews:
        """Weigh reviews (r,) of increasing ``selection`` rows that take effect on ``effective`` rows."""
        eligible = self.eligible(selection) & (effective[:, None] < self.gone)
        caps = self.market_caps(selection)
        signals = Signals(
            assets=self.inputs.panel.assets,
            eligible=eligible,
            price=self.prices.price[selection],
            market_cap=caps,
            returns=self.bounded_returns(selection),
            rows=selection - selection[0] + max(self.strategy.lookback - 1, 0),
            limits=self.limits,
        )
        return Reviews(
            selection=selection,
            effective=effective,
            weights=_invested(self.strategy, signals),
            signals=signals,
            unknown=eligible & np.isnan(caps) & self.needs_caps,
            strategy=self.strategy,
        )

    def constrained(self, review: Review, units: Floats) -> Floats:
        """Return the weights (k,) of a review within the constraints; ``units`` are held into it."""
        if self.free:
            return self.restated(review)
        return self.constrain(review, units).weights

    def constrain(self, review: Review, units: Floats) -> Constrained:
        """Return the weights with the effect of each constraint."""
        held = drifted(units, self.prices.on_basis_of(review.selection, review.effective))
        return constrain(
            target=review.weights,
            eligible=review.eligible,
            held=held,
            limits=self.limits,
            constraints=self.definition.constraints,
            reweigh=review.reweigh,
        )

    def restated(self, review: Review) -> Floats:
        """Return the weights at the effective close of an index that fixes units, not weights."""
        if self.family is not Family.PRICE_WEIGHTED:
            return review.weights
        selected = self.prices.on_basis_of(review.selection, review.effective)
        units = np.divide(review.weights, selected, out=np.zeros_like(selected), where=review.weights > 0.0)
        price: Floats = self.prices.price[review.effective]
        return drifted(units, price)

    @property
    def family(self) -> Family:
        """Which treatment of actions applies: with constraints a weight is held like any other."""
        return self.strategy.strategy.family if self.free else Family.NON_CAP_WEIGHTED

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
        seen = self.prices.moves(rows, guards.max_forward_fill_days)
        return np.clip(seen, guards.min_daily_return, guards.max_daily_return, out=seen)
