"""Returns of stored symbols on the days they have in common: what models of portfolios are fed with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NoReturn

import numpy as np

from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.pricing.choose_series import Adjust
from waardhaven.application.pricing.read_closes import AssetCloses, ReadCloses, StoredCloses
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.market.asset import Asset, InvalidSymbol, SymbolRef
from waardhaven.domain.market.calendar import Frequency, period
from waardhaven.domain.market.currency import CARRIED_DAYS, CURRENCIES, RateColumns, UnknownCurrency, major
from waardhaven.domain.market.stated_actions import FIXING
from waardhaven.domain.metrics.comparison import Levels, common_levels
from waardhaven.domain.metrics.periods import periods_per_year
from waardhaven.domain.metrics.sample import from_levels
from waardhaven.domain.types import AssetId, Days, Floats, Vintage, as_date

MOST_SYMBOLS: Final = 500
MOST_CLOSES: Final = 1_000_000
"""Closes of all symbols that one call reads."""
LEAST_DAYS: Final = 3
"""Days, or ends of periods, in common: two returns."""
FREQUENCIES: Final = (Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY)
REFUSED: Final = "No returns follow from these symbols."


class UnusableSymbols(Invalid):
    """Symbols that no common history of returns follows from; ``errors`` name each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnsOrder:
    """Which returns: of ``symbols``, in the order of the answer, within ``start`` and ``end``, inclusive.

    ``symbols``: SYM, SYM:MIC or an asset id, 1 to 500, each asset once. None: as far as there are closes.
    ``frequency``: daily, weekly or monthly. ``currency``: what all are measured in, at the fixing of each
    day; None: each in its own.
    """

    symbols: tuple[str, ...]
    start: date | None = None
    end: date | None = None
    frequency: Frequency = Frequency.DAILY
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOfReturns:
    """Where the returns of a name are from: whose closes, adjusted for what (``all``, or ``splits`` alone).

    ``currency``: that of its closes, before any conversion. ``first``, ``last``: of its closes in the range.
    """

    name: str
    symbol: str
    mic: str
    source: str
    currency: str
    adjust: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReturns:
    """Simple returns of stored closes, adjusted for splits and distributions, on common days.

    ``names`` (n,): the symbols as they were asked for. ``values`` (T, n): fractions, 0.01 is one per cent,
    T >= 2, no NaN; the return of row t is over the time from the end before to ``days[t]``, the same for all
    names. ``days`` (T,): increasing ends of periods; ``first``: the day of the closes that the first return
    starts from; ``last``: the last of ``days``. ``periods_per_year``: by the usual distance of the days, 252,
    365, 52, 12 …. ``left_out``: days within them on which some names have a close and others have none.
    ``notes``: what a reader should know, in plain words. Picklable, read at one vintage.
    """

    names: tuple[str, ...]
    days: Days
    values: Floats
    periods_per_year: float
    first: date
    last: date
    frequency: str
    currency: str | None
    sources: tuple[SourceOfReturns, ...]
    left_out: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadReturns:
    """Reads the returns of stored symbols: each question to a store is asked once for all of them."""

    reference: ReferenceStore
    closes: ReadCloses
    pool: ComputePool

    async def __call__(self, order: ReturnsOrder) -> StoredReturns:
        """Return the returns of ``order`` as they are known now.

        Raise UnusableSymbols, naming ``symbols.<position>`` or the field, for what is unknown, ambiguous,
        named twice, without closes, or too short together; TooManyCloses above a million. The caller sees to
        the permission.
        """
        _require_sound(order)
        assets = await self._assets(order.symbols)
        newest = await self.reference.latest_vintage()
        if newest is None:
            _refuse("symbols", "must have closes here: the store is empty")
        stored = await self.closes.of_many(
            assets,
            Adjust.ALL,
            vintage=newest.id,
            start=order.start,
            end=order.end,
            most=MOST_CLOSES,
        )
        rates = await self._rates(stored, order.currency, newest.id)
        return await self.pool.run(common_returns, order, [one.id for one in assets], stored, rates)

    async def _assets(self, symbols: Sequence[str]) -> list[Asset]:
        errors: dict[int, str] = {}
        refs: dict[int, SymbolRef] = {}
        for at, text in enumerate(symbols):
            try:
                refs[at] = SymbolRef.parse(text)
            except InvalidSymbol as error:
                errors[at] = error.message
        answers = await self.reference.resolve_all(list(refs.values())) if refs else []
        found: dict[AssetId, Asset] = {}
        for at, answer in zip(refs, answers, strict=True):
            if not isinstance(answer, Asset):
                errors[at] = answer.message
            elif answer.id in found:
                errors[at] = f"{symbols[at]} is there already: {answer.symbol}:{answer.mic}"
            else:
                found[answer.id] = answer
        if errors:
            broken = [FieldError(field=f"symbols.{at}", rule=errors[at]) for at in sorted(errors)]
            raise UnusableSymbols(REFUSED, errors=broken)
        return list(found.values())

    async def _rates(
        self, stored: StoredCloses, currency: str | None, vintage: Vintage
    ) -> RateColumns | None:
        own = {major(one.series.quote_unit)[0] for one in stored.suited}
        if currency is None or own <= {currency}:
            return None
        return await self.reference.fx(sorted(own | {currency}), fixing=FIXING, vintage=vintage)


