"""Twelve Data: daily bars, quotes, search, and with the greater plans corporate actions and shares."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from typing import Final, TypeVar

import numpy as np

from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.keyed import Patience, Refused
from waardhaven.adapters.outbound.market_data.twelvedata.account import NAME, Account
from waardhaven.adapters.outbound.market_data.twelvedata.actions import (
    DIVIDENDS,
    SPLITS,
    STATISTICS,
    dividends_of,
    shares_of,
    splits_of,
    wrong_instrument,
)
from waardhaven.adapters.outbound.market_data.twelvedata.answers import Meaning, Problem
from waardhaven.adapters.outbound.market_data.twelvedata.capitalisation import past_counts
from waardhaven.adapters.outbound.market_data.twelvedata.names import asset_type, pinned_mic, quote_unit
from waardhaven.adapters.outbound.market_data.twelvedata.queue import Item, Params, Queue
from waardhaven.adapters.outbound.market_data.twelvedata.quotes import QUOTE, listings_of, quote_of
from waardhaven.adapters.outbound.market_data.twelvedata.requests import FOR_ALL, SymbolRequests
from waardhaven.adapters.outbound.market_data.twelvedata.series import Asked, History, histories
from waardhaven.adapters.outbound.market_data.twelvedata.wire import ApiUsage, SearchResult, WireQuote
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    Capability,
    MarketData,
    NotDelivered,
    Quote,
    Reason,
    SharesOutstanding,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.ports.provider_gate import ProviderGate
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.types import Floats

T = TypeVar("T")
LARGEST_SEARCH: Final = 120
_FULL: Final[Params] = (("range", "full"),)
_AS_PAID: Final[Params] = (*_FULL, ("adjust", "false"))
_ADJUST: Final = {Adjustment.RAW: "none", Adjustment.SPLITS: "splits", Adjustment.ALL: "all"}
_NOTHING_FOUND: Final = frozenset({Meaning.NO_DATA, Meaning.DOUBTFUL, Meaning.UNKNOWN})


class TwelveDataMarketData(MarketData):
    """Bars come in each mode of the plan, one answer a mode; what fails in one mode is not asked in the next.

    What would wait too long for credits is answered with NO_CREDITS, never with an exception.
    """

    name = NAME

    def __init__(self, account: Account, *, http: HttpSession, gate: ProviderGate, clock: Clock) -> None:
        """Ask nothing yet; raise ValueError for a key that can be none."""
        self.capabilities = account.plan.capabilities
        self._account = account
        self._requests = SymbolRequests(account, http, gate)
        self._clock = clock

    async def bars(self, wanted: Sequence[Wanted]) -> AsyncIterator[BarColumns | NotDelivered]:
        """See MarketData. A series comes when all its pages have."""
        patience = self._account.patient()
        left = dict(enumerate(wanted))
        for mode in self._account.plan.adjustments:
            asked = {place: _asked(one, mode) for place, one in left.items()}
            rows = self._account.page_rows
            async for place, outcome in histories(self._requests, asked, page_rows=rows, patience=patience):
                listing = wanted[place].listing
                answer = outcome if isinstance(outcome, Refused) else _bars(listing, mode, outcome)
                if isinstance(answer, Refused):
                    del left[place]
                    yield _nothing(listing, answer)
                else:
                    yield answer

    async def actions(self, wanted: Sequence[Wanted]) -> AsyncIterator[ActionsOf | NotDelivered]:
        """See MarketData. Dividends are as they were paid, not adjusted for later splits."""

        async def ask(place: int, patience: Patience) -> ActionsOf:
            return await self._actions(wanted[place], patience)

        listings = [one.listing for one in wanted]
        async for answer in self._one_by_one(listings, Capability.ACTIONS, ask):
            yield answer

    async def shares(self, listings: Sequence[Listing]) -> AsyncIterator[SharesOutstanding | NotDelivered]:
        """See MarketData. The reported counts hold from today on; approximate ones of the past may follow.

        Those come with a plan that has market capitalisations, where today's count came and agrees.
        """

        async def ask(place: int, patience: Patience) -> SharesOutstanding:
            return await self._shares(listings[place], patience)

        counted: list[SharesOutstanding] = []
        async for answer in self._one_by_one(listings, Capability.SHARES, ask):
            if isinstance(answer, SharesOutstanding):
                counted.append(answer)
            yield answer
        if self._account.plan.market_cap:
            rows, patience = self._account.page_rows, self._account.patient()
            async for past in past_counts(self._requests, counted, bar_rows=rows, patience=patience):
                yield past

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        """See MarketData."""
        queue, answers = Queue(), dict[int, Quote | NotDelivered]()
        for place, listing in enumerate(listings):
            queue.add(_item(listing, place=place))

        def make(item: Item, found: WireQuote) -> Quote | Problem:
            return quote_of(listings[item.place], found)

        async for item, outcome in self._requests.answers(QUOTE, queue, make, self._account.hurried()):
            quote = Refused(Reason.BAD_DATA, "There is no quote.") if outcome is None else outcome
            listing = listings[item.place]
            answers[item.place] = _nothing(listing, quote) if isinstance(quote, Refused) else quote
        return [answers[place] for place in range(len(listings))]

    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        """See MarketData. Rows without exchange or currency are left out, and unknown types."""
        words = " ".join(text.split())[:100]
        if not words or limit < 1:
            return []
        params = (("symbol", words), ("outputsize", str(min(limit, LARGEST_SEARCH))))
        found = await self._plain("/symbol_search", params, "data", SearchResult)
        if not isinstance(found, Problem):
            return listings_of(found)[:limit]
        if found.meaning in _NOTHING_FOUND:
            return []
        raise SourceUnavailable(self._requests.keyed.clean(found.text))

    async def usage(self) -> ApiUsage:
        """Return the credits used as the provider counts them, for one credit; raise SourceUnavailable."""
        found = await self._plain("/api_usage", (), "current_usage", ApiUsage)
        if isinstance(found, Problem):
            raise SourceUnavailable(self._requests.keyed.clean(found.text))
        return found

    async def _plain(self, path: str, params: Params, payload: str, kind: type[T]) -> T | Problem:
        try:
            return await self._requests.plain(path, params, payload, kind, self._account.hurried())
        except Refused as refused:
            raise SourceUnavailable(refused.detail) from None

    async def _one_by_one(
        self,
        listings: Sequence[Listing],
        capability: Capability,
        ask: Callable[[int, Patience], Awaitable[T]],
    ) -> AsyncIterator[T | NotDelivered]:
        """Yield what is asked of each listing; without the capability nothing is asked."""
        patience = self._account.patient()
        plan = f"The plan {self._account.plan.name} has no {capability}."
        stopped = None if capability in self.capabilities else Refused(Reason.NOT_IN_PLAN, plan)
        for place, listing in enumerate(listings):
            try:
                if stopped is not None:
                    raise stopped
                answer: T | NotDelivered = await ask(place, patience)
            except Refused as refused:
                stopped = stopped or (refused if refused.reason in FOR_ALL else None)
                answer = _nothing(listing, refused)
            yield answer

    async def _actions(self, wanted: Wanted, patience: Patience) -> ActionsOf:
        listing, single = wanted.listing, self._requests.single
        splits = await single(
            SPLITS, _item(listing, _FULL), lambda _, found: splits_of(listing, found), patience
        )
        dividends = await single(
            DIVIDENDS, _item(listing, _AS_PAID), lambda _, found: dividends_of(listing, found), patience
        )
        first, last = wanted.start or date.min, wanted.end or date.max
        actions = (*(splits or ()), *(dividends or ()))
        inside = tuple(one for one in actions if first <= one.ex_date <= last)
        return ActionsOf(listing=listing, source=NAME, actions=inside)

    async def _shares(self, listing: Listing, patience: Patience) -> SharesOutstanding:
        found = await self._requests.single(
            STATISTICS, _item(listing), lambda _, found: shares_of(listing, found), patience
        )
        if found is None:
            raise Refused(Reason.BAD_DATA, "There is no count of shares.")
        shares, float_factor = found
        return SharesOutstanding(
            listing=listing,
            source=NAME,
            day=self._clock.now().date(),
            shares=shares,
            status="reported",
            float_factor=float_factor,
        )


def _asked(wanted: Wanted, mode: Adjustment) -> Asked:
    return Asked(
        symbol=wanted.listing.symbol,
        start=wanted.start,
        end=wanted.end,
        mic=pinned_mic(wanted.listing),
        adjust=_ADJUST[mode],
    )


def _item(listing: Listing, params: Params = (), *, place: int = 0) -> Item:
    mic = pinned_mic(listing)
    pinned: Params = () if mic is None else (("mic_code", mic),)
    return Item(place=place, symbol=listing.symbol, params=(*params, *pinned))


def _nothing(listing: Listing, refused: Refused) -> NotDelivered:
    return NotDelivered(listing=listing, source=NAME, reason=refused.reason, detail=refused.detail)


def _bars(listing: Listing, mode: Adjustment, history: History) -> BarColumns | Refused:
    """Return a complete series, or the refusal to take that of another instrument."""
    wrong = wrong_instrument(listing, history.meta)
    if wrong is not None:
        return Refused(Reason.WRONG_INSTRUMENT, wrong.text)
    columns = history.complete()
    values = dict(columns.values)
    values["volume"] = _volume(listing, history, values["volume"])
    return BarColumns(
        listing=listing,
        source=NAME,
        adjustment=mode,
        quote_unit=quote_unit(history.meta.currency) or listing.currency,
        day=columns.day,
        **values,
    )


def _volume(listing: Listing, history: History, volume: Floats) -> Floats:
    """Return the volume; of an index a zero says that there is none to tell."""
    is_index = "index" in (listing.asset_type, asset_type(history.meta.type))
    return np.where(volume == 0, np.nan, volume) if is_index else volume
