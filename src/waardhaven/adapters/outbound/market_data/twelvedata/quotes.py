"""Quotes and search results of Twelve Data: from its shapes to ours."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Final

from waardhaven.adapters.outbound.market_data.twelvedata.account import NAME
from waardhaven.adapters.outbound.market_data.twelvedata.answers import Meaning, Problem
from waardhaven.adapters.outbound.market_data.twelvedata.names import contradiction, found_listing, quote_unit
from waardhaven.adapters.outbound.market_data.twelvedata.requests import Endpoint
from waardhaven.adapters.outbound.market_data.twelvedata.wire import Number, SearchResult, WireQuote
from waardhaven.application.ports.market_data import Quote
from waardhaven.application.ports.market_facts import Listing

QUOTE: Final = Endpoint(path="/quote", payload="close", kind=WireQuote)
_LATEST: Final = 253_402_300_799
"""The last second of the year 9999."""


def quote_of(listing: Listing, found: WireQuote) -> Quote | Problem:
    """Return a quote, or the problem that it has no price or is one of something else."""
    wrong = contradiction(listing, kind=None, unit=found.currency, mic=found.mic_code)
    if wrong is not None:
        return Problem(Meaning.WRONG, wrong)
    price = positive(found.close)
    if price is None:
        return Problem(Meaning.REFUSED, "The quote has no price.")
    return Quote(
        listing=listing,
        source=NAME,
        price=price,
        quote_unit=quote_unit(found.currency) or listing.currency,
        at=instant(found.last_quote_at or found.timestamp),
        previous_close=positive(found.previous_close),
        is_open=found.is_market_open,
    )


def listings_of(found: SearchResult) -> Sequence[Listing]:
    """Return the instruments found, best first, none twice; rows that make none are left out."""
    listings: dict[tuple[str, str], Listing] = {}
    for row in found.data or ():
        one = found_listing(
            symbol=row.symbol,
            name=row.instrument_name,
            kind=row.instrument_type,
            mic=row.mic_code,
            unit=row.currency,
            land=row.country,
        )
        if one is not None:
            listings.setdefault((one.symbol, one.mic), one)
    return list(listings.values())


def positive(number: Number) -> float | None:
    """Return a finite number above zero, None for everything else."""
    try:
        value = float(number or 0)
    except ValueError:
        return None
    return value if isfinite(value) and value > 0 else None


def instant(seconds: int | None) -> datetime | None:
    """Return the instant of seconds since 1970, None for what is none."""
    if seconds is None or not 0 < seconds <= _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)
