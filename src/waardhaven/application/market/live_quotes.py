"""Last prices: what providers know this minute, else what is stored."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from waardhaven.application.market.facts import listing_of
from waardhaven.application.market.quotes import QuoteView, ReadQuotes
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.fx_rates import FxSources
from waardhaven.application.ports.market_data import Capability, MarketData, Quote
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError, Invalid, WaardhavenError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.asset import Asset, SymbolRef
from waardhaven.domain.market.currency import CARRIED_DAYS, CURRENCIES, UnknownCurrency, major
from waardhaven.domain.market.stated_actions import FIXING

MOST = 50


class TooManyQuotes(Invalid):
    """More symbols than one answer may have, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveQuoteView:
    """The last price of an asset in ``currency``. ``live``: a provider's, else the last stored close.

    ``at``: when the price was made, null when the provider does not say. Without a price it is null and
    ``reason`` says why; ``reason`` also says why a provider's was not to be had.
    """

    symbol: str
    mic: str
    price: float | None
    currency: str | None
    live: bool
    source: str | None
    at: datetime | None
    previous_close: float | None
    age_seconds: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ReadLiveQuotes:
    """Last prices of providers, converted at present rates; else stored closes, at those of their day.

    What a provider said is kept for a while, so that asking twice spends no credit.
    """

    reference: ReferenceStore
    source: MarketData
    stored: ReadQuotes
    fx: FxSources
    clock: Clock

    async def __call__(
        self, by: Principal, *, symbols: Sequence[str], currency: str | None = None
    ) -> tuple[LiveQuoteView, ...]:
        """Return a quote for each symbol in order; raise UnknownAsset or AmbiguousSymbol."""
        by.require(Permission.READ_INDICES)
        _check(symbols, currency)
        assets = [await self.reference.resolve(SymbolRef.parse(one)) for one in dict.fromkeys(symbols)]
        closes = await self.stored(by, assets=assets)
        answers = await self._asked(assets)
        views = [
            _view(asset, answers[asset.id], close, self.clock.now())
            for asset, close in zip(assets, closes, strict=True)
        ]
        if currency is None:
            return tuple(views)
        days = [None if view.live else close.day for view, close in zip(views, closes, strict=True)]
        rates = [await self._rate(one.currency, currency, day) for one, day in zip(views, days, strict=True)]
        return tuple(_converted(one, currency, rate) for one, rate in zip(views, rates, strict=True))

    async def _asked(self, assets: Sequence[Asset]) -> dict[int, Quote | str]:
        """Return a provider's quote of each asset, or why there is none."""
        if Capability.QUOTES not in self.source.capabilities:
            return dict.fromkeys([one.id for one in assets], "No source of quotes is set up.")
        answers = await self.source.quotes([listing_of(one) for one in assets])
        return {
            asset.id: answer if isinstance(answer, Quote) else answer.detail
            for asset, answer in zip(assets, answers, strict=True)
        }

    async def _rate(self, own: str | None, target: str, day: date | None) -> float | None:
        """Return the present rate, or that of the day of a stored close; None: there is none."""
        if own is None or own == target:
            return 1.0
        for source in () if day else self.fx.sources:
            with suppress(WaardhavenError):
                spot = await source.spot(own, target)
                if spot is not None:
                    return spot.rate
        return await self._fixed(own, target, day or self.clock.now().date())

    async def _fixed(self, own: str, target: str, day: date) -> float | None:
        """Return the last stored fixing of the pair on a day, None when it is more than a week old."""
        table = await self.reference.fx(sorted({own, target}), fixing=FIXING, end=day)
        at = np.array([day], dtype="datetime64[D]")
        try:
            rate = float(table.cross(own, target, at, max_days=CARRIED_DAYS)[0])
        except UnknownCurrency:
            return None
        return rate if np.isfinite(rate) else None


def _check(symbols: Sequence[str], currency: str | None) -> None:
    errors = []
    if not 1 <= len(symbols) <= MOST:
        errors.append(FieldError(field="symbols", rule=f"must be 1 to {MOST} symbols"))
    if currency is not None and currency not in CURRENCIES:
        errors.append(FieldError(field="currency", rule="must be one of /index/currencies"))
    if errors:
        raise TooManyQuotes("The quotes asked for are out of bounds.", errors=errors)


def _view(asset: Asset, answer: Quote | str, close: QuoteView, now: datetime) -> LiveQuoteView:
    if isinstance(answer, Quote):
        code, parts = major(answer.quote_unit)
        previous = answer.previous_close
        return LiveQuoteView(
            symbol=asset.symbol,
            mic=asset.mic,
            price=answer.price / parts,
            currency=code,
            live=True,
            source=answer.source,
            at=answer.at,
            previous_close=None if previous is None else previous / parts,
            age_seconds=None if answer.at is None else max(0.0, (now - answer.at).total_seconds()),
            reason=None,
        )
    return LiveQuoteView(
        symbol=asset.symbol,
        mic=asset.mic,
        price=close.price,
        currency=close.currency,
        live=False,
        source=close.source,
        at=None,
        previous_close=None,
        age_seconds=close.age_seconds,
        reason=close.reason or answer,
    )


def _converted(one: LiveQuoteView, currency: str, rate: float | None) -> LiveQuoteView:
    if one.currency is None or one.price is None:
        return one
    if rate is None:
        reason = f"There is no exchange rate from {one.currency} to {currency}."
        return replace(one, price=None, previous_close=None, currency=currency, reason=reason)
    previous = None if one.previous_close is None else one.previous_close * rate
    return replace(one, price=one.price * rate, previous_close=previous, currency=currency)
