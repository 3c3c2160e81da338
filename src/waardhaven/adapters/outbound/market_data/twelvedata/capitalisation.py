"""Share counts of the past: market capitalisations of Twelve Data over unadjusted closes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import structlog

from waardhaven.adapters.outbound.market_data.keyed import Patience, Refused
from waardhaven.adapters.outbound.market_data.twelvedata.account import NAME
from waardhaven.adapters.outbound.market_data.twelvedata.actions import wrong_instrument
from waardhaven.adapters.outbound.market_data.twelvedata.answers import Meaning, Problem
from waardhaven.adapters.outbound.market_data.twelvedata.names import pinned_mic, quote_unit
from waardhaven.adapters.outbound.market_data.twelvedata.queue import Item
from waardhaven.adapters.outbound.market_data.twelvedata.requests import FOR_ALL, Endpoint, SymbolRequests
from waardhaven.adapters.outbound.market_data.twelvedata.series import Asked, History, histories
from waardhaven.adapters.outbound.market_data.twelvedata.wire import Capitalisation, Capitalisations
from waardhaven.application.ports.market_data import Reason, SharesOutstanding
from waardhaven.application.ports.market_facts import Listing
from waardhaven.domain.market.currency import major
from waardhaven.domain.types import Days, Flags, Floats

log = structlog.get_logger(__name__)

MARKET_CAP: Final = Endpoint(
    path="/market_cap", payload="market_cap", kind=Capitalisations, cost=5, several=False
)
PAGE_ROWS: Final = 1000
MOST_PAGES: Final = 20
MOST_SHARES: Final = 1e18
AGREES: Final = 1.25
"""How far the newest derived count may be from today's: beyond it they are not about the same shares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capitals:
    """Market capitalisations as they were sent, in any order: parallel arrays, NaN unknown.

    The unit is not told: it may be the currency or the unit that prices are quoted in.
    """

    day: Days
    value: Floats

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.day)

    def and_also(self, more: "Capitals") -> "Capitals":
        """Return the rows of both."""
        return Capitals(
            day=np.concatenate([self.day, more.day]), value=np.concatenate([self.value, more.value])
        )


NO_CAPITALS: Final = Capitals(day=np.empty(0, dtype="datetime64[D]"), value=np.empty(0))


async def past_counts(
    requests: SymbolRequests, counted: Sequence[SharesOutstanding], *, bar_rows: int, patience: Patience
) -> AsyncIterator[SharesOutstanding]:
    """Yield approximate counts of listings whose present ones are known, one for each month that is over.

    A count is of the last day of the month that has both a capitalisation and a close. A listing whose
    history is refused is left out: its present count stands. ``bar_rows``: bars in a full page.
    """
    for now in counted:
        try:
            past = await _past(requests, now, bar_rows, patience)
        except Refused as refused:
            symbol, reason = now.listing.symbol, str(refused.reason)
            log.warning("no_past_share_counts", symbol=symbol, reason=reason, detail=refused.detail)
            if refused.reason in FOR_ALL:
                return
            continue
        for one in past:
            yield one


def to_capitals(listing: Listing, found: Capitalisations) -> Capitals | Problem:
    """Return an answer as columns, or the problem that it is of something else or can not be read."""
    wrong = wrong_instrument(listing, found.meta)
    if wrong is not None:
        return wrong
    rows = found.market_cap or []
    try:
        return Capitals(day=_days(rows), value=np.array([row.value for row in rows], dtype=np.float64))
    except ValueError:
        return Problem(Meaning.REFUSED, "A market capitalisation has a day or a value that is none.")


def _days(rows: Sequence[Capitalisation]) -> Days:
    texts = [row.date[:10] for row in rows]
    if any(len(text) != len("2006-01-02") for text in texts):
        raise ValueError("A day has ten characters.")
    return np.array(texts, dtype="datetime64[D]")


async def _past(
    requests: SymbolRequests, now: SharesOutstanding, bar_rows: int, patience: Patience
) -> list[SharesOutstanding]:
    capitals = await _capitals(requests, now.listing, patience)
    if not len(capitals):
        return []
    closes = await _closes(requests, now.listing, capitals.day, bar_rows, patience)
    return await asyncio.to_thread(_derived, now, capitals, closes)


