"""The shapes of Twelve Data's answers. Members that are not named here are ignored.

Numbers may be text or numbers everywhere; what is optional there may be missing or null.
"""

from decimal import Decimal

import msgspec

Number = str | float | None


class Meta(msgspec.Struct, frozen=True):
    """What an answer says of its instrument; nothing of it is certain to be there."""

    symbol: str | None = None
    currency: str | None = None
    exchange: str | None = None
    mic_code: str | None = None
    type: str | None = None


class Bar(msgspec.Struct, frozen=True):
    """One bar. ``datetime`` is a day, with a time where the interval is shorter."""

    datetime: str
    open: Number = None
    high: Number = None
    low: Number = None
    close: Number = None
    volume: Number = None


class TimeSeries(msgspec.Struct, frozen=True):
    """``/time_series`` of one symbol."""

    values: list[Bar] | None
    meta: Meta | None = None


class WireQuote(msgspec.Struct, frozen=True):
    """``/quote`` of one symbol; instants are seconds since 1970."""

    close: Number
    symbol: str | None = None
    mic_code: str | None = None
    currency: str | None = None
    timestamp: int | None = None
    last_quote_at: int | None = None
    previous_close: Number = None
    is_market_open: bool | None = None


class WireRate(msgspec.Struct, frozen=True):
    """``/exchange_rate`` of one pair."""

    rate: str | float
    timestamp: int | None = None


class Split(msgspec.Struct, frozen=True):
    """A split: ``from_factor`` new shares for ``to_factor`` old ones; ``ratio`` multiplies old prices."""

    date: str
    ratio: Decimal | None = None
    from_factor: Decimal | None = None
    to_factor: Decimal | None = None


class Splits(msgspec.Struct, frozen=True):
    """``/splits`` of one symbol."""

    splits: list[Split] | None
    meta: Meta | None = None


class Dividend(msgspec.Struct, frozen=True):
    """A distribution per share."""

    ex_date: str
    amount: Decimal


class Dividends(msgspec.Struct, frozen=True):
    """``/dividends`` of one symbol."""

    dividends: list[Dividend] | None
    meta: Meta | None = None


class StockStatistics(msgspec.Struct, frozen=True):
    """The block of ``/statistics`` that has the shares."""

    shares_outstanding: Number = None
    float_shares: Number = None


class StatisticsBlocks(msgspec.Struct, frozen=True):
    """The blocks of ``/statistics`` that are read."""

    stock_statistics: StockStatistics | None = None


class Statistics(msgspec.Struct, frozen=True):
    """``/statistics`` of one symbol."""

    statistics: StatisticsBlocks
    meta: Meta | None = None


class Capitalisation(msgspec.Struct, frozen=True):
    """The market capitalisation of one day."""

    date: str
    value: Number = None


class Capitalisations(msgspec.Struct, frozen=True):
    """One page of ``/market_cap`` of one symbol."""

    market_cap: list[Capitalisation] | None
    meta: Meta | None = None


class Found(msgspec.Struct, frozen=True):
    """One row of ``/symbol_search``."""

    symbol: str | None = None
    instrument_name: str | None = None
    mic_code: str | None = None
    instrument_type: str | None = None
    country: str | None = None
    currency: str | None = None


class SearchResult(msgspec.Struct, frozen=True):
    """``/symbol_search``."""

    data: list[Found] | None


class ApiUsage(msgspec.Struct, frozen=True):
    """``/api_usage``: credits used and allowed in the present minute, and day where a plan bounds it."""

    current_usage: int
    plan_limit: int
    daily_usage: int | None = None
    plan_daily_limit: int | None = None
    plan_category: str | None = None
