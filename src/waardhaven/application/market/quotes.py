"""Last prices: what the stores know, and how old it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.price_store import LastClose, PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef, UnknownAsset
from waardhaven.domain.market.currency import major

NO_PRICES = "There are no prices of this asset yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """The last stored close of an asset in ``currency``.

    ``age_seconds``: since the session closed, or since the end of its day in UTC where its hours are not
    known; never negative. Without any price all of these are None and ``reason`` says why.
    """

    asset: int
    symbol: str
    mic: str
    price: float | None = None
    currency: str | None = None
    day: date | None = None
    source: str | None = None
    adjustment: str | None = None
    age_seconds: float | None = None
    at: datetime
    reason: str | None = None

    @property
    def fact(self) -> tuple[object, ...]:
        """What makes a quote another one; growing older does not."""
        return (self.price, self.currency, self.day, self.source, self.adjustment)


@dataclass(frozen=True, slots=True)
class FindAssets:
    """What callers mean by symbols."""

    reference: ReferenceStore

    async def __call__(
        self, by: Principal, *, refs: Sequence[SymbolRef]
    ) -> tuple[Asset | UnknownAsset | AmbiguousSymbol, ...]:
        """Return, for each symbol, its asset or what is wrong with the symbol."""
        by.require(Permission.READ_INDICES)
        return tuple(await self.reference.resolve_all(refs))


@dataclass(frozen=True, slots=True)
class ReadQuotes:
    """The last stored closes of assets, of the raw series where there is one; each says its age."""

    prices: PriceStore
    clock: Clock

    async def __call__(self, by: Principal, *, assets: Sequence[Asset]) -> tuple[QuoteView, ...]:
        """Return a quote for each asset, in the order given."""
        by.require(Permission.READ_INDICES)
        found = {one.asset: one for one in await self.prices.last_closes([asset.id for asset in assets])}
        now = self.clock.now()
        return tuple(_quote(asset, found.get(asset.id), now) for asset in assets)


def _quote(asset: Asset, last: LastClose | None, now: datetime) -> QuoteView:
    if last is None:
        return QuoteView(asset=asset.id, symbol=asset.symbol, mic=asset.mic, at=now, reason=NO_PRICES)
    currency, per_major = major(last.quote_unit)
    midnight = datetime.combine(last.day + timedelta(days=1), time.min, UTC)
    age = now - (last.closed_at or midnight)
    return QuoteView(
        asset=asset.id,
        symbol=asset.symbol,
        mic=asset.mic,
        price=last.close / per_major,
        currency=currency,
        day=last.day,
        source=last.source,
        adjustment=str(last.adjustment),
        age_seconds=max(0.0, age.total_seconds()),
        at=now,
    )
