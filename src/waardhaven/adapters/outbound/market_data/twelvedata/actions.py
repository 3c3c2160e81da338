"""Splits, dividends and shares of Twelve Data: from its shapes to ours."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from waardhaven.adapters.outbound.market_data.twelvedata.account import NAME
from waardhaven.adapters.outbound.market_data.twelvedata.answers import Meaning, Problem
from waardhaven.adapters.outbound.market_data.twelvedata.names import contradiction, quote_unit
from waardhaven.adapters.outbound.market_data.twelvedata.requests import Endpoint
from waardhaven.adapters.outbound.market_data.twelvedata.wire import (
    Dividend,
    Dividends,
    Meta,
    Split,
    Splits,
    Statistics,
    StockStatistics,
)
from waardhaven.application.ports.market_data import ListedAction
from waardhaven.application.ports.market_facts import Listing
from waardhaven.domain.market.currency import major

SPLITS: Final = Endpoint(path="/splits", payload="splits", kind=Splits, cost=20, several=False)
DIVIDENDS: Final = Endpoint(path="/dividends", payload="dividends", kind=Dividends, cost=20, several=False)
STATISTICS: Final = Endpoint(
    path="/statistics", payload="statistics", kind=Statistics, cost=50, several=False
)
RATIO_PLACES: Final = Decimal("1E-10")
AMOUNT_PLACES: Final = Decimal("1E-8")
Actions = tuple[ListedAction, ...]


def splits_of(listing: Listing, found: Splits) -> Actions | Problem:
    """Return splits with the new shares for one old share, or the problem that one can not be read."""
    wrong = wrong_instrument(listing, found.meta)
    if wrong is not None:
        return wrong
    try:
        rows = sorted((_day(one.date), _ratio(one)) for one in found.splits or ())
    except (ValueError, ArithmeticError):
        return Problem(Meaning.REFUSED, "A split has no day or no ratio.")
    return tuple(
        ListedAction(
            listing=listing, source=NAME, key=key, kind="split", ex_date=day, ratio=_text(ratio, RATIO_PLACES)
        )
        for key, (day, ratio) in _keyed("split", rows)
    )


def dividends_of(listing: Listing, found: Dividends) -> Actions | Problem:
    """Return distributions in whole units of a currency, or the problem that one can not be read."""
    wrong = wrong_instrument(listing, found.meta)
    if wrong is not None:
        return wrong
    unit = quote_unit(found.meta.currency if found.meta is not None else None) or listing.currency
    currency, parts = major(unit)
    try:
        rows = sorted((_day(one.ex_date), _amount(one) / parts) for one in found.dividends or ())
    except (ValueError, ArithmeticError):
        return Problem(Meaning.REFUSED, "A dividend has no day or no amount.")
    return tuple(
        ListedAction(
            listing=listing,
            source=NAME,
            key=key,
            kind="cash_dividend",
            ex_date=day,
            amount=_text(amount, AMOUNT_PLACES),
            currency=currency,
        )
        for key, (day, amount) in _keyed("dividend", rows)
    )


def shares_of(listing: Listing, found: Statistics) -> tuple[float, float | None] | Problem:
    """Return shares outstanding and the fraction that floats, or the problem that there is no count.

    A float of nothing or of more shares than there are is no float.
    """
    wrong = wrong_instrument(listing, found.meta)
    if wrong is not None:
        return wrong
    block = found.statistics.stock_statistics or StockStatistics()
    shares, floating = _count(block.shares_outstanding), _count(block.float_shares)
    if shares is None:
        return Problem(Meaning.REFUSED, "There is no count of shares.")
    return shares, None if floating is None or floating > shares else floating / shares


def _count(stated: object) -> float | None:
    """Return a count of shares, None for what can be none."""
    try:
        number = float(str(stated))
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None


def wrong_instrument(listing: Listing, meta: Meta | None) -> Problem | None:
    """Return the problem that an answer is about something else, None when nothing says so."""
    if meta is None:
        return None
    text = contradiction(listing, kind=meta.type, unit=meta.currency, mic=meta.mic_code)
    return Problem(Meaning.WRONG, text) if text is not None else None


def _keyed(kind: str, rows: list[tuple[date, Decimal]]) -> Iterator[tuple[str, tuple[date, Decimal]]]:
    """Give each row a key: its day, and a number from the second on the same day on."""
    seen: Counter[date] = Counter()
    for row in rows:
        seen[row[0]] += 1
        number = f"-{seen[row[0]]}" if seen[row[0]] > 1 else ""
        yield f"{kind}-{row[0]}{number}", row


def _ratio(split: Split) -> Decimal:
    """Return new shares for one old: the factors are exact, ``ratio`` is rounded and upside down."""
    if split.from_factor and split.to_factor:
        ratio = split.from_factor / split.to_factor
    elif split.ratio:
        ratio = 1 / split.ratio
    else:
        raise ValueError("The split says no ratio.")
    if not (ratio.is_finite() and ratio >= RATIO_PLACES):
        raise InvalidOperation("The ratio is none.")
    return ratio


def _amount(dividend: Dividend) -> Decimal:
    if not (dividend.amount.is_finite() and dividend.amount >= 0):
        raise InvalidOperation("The amount is none.")
    return dividend.amount


def _text(number: Decimal, places: Decimal) -> str:
    """Return a decimal without exponent or padding, exact where the store can hold it."""
    exponent = number.normalize().as_tuple().exponent
    shown = (
        number.quantize(places) if isinstance(exponent, int) and number != number.quantize(places) else number
    )
    text = f"{shown:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])