async def _capitals(requests: SymbolRequests, listing: Listing, patience: Patience) -> Capitals:
    """Return all there are, page by page until one is short or brings no day that is new."""
    known = NO_CAPITALS
    for page in range(1, MOST_PAGES + 1):
        found = await requests.single(
            MARKET_CAP, _item(listing, page), lambda _, made: to_capitals(listing, made), patience
        )
        if found is None or np.isin(found.day, known.day).all():
            break
        known = known.and_also(found)
        if len(found) < PAGE_ROWS:
            break
    return known


def _item(listing: Listing, page: int) -> Item:
    mic = pinned_mic(listing)
    pinned = () if mic is None else (("mic_code", mic),)
    params = (("page", str(page)), ("outputsize", str(PAGE_ROWS)), *pinned)
    return Item(place=0, symbol=listing.symbol, params=params)


async def _closes(
    requests: SymbolRequests, listing: Listing, days: Days, bar_rows: int, patience: Patience
) -> History:
    """Return unadjusted bars over the days given; raise Refused."""
    first: date = days.min().item()
    last: date = days.max().item()
    asked = Asked(symbol=listing.symbol, start=first, end=last, mic=pinned_mic(listing), adjust="none")
    pages = histories(requests, {0: asked}, page_rows=bar_rows, patience=patience)
    (outcome,) = [one async for _, one in pages]
    if isinstance(outcome, Refused):
        raise outcome
    wrong = wrong_instrument(listing, outcome.meta)
    if wrong is not None:
        raise Refused(Reason.WRONG_INSTRUMENT, wrong.text)
    return outcome


def _derived(now: SharesOutstanding, capitals: Capitals, closes: History) -> list[SharesOutstanding]:
    """Return the counts of the months before that of ``now``; raise Refused where they contradict it."""
    bars, unit = closes.complete(), quote_unit(closes.meta.currency) or now.listing.currency
    capital_day, capital = _agreed(capitals.day, capitals.value)
    close_day, close = _agreed(bars.day, bars.values["close"])
    day, left, right = np.intersect1d(capital_day, close_day, assume_unique=True, return_indices=True)
    if not len(day):
        return []
    with np.errstate(over="ignore"):
        counts = np.rint(_like(now.shares, capital[left] / close[right], major(unit)[1]))
    possible = (counts >= 1) & (counts <= MOST_SHARES)
    day, counts = day[possible], counts[possible]
    chosen = _month_ends(day, now.day)
    return [
        SharesOutstanding(listing=now.listing, source=NAME, day=at, shares=shares, status="approximate")
        for at, shares in zip(day[chosen].tolist(), counts[chosen].tolist(), strict=True)
    ]


def _agreed(day: Days, value: Floats) -> tuple[Days, Floats]:
    """Return rising days, each once, with positive values; a day that is told in two ways is left out."""
    known = ~np.isnan(value)
    day, value = day[known], value[known]
    order = np.lexsort((value, day))
    day, value = day[order], value[order]
    fresh = np.ones(len(day), dtype=np.bool_)
    fresh[1:] = (day[1:] != day[:-1]) | (value[1:] != value[:-1])
    day, value = day[fresh], value[fresh]
    once, first, times = np.unique(day, return_index=True, return_counts=True)
    value = value[first]
    keep = (times == 1) & (value > 0) & (value < np.inf)
    return once[keep], value[keep]


def _like(count: float, ratio: Floats, parts: int) -> Floats:
    """Return capitalisations over closes as counts; raise Refused where the newest is not near ``count``.

    ``parts``: price units in the currency. Which of both the capitalisation is in, the count tells.
    """
    for counts in (ratio * parts, ratio):
        if count / AGREES <= counts[-1] <= count * AGREES:
            return counts
    raise Refused(Reason.BAD_DATA, "The market capitalisations do not agree with the count of shares.")


def _month_ends(day: Days, today: date) -> Flags:
    """Tell which of the rising days are the last of a month that is over."""
    month = day.astype("datetime64[M]")
    ends = np.ones(len(day), dtype=np.bool_)
    ends[:-1] = month[1:] != month[:-1]
    return ends & (month < np.datetime64(today, "M"))
