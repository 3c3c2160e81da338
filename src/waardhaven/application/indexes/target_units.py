"""What to hold of each name so that an amount of money follows an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import numpy as np

from waardhaven.application.indexes.closing import OfficialClose, read_close
from waardhaven.application.indexes.conversion import dated_rates, target_currency
from waardhaven.application.indexes.money_views import TargetsView, TargetView
from waardhaven.application.indexes.official import read_official
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.trading.money import LARGEST_AMOUNT, minor_digits, money, settled
from waardhaven.domain.trading.targets import FRACTION, Targets, target_units
from waardhaven.domain.types import Floats, as_date

ADJUSTED_PRICES = "Prices are adjusted closes, not prices of trades: look up the price before you order."
LARGEST_LOT = 1_000_000


class LotKind(StrEnum):
    """Whether units are traded in whole lots or in fractions."""

    WHOLE = "whole"
    FRACTIONAL = "fractional"


class UnpricedNames(Invalid):
    """Names of the index have no price in the currency asked for on its newest official day."""


class InvalidLots(Invalid):
    """Lot sizes that do not fit the index or the kind of lots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOrder:
    """What is wanted: money in ``currency`` (None: of the index), in lots.

    ``lot_sizes``: units of a lot by symbol where it is not 1. ``minimum_trade``: no name is bought for less.
    """

    amount: float
    currency: str | None = None
    lot: LotKind = LotKind.WHOLE
    lot_sizes: Mapping[str, int] = field(default_factory=dict)
    minimum_trade: float = 0.0


@dataclass(frozen=True, slots=True)
class TargetUnits:
    """Units of each name of an index for an amount of money, at its newest official close.

    The weights are those the index has drifted to. Prices are the closes of that day, converted at the
    rates of that day. Whole lots are chosen so that as little money as possible is missing where the index
    wants it; no amount is exceeded.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    prices: PriceStore
    pool: ComputePool

    async def __call__(
        self, by: Principal, *, slug: str, order: TargetOrder, as_of: datetime | None = None
    ) -> TargetsView:
        """Return the heaviest name first; raise UnknownIndex, NothingPublished or Invalid."""
        by.require(Permission.READ_INDICES)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of, compositions=True)
        currency = target_currency(order.currency, history.index.definition.currency)
        digits = minor_digits(currency)
        amount = money(order.amount, digits)
        minimum = _minimum(order.minimum_trade)
        close = await read_close(self.reference, self.prices, history)
        lots = _lots(order, close.assets)
        prices = await self._prices(close, currency)
        found = await self.pool.run(_targets, close.weights, prices, amount, lots, minimum, digits)
        return _view(close, currency, amount, prices, lots, found)

    async def _prices(self, close: OfficialClose, currency: str) -> list[Decimal]:
        history, at = close.history, np.array([close.day])
        vintage = history.newest.made_from.vintage
        definition = history.index.definition
        fx = await dated_rates(self.reference, definition, close.quote_units, currency, at, vintage)
        prices, weights = close.prices * fx[0], close.weights
        unknown = np.flatnonzero(~(np.isfinite(prices) & np.isfinite(weights)))
        if len(unknown):
            symbols = ", ".join(close.assets[i].symbol for i in unknown.tolist()[:10])
            rule = (
                f"must have rates of exchange on {as_date(close.day)}; the nearest is {definition.currency!r}"
            )
            raise UnpricedNames(
                f"There is no price in {currency} on {as_date(close.day)} of {symbols}.",
                errors=[FieldError(field="currency", rule=rule)],
            )
        return [Decimal(f"{one:.12g}") for one in prices.tolist()]


def _targets(
    weights: Floats,
    prices: Sequence[Decimal],
    amount: Decimal,
    lots: Sequence[Decimal],
    minimum: Decimal,
    digits: int,
) -> Targets:
    return target_units(weights, prices, amount, lots=lots, minimum_trade=minimum, digits=digits)


def _minimum(value: float) -> Decimal:
    most = float(LARGEST_AMOUNT)
    if not 0.0 <= value <= most:
        rule = f"must be from 0 to {most:.15g}; the nearest is {most if value > most else 0.0:.15g}"
        raise Invalid("The order can not be met.", errors=[FieldError(field="minimum_trade", rule=rule)])
    return Decimal(repr(float(value)))


def _lots(order: TargetOrder, assets: Sequence[Asset]) -> list[Decimal]:
    """Return the units of one lot of each name."""
    sizes = order.lot_sizes
    symbols = {one.symbol for one in assets}
    rules = []
    if sizes and order.lot is LotKind.FRACTIONAL:
        rules.append("must be left out where units are fractional")
    if foreign := sorted(set(sizes) - symbols):
        rules.append(f"must name what the index holds, not {', '.join(foreign[:10])}")
    if not all(1 <= one <= LARGEST_LOT for one in sizes.values()):
        rules.append(f"must be from 1 to {LARGEST_LOT}")
    if rules:
        errors = [FieldError(field="lot_sizes", rule=rule) for rule in rules]
        raise InvalidLots("The lot sizes do not fit.", errors=errors)
    if order.lot is LotKind.FRACTIONAL:
        return [FRACTION] * len(assets)
    return [Decimal(sizes.get(one.symbol, 1)) for one in assets]


def _view(
    close: OfficialClose,
    currency: str,
    amount: Decimal,
    prices: Sequence[Decimal],
    lots: Sequence[Decimal],
    found: Targets,
) -> TargetsView:
    weights, definition = close.weights, close.history.index.definition
    rows = [
        TargetView(
            symbol=asset.symbol,
            mic=asset.mic,
            name=asset.name,
            target_weight=float(weights[i]),
            price=format(prices[i], "f"),
            lot=format(lots[i], "f"),
            units=format(found.units[i], "f"),
            value=format(found.value[i], "f"),
            achieved_weight=float(found.weight[i]),
        )
        for i, asset in enumerate(close.assets)
    ]
    adjusted = definition.series.adjustment is not Adjustment.RAW
    return TargetsView(
        index=definition.slug,
        date=as_date(close.day),
        currency=currency,
        amount=format(settled(amount, minor_digits(currency)), "f"),
        invested=format(amount - found.cash_left, "f"),
        cash_left=format(found.cash_left, "f"),
        shortfall=found.shortfall,
        gap=found.gap,
        allocations=tuple(sorted(rows, key=lambda one: -one.target_weight)),
        notes=(ADJUSTED_PRICES,) if adjusted else (),
        provenance=close.history.provenance,
    )
