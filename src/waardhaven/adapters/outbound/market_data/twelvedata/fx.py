"""Twelve Data's exchange rates: daily closes against the euro, and the present rate of any pair."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np

from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.keyed import Refused
from waardhaven.adapters.outbound.market_data.twelvedata.account import NAME, Account
from waardhaven.adapters.outbound.market_data.twelvedata.answers import Meaning, Problem
from waardhaven.adapters.outbound.market_data.twelvedata.quotes import instant, positive
from waardhaven.adapters.outbound.market_data.twelvedata.requests import SymbolRequests
from waardhaven.adapters.outbound.market_data.twelvedata.series import Asked, Columns, histories
from waardhaven.adapters.outbound.market_data.twelvedata.wire import WireRate
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.fx_rates import FxRates, QuotedRates, SpotRate
from waardhaven.application.ports.market_data import CorruptSource, Reason, SourceUnavailable
from waardhaven.application.ports.provider_gate import ProviderGate

BASE: Final = "EUR"
_ABSENT: Final = frozenset({Reason.UNKNOWN_SYMBOL, Reason.NOT_IN_PLAN})
_NO_RATE: Final = frozenset({Meaning.UNKNOWN, Meaning.NO_DATA, Meaning.DOUBTFUL, Meaning.PLAN})


class TwelveDataFx(FxRates):
    """Daily closes of EUR/XXX by UTC day. Currencies the provider or the plan lacks are left out.

    A day that is not over has no close and is left out too, as is one that is stated in two ways.
    """

    name = NAME
    fixing = "TWELVEDATA"

    def __init__(
        self, account: Account, *, http: HttpSession, gate: ProviderGate, clock: Clock, quotes: Sequence[str]
    ) -> None:
        """Ask nothing yet; ``quotes`` are the currencies ``rates`` is about."""
        self._account = account
        self._requests = SymbolRequests(account, http, gate)
        self._clock = clock
        self._quotes = tuple(dict.fromkeys(one for one in quotes if one != BASE))

    async def rates(self, *, start: date | None = None, end: date | None = None) -> Sequence[QuotedRates]:
        """See FxRates."""
        yesterday = self._clock.now().date() - timedelta(days=1)
        last = yesterday if end is None else min(end, yesterday)
        if start is not None and start > last:
            return []
        asked = {
            place: Asked(symbol=f"{BASE}/{quote}", start=start, end=last, adjust="none")
            for place, quote in enumerate(self._quotes)
        }
        found: dict[int, Columns] = {}
        rows, patience = self._account.page_rows, self._account.patient()
        async for place, outcome in histories(self._requests, asked, page_rows=rows, patience=patience):
            if isinstance(outcome, Refused):
                _judge(outcome)
            else:
                found[place] = closes(outcome.complete())
        return [
            self._quoted(self._quotes[place], columns)
            for place, columns in sorted(found.items())
            if len(columns)
        ]

    async def spot(self, base: str, quote: str) -> SpotRate | None:
        """See FxRates. None for a pair the provider or the plan lacks."""
        params = (("symbol", f"{base}/{quote}"),)
        patience = self._account.hurried()
        try:
            found = await self._requests.plain("/exchange_rate", params, "rate", WireRate, patience)
        except Refused as refused:
            raise SourceUnavailable(refused.detail) from None
        if isinstance(found, Problem):
            if found.meaning in _NO_RATE:
                return None
            raise SourceUnavailable(self._requests.keyed.clean(found.text))
        rate = positive(found.rate)
        if rate is None:
            return None
        at = instant(found.timestamp) or self._clock.now()
        return SpotRate(base=base, quote=quote, source=self.name, rate=rate, at=at)

    def _quoted(self, quote: str, columns: Columns) -> QuotedRates:
        return QuotedRates(
            base=BASE,
            quote=quote,
            source=self.name,
            fixing=self.fixing,
            day=columns.day,
            rate=columns.values["close"],
        )


def closes(columns: Columns) -> Columns:
    """Return the days that have one usable close, each once."""
    close = columns.values["close"]
    kept = columns.rows(np.isfinite(close) & (close > 0))
    first = np.append(True, kept.day[1:] != kept.day[:-1])[: len(kept)]
    group = np.cumsum(first) - 1
    rate = kept.values["close"]
    contradicted = np.zeros(len(kept), dtype=bool)
    np.logical_or.at(contradicted, group, rate != rate[first][group])
    return kept.rows(first & ~contradicted[group])


def _judge(refused: Refused) -> None:
    """Raise for what is no property of the currency."""
    if refused.reason is Reason.BAD_DATA:
        raise CorruptSource(refused.detail)
    if refused.reason not in _ABSENT:
        raise SourceUnavailable(refused.detail)
