"""EODHD's names and shapes, and ours.

``/api/eod`` is read as the provider documents it: prices as traded, ``adjusted_close`` for splits and
dividends; whether volume is as traded is left open there. The other shapes are from general knowledge and
were never compared with the service.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Final

import msgspec
import numpy as np

from waardhaven.adapters.outbound.market_data.keyed import Refused
from waardhaven.application.ports.market_data import BarColumns, ListedAction, Quote, Reason, Wanted
from waardhaven.application.ports.market_facts import Listing
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import ROUND_THE_CLOCK, SYMBOL
from waardhaven.domain.market.currency import major
from waardhaven.domain.types import Floats

Number = float | str | None
NAME: Final = "eodhd"
AMERICAN: Final = "US"
EXCHANGES: Final[Mapping[str, str]] = {
    "ARCX": AMERICAN,
    "BATS": AMERICAN,
    "OTCM": AMERICAN,
    "XAMS": "AS",
    "XASE": AMERICAN,
    "XASX": "AU",
    "XBRU": "BR",
    "XBUD": "BUD",
    "XCSE": "CO",
    "XDUB": "IR",
    "XETR": "XETRA",
    "XFRA": "F",
    "XHEL": "HE",
    "XJSE": "JSE",
    "XKRX": "KO",
    "XLIS": "LS",
    "XLON": "LSE",
    "XMAD": "MC",
    "XNAS": AMERICAN,
    "XNYS": AMERICAN,
    "XOSL": "OL",
    "XPAR": "PA",
    "XPRA": "PR",
    "XSTO": "ST",
    "XSWX": "SW",
    "XTAI": "TW",
    "XTSE": "TO",
    "XTSX": "V",
    "XWAR": "WAR",
    "XWBO": "VI",
    ROUND_THE_CLOCK: "CC",
}
"""Our exchanges and EODHD's, as its list of exchanges names them. Milan and Tokyo are not on that list."""
_MICS: Final = {code: mic for mic, code in EXCHANGES.items() if code != AMERICAN}
_TYPES: Final = {"common stock": "equity", "preferred stock": "equity", "etf": "etf", "fund": "fund"}
_UNITS: Final = {"GBp": "GBX", "ZAc": "ZAC"}
_VALUES: Final = ("open", "high", "low", "close", "volume", "adjusted_close")
RATIO_PLACES: Final = 10
AMOUNT_PLACES: Final = 8
"""Decimal places that the store holds."""
_LATEST: Final = 253_402_300_799
"""The last second of the year 9999."""


class WireBar(msgspec.Struct, frozen=True):
    """One row of ``/api/eod``; the free plan puts a ``warning`` into rows, or in place of one."""

    date: str | None = None
    open: Number = None
    high: Number = None
    low: Number = None
    close: Number = None
    adjusted_close: Number = None
    volume: Number = None
    warning: str | None = None


class WireQuote(msgspec.Struct, frozen=True, rename="camel"):
    """``/api/real-time`` of one symbol; what is unknown is the text NA."""

    close: Number
    previous_close: Number = None
    timestamp: Number = None


class WireSplit(msgspec.Struct, frozen=True):
    """One row of ``/api/splits``: new shares for old ones, as in 2.000000/1.000000."""

    date: str
    split: str


class WireDividend(msgspec.Struct, frozen=True, rename="camel"):
    """One row of ``/api/div``: ``date`` is the ex-date, ``value`` is adjusted for later splits."""

    date: str
    value: Decimal | None = None
    unadjusted_value: Decimal | None = None
    currency: str | None = None


class WireFound(msgspec.Struct, frozen=True, rename="pascal"):
    """One row of ``/api/search``."""

    code: str
    exchange: str
    name: str | None = None
    type: str | None = None
    currency: str | None = None


def ticker(listing: Listing) -> str:
    """Return EODHD's name (BRK-B.US, BTC-USD.CC); raise Refused where there is none."""
    exchange = EXCHANGES.get(listing.mic)
    if exchange is None or listing.asset_type in ("index", "fx"):
        raise Refused(Reason.UNKNOWN_SYMBOL, f"EODHD has no name for {listing.asset_type} on {listing.mic}.")
    return f"{listing.symbol.replace('.', '-').replace('/', '-')}.{exchange}"


def found_listing(row: WireFound) -> Listing | None:
    """Return an instrument that a search found, None for what has no type, exchange or currency of ours."""
    mic, currency = _MICS.get(row.exchange.upper()), major(quote_unit(row.currency))[0]
    is_coin = mic == ROUND_THE_CLOCK
    kind = "crypto" if is_coin else _TYPES.get((row.type or "").strip().lower())
    symbol = row.code.strip().upper().replace("-", "/" if is_coin else ".")
    if mic is None or kind is None or not currency or not SYMBOL.fullmatch(symbol):
        return None
    name = (row.name or "").strip() or symbol
    return Listing(symbol=symbol, mic=mic, name=name, asset_type=kind, currency=currency)


