"""Twelve Data's words for types, exchanges, currencies and countries, and ours."""

from collections.abc import Mapping
from typing import Final

from waardhaven.application.ports.market_facts import Listing
from waardhaven.domain.market.asset import MIC, ROUND_THE_CLOCK, SYMBOL
from waardhaven.domain.market.currency import MINOR_UNITS, major

ASSET_TYPES: Final[Mapping[str, str]] = {
    "common stock": "equity",
    "common": "equity",
    "preferred stock": "equity",
    "american depositary receipt": "equity",
    "global depositary receipt": "equity",
    "depositary receipt": "equity",
    "adr": "equity",
    "gdr": "equity",
    "reit": "equity",
    "limited partnership": "equity",
    "etf": "etf",
    "exchange-traded fund": "etf",
    "exchange-traded note": "etf",
    "etn": "etf",
    "index": "index",
    "mutual fund": "fund",
    "closed-end fund": "fund",
    "bond fund": "fund",
    "bond": "bond",
    "digital currency": "crypto",
    "physical currency": "fx",
}
"""What is in none of these rows (warrants, rights, units, structured products) is of no type of ours."""
OPERATING_MICS: Final[Mapping[str, str]] = {
    "XNGS": "XNAS",  # Nasdaq's three tiers
    "XNMS": "XNAS",
    "XNCM": "XNAS",
    "XETA": "XETR",  # segments of Xetra
    "XETB": "XETR",
}
"""Segments that replies name where requests and our calendars name the operating exchange."""
UNITS: Final[Mapping[str, str]] = {"GBp": "GBX", "GBx": "GBX", "ZAc": "ZAC"}
COUNTRIES: Final[Mapping[str, str]] = {
    "australia": "AU",
    "austria": "AT",
    "belgium": "BE",
    "brazil": "BR",
    "canada": "CA",
    "china": "CN",
    "denmark": "DK",
    "finland": "FI",
    "france": "FR",
    "germany": "DE",
    "hong kong": "HK",
    "india": "IN",
    "ireland": "IE",
    "israel": "IL",
    "italy": "IT",
    "japan": "JP",
    "mexico": "MX",
    "netherlands": "NL",
    "new zealand": "NZ",
    "norway": "NO",
    "poland": "PL",
    "portugal": "PT",
    "singapore": "SG",
    "south africa": "ZA",
    "south korea": "KR",
    "spain": "ES",
    "sweden": "SE",
    "switzerland": "CH",
    "taiwan": "TW",
    "united kingdom": "GB",
    "united states": "US",
}
_NO_VENUE = frozenset({"index", "crypto", "fx"})
"""Types whose venue is no exchange of ours, or is told differently from one reply to the next."""


def asset_type(text: str | None) -> str | None:
    """Return our type, None for one we do not know."""
    return ASSET_TYPES.get((text or "").strip().lower())


def operating_mic(text: str | None) -> str | None:
    """Return the exchange of a MIC, None for what is no MIC (DIGITAL_CURRENCY)."""
    mic = (text or "").strip().upper()
    return OPERATING_MICS.get(mic, mic) if MIC.fullmatch(mic) else None


def quote_unit(text: str | None) -> str | None:
    """Return the unit prices are quoted in (GBX for pence), None for what is none."""
    code = (text or "").strip()
    unit = UNITS.get(code, code.upper())
    return unit if unit in MINOR_UNITS or (len(unit) == 3 and unit.isascii() and unit.isalpha()) else None


def pinned_mic(listing: Listing) -> str | None:
    """Return the exchange to ask for, None where the symbol alone says it."""
    if listing.asset_type in _NO_VENUE or listing.mic == ROUND_THE_CLOCK:
        return None
    return operating_mic(listing.mic)


def contradiction(listing: Listing, *, kind: str | None, unit: str | None, mic: str | None) -> str | None:
    """Return how what came differs from what was asked for, None when nothing says that it does."""
    type_, exchange, ours = asset_type(kind), operating_mic(mic), pinned_mic(listing)
    currency = quote_unit(unit)
    if type_ is not None and {type_, listing.asset_type} not in ({listing.asset_type}, {"etf", "fund"}):
        return f"{listing.symbol} came as {kind}, not as {listing.asset_type}."
    if currency is not None and major(currency)[0] != major(listing.currency)[0]:
        return f"{listing.symbol} came in {currency}, not in {listing.currency}."
    if exchange is not None and ours is not None and exchange != ours:
        return f"{listing.symbol} came from {exchange}, not from {ours}."
    return None


def found_listing(
    *,
    symbol: str | None,
    name: str | None,
    kind: str | None,
    mic: str | None,
    unit: str | None,
    land: str | None,
) -> Listing | None:
    """Return an instrument that a search found, None when it lacks what makes one."""
    type_, ticker = asset_type(kind), (symbol or "").strip().upper()
    if type_ is None or not SYMBOL.fullmatch(ticker):
        return None
    exchange, currency = operating_mic(mic), quote_unit(unit)
    if type_ in ("crypto", "fx"):
        exchange = ROUND_THE_CLOCK if type_ == "crypto" else exchange
        currency = quote_unit(ticker.partition("/")[2])
    if exchange is None or currency is None:
        return None
    return Listing(
        symbol=ticker,
        mic=exchange,
        name=(name or "").strip() or ticker,
        asset_type=type_,
        currency=major(currency)[0],
        country=COUNTRIES.get((land or "").strip().lower()),
    )