def common_returns(
    order: ReturnsOrder, ids: Sequence[AssetId], stored: StoredCloses, rates: RateColumns | None
) -> StoredReturns:
    """Return the returns of the assets ``ids``, one for each symbol of ``order``; raise UnusableSymbols."""
    closes = _all_known(order, ids, stored.adjusted())
    series = [Levels(day=one.day, level=_measured(one, order.currency, rates)) for one in closes]
    common, levels = common_levels(series)
    ends = _ends(common, order.frequency)
    if len(ends) < LEAST_DAYS:
        _refuse_short(order, closes, len(ends))
    days = common[ends]
    every = np.unique(np.concatenate([one.day for one in closes]))
    within = int(((every >= days[0]) & (every <= days[-1])).sum())
    shared = int(((common >= days[0]) & (common <= days[-1])).sum())
    sources = tuple(_source(name, one) for name, one in zip(order.symbols, closes, strict=True))
    return StoredReturns(
        names=order.symbols,
        days=days[1:],
        values=from_levels(levels[ends]),
        periods_per_year=periods_per_year(days),
        first=as_date(days[0]),
        last=as_date(days[-1]),
        frequency=str(order.frequency),
        currency=order.currency,
        sources=sources,
        left_out=within - shared,
        notes=tuple(_notes(order, sources)),
    )


def _require_sound(order: ReturnsOrder) -> None:
    count, currency = len(order.symbols), order.currency
    rules = (
        ("symbols", f"must be 1 to {MOST_SYMBOLS}, not {count}", 1 <= count <= MOST_SYMBOLS),
        ("frequency", f"must be one of {', '.join(FREQUENCIES)}", order.frequency in FREQUENCIES),
        ("end", "must be after start", not order.start or not order.end or order.start < order.end),
        ("currency", f"must be one of {', '.join(CURRENCIES)}", currency is None or currency in CURRENCIES),
    )
    errors = [FieldError(field=field, rule=rule) for field, rule, kept in rules if not kept]
    if errors:
        raise UnusableSymbols(REFUSED, errors=errors)


def _all_known(
    order: ReturnsOrder, ids: Sequence[AssetId], known: Mapping[AssetId, AssetCloses]
) -> list[AssetCloses]:
    lacking = [at for at, one in enumerate(ids) if one not in known]
    if lacking:
        when = _range(order)
        errors = [
            FieldError(field=f"symbols.{at}", rule=f"{order.symbols[at]} has no closes here{when}")
            for at in lacking
        ]
        raise UnusableSymbols(REFUSED, errors=errors)
    return [known[one] for one in ids]


def _range(order: ReturnsOrder) -> str:
    parts = ((" from ", order.start), (" to ", order.end))
    return "".join(f"{word}{day}" for word, day in parts if day is not None)


def _measured(closes: AssetCloses, currency: str | None, rates: RateColumns | None) -> Floats:
    if currency is None or rates is None:
        return closes.close
    try:
        return closes.close * rates.cross(closes.quote_unit, currency, closes.day, max_days=CARRIED_DAYS)
    except UnknownCurrency as error:
        _refuse("currency", f"must have rates of exchange to the currencies of all symbols. {error.message}")


def _ends(days: Days, frequency: Frequency) -> np.ndarray:
    """Return the positions of the last day of each period; the last period only if it is over.

    It is over when the next weekday lies in another period: a part of one is no return of a period.
    """
    if frequency is Frequency.DAILY or not len(days):
        return np.arange(len(days))
    following = np.busday_offset(days[-1:], 1, roll="backward")
    number = period(np.concatenate([days, following]), frequency)
    return np.flatnonzero(number[1:] != number[:-1])


def _refuse_short(order: ReturnsOrder, closes: Sequence[AssetCloses], count: int) -> NoReturn:
    """Name the symbol with the fewest closes: the others can have no more in common."""
    at = min(range(len(closes)), key=lambda one: len(closes[one].day))
    mine = closes[at]
    what = "days" if order.frequency is Frequency.DAILY else f"ends of {order.frequency} periods"
    _refuse(
        f"symbols.{at}",
        f"{order.symbols[at]} has {len(mine.day)} closes{_range(order)}, {as_date(mine.day[0])} to "
        f"{as_date(mine.day[-1])}, and all symbols {count} {what} in common; at least {LEAST_DAYS}",
    )


def _refuse(field: str, rule: str) -> NoReturn:
    raise UnusableSymbols(REFUSED, errors=[FieldError(field=field, rule=rule)])


def _source(name: str, closes: AssetCloses) -> SourceOfReturns:
    return SourceOfReturns(
        name=name,
        symbol=closes.asset.symbol,
        mic=closes.asset.mic,
        source=closes.source,
        currency=major(closes.quote_unit)[0],
        adjust=str(closes.adjust),
        first=as_date(closes.day[0]),
        last=as_date(closes.day[-1]),
    )


def _notes(order: ReturnsOrder, sources: Sequence[SourceOfReturns]) -> list[str]:
    price = [one.name for one in sources if one.adjust != Adjust.ALL]
    own = sorted({one.currency for one in sources})
    told = []
    if price:
        told.append(f"Without distributions, as no closes here count them: {', '.join(price)}.")
    if order.currency is None and len(own) > 1:
        told.append(f"Returns are each in its own currency ({', '.join(own)}); name a currency for one.")
    return told