def quote_unit(text: str | None) -> str:
    """Return the unit prices are quoted in (GBX for pence), empty for what is none."""
    code = (text or "").strip()
    unit = _UNITS.get(code, code.upper())
    return unit if len(unit) == 3 and unit.isascii() and unit.isalpha() else ""


def bars_of(wanted: Wanted, unit: str, rows: Sequence[WireBar]) -> tuple[BarColumns, ...]:
    """Return the bars as traded and the adjusted closes, within the days; raise Refused for no number.

    A row without a day is no bar: no day is not a time, and lies within no days.
    """
    try:
        day = np.array([row.date for row in rows], dtype="datetime64[D]")
        values = {name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in _VALUES}
    except ValueError:
        raise Refused(Reason.BAD_DATA, "A bar has a day or a value that is none.") from None
    order = np.argsort(day, kind="stable")
    first, last = np.datetime64(wanted.start or date.min, "D"), np.datetime64(wanted.end or date.max, "D")
    kept = order[(day[order] >= first) & (day[order] <= last)]
    known = {name: one[kept] for name, one in values.items()}
    unknown = dict.fromkeys(("open", "high", "low", "volume"), np.full(len(kept), np.nan))

    def bars(adjustment: Adjustment, columns: Mapping[str, Floats]) -> BarColumns:
        one = {"listing": wanted.listing, "source": NAME, "quote_unit": unit, "day": day[kept]}
        return BarColumns(adjustment=adjustment, **one, **columns)  # type: ignore[arg-type]

    adjusted = known.pop("adjusted_close")
    return bars(Adjustment.RAW, known), bars(Adjustment.ALL, {**unknown, "close": adjusted})


def quote_of(listing: Listing, found: WireQuote) -> Quote | None:
    """Return a quote as if in whole units of the currency, None where there is no price."""
    price, at = _positive(found.close), _positive(found.timestamp)
    if price is None:
        return None
    return Quote(
        listing=listing,
        source=NAME,
        price=price,
        quote_unit=listing.currency,
        at=datetime.fromtimestamp(at, UTC) if at is not None and at <= _LATEST else None,
        previous_close=_positive(found.previous_close),
    )


def splits_of(listing: Listing, rows: Iterable[WireSplit]) -> list[ListedAction]:
    """Return splits with the new shares for one old; raise Refused when one can not be read."""
    try:
        known = sorted((date.fromisoformat(row.date), _ratio(row.split)) for row in rows)
    except (ValueError, ArithmeticError):
        raise Refused(Reason.BAD_DATA, "A split has no day or no ratio.") from None
    return [
        ListedAction(listing=listing, source=NAME, key=key, kind="split", ex_date=day, ratio=ratio)
        for key, (day, ratio) in zip(_keys("split", [day for day, _ in known]), known, strict=True)
    ]


def dividends_of(listing: Listing, unit: str, rows: Iterable[WireDividend]) -> list[ListedAction]:
    """Return what was paid, in whole units of a currency; raise Refused when one can not be read.

    ``unit`` is that of a row that tells no currency: the provider says that it mostly is that of prices.
    """
    try:
        known = sorted((date.fromisoformat(row.date), *_paid(row, unit)) for row in rows)
    except (ValueError, ArithmeticError):
        raise Refused(Reason.BAD_DATA, "A dividend has no day or no amount.") from None
    keys = _keys("dividend", [day for day, _, _ in known])
    return [
        ListedAction(
            listing=listing,
            source=NAME,
            key=key,
            kind="cash_dividend",
            ex_date=day,
            amount=amount,
            currency=currency,
        )
        for key, (day, amount, currency) in zip(keys, known, strict=True)
    ]


def _ratio(text: str) -> str:
    new, _, old = text.partition("/")
    ratio = round(Decimal(new) / Decimal(old), RATIO_PLACES)
    if not ratio > 0:
        raise ValueError("The split has no ratio.")
    return _plain(ratio)


def _paid(row: WireDividend, unit: str) -> tuple[str, str]:
    amount = row.value if row.unadjusted_value is None else row.unadjusted_value
    currency, parts = major(quote_unit(row.currency) or unit)
    if amount is None or amount < 0:
        raise ValueError("The dividend has no amount.")
    return _plain(round(amount / parts, AMOUNT_PLACES)), currency


def _keys(kind: str, days: Iterable[date]) -> list[str]:
    """Return a key for each: its day, and a number from the second on the same day on."""
    seen: Counter[date] = Counter()
    keys = []
    for day in days:
        seen[day] += 1
        keys.append(f"{kind}-{day}-{seen[day]}" if seen[day] > 1 else f"{kind}-{day}")
    return keys


def _plain(number: Decimal) -> str:
    """Return a decimal without exponent or padding."""
    return f"{number.normalize():f}"


def _positive(number: Number) -> float | None:
    """Return a finite number above zero, None for everything else."""
    try:
        value = float(number or 0)
    except ValueError:
        return None
    return value if isfinite(value) and value > 0 else None
