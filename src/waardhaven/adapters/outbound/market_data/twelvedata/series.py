"""Daily bars of Twelve Data, page by page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from typing import Final

import numpy as np

from waardhaven.adapters.outbound.market_data.keyed import Patience, Refused
from waardhaven.adapters.outbound.market_data.twelvedata.answers import Meaning, Problem
from waardhaven.adapters.outbound.market_data.twelvedata.queue import Item, Queue
from waardhaven.adapters.outbound.market_data.twelvedata.requests import Endpoint, SymbolRequests
from waardhaven.adapters.outbound.market_data.twelvedata.wire import Bar, Meta, Number, TimeSeries
from waardhaven.application.ports.market_data import Reason
from waardhaven.domain.types import Days, Flags, Floats

TIME_SERIES: Final = Endpoint(path="/time_series", payload="values", kind=TimeSeries, largest=2 * 1024 * 1024)
COLUMNS: Final = ("open", "high", "low", "close", "volume")
Window = tuple[date | None, date | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Bars as parallel arrays, ordered by day; NaN unknown."""

    day: Days
    values: Mapping[str, Floats]

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.day)

    def rows(self, keep: Flags) -> "Columns":
        """Return some of the bars."""
        return Columns(day=self.day[keep], values={name: one[keep] for name, one in self.values.items()})

    def within(self, start: date | None, end: date | None) -> "Columns":
        """Return the bars of some days, both inclusive."""
        first, last = np.datetime64(start or date.min, "D"), np.datetime64(end or date.max, "D")
        return self.rows((self.day >= first) & (self.day <= last))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer: ``count`` bars as they were sent."""

    columns: Columns
    count: int
    meta: Meta


EMPTY: Final = Columns(day=np.empty(0, dtype="datetime64[D]"), values={name: np.empty(0) for name in COLUMNS})
NO_PAGE: Final = Page(columns=EMPTY, count=0, meta=Meta())


def to_page(series: TimeSeries) -> Page | Problem:
    """Return an answer as columns, or the problem that a value is neither a number nor a day."""
    bars = series.values or []
    try:
        day = _days(bars)
        values = {
            "open": _floats([bar.open for bar in bars]),
            "high": _floats([bar.high for bar in bars]),
            "low": _floats([bar.low for bar in bars]),
            "close": _floats([bar.close for bar in bars]),
            "volume": _floats([bar.volume for bar in bars]),
        }
    except ValueError:
        return Problem(Meaning.REFUSED, "A bar has a day or a value that is none.")
    return Page(columns=_ordered(day, values), count=len(bars), meta=series.meta or Meta())


def _days(bars: Sequence[Bar]) -> Days:
    texts = [bar.datetime[:10] for bar in bars]
    if any(len(text) != 10 for text in texts):
        raise ValueError("A day has ten characters.")
    return np.array(texts, dtype="datetime64[D]")


def _floats(numbers: Sequence[Number]) -> Floats:
    return np.array(numbers, dtype=np.float64)


def _ordered(day: Days, values: Mapping[str, Floats]) -> Columns:
    order = np.argsort(day, kind="stable")
    return Columns(day=day[order], values={name: one[order] for name, one in values.items()})


class SeamMissing(Exception):
    """A page leaves out a bar that the one beside it has, so others may be missing as well."""


class Stage(Enum):
    """Which side of what is known the next page is asked for."""

    WHOLE = "whole"
    BACK = "back"
    FORWARD = "forward"


@dataclass(slots=True, kw_only=True)
class History:
    """What is known so far of one series, and which days to ask for next.

    A full page may have been cut, at its old end or its new one: both sides are asked until nothing comes.
    """

    start: date | None
    end: date | None
    page_rows: int
    columns: Columns = EMPTY
    meta: Meta = field(default_factory=Meta)
    stage: Stage = Stage.WHOLE

    def add(self, page: Page) -> Window | None:
        """Take a page in; return the days to ask for next, None when the series is complete.

        Raises SeamMissing for a page without the day that it shares with what is known.
        """
        known, fresh = self.columns, page.columns
        full = page.count >= self.page_rows
        if self.stage is Stage.WHOLE:
            self.columns, self.meta = fresh, page.meta
            return self._back() if full else None
        seam = known.day[0] if self.stage is Stage.BACK else known.day[-1]
        if seam not in fresh.day:
            raise SeamMissing
        self.columns = joined(known, fresh)
        if self.stage is Stage.FORWARD:
            return self._forward() if full and fresh.day[-1] > seam else None
        if fresh.day[0] < seam:
            return self._back() if full else None
        return self._forward()

    def complete(self) -> Columns:
        """Return the bars within the days wanted."""
        return self.columns.within(self.start, self.end)

    def _back(self) -> Window | None:
        self.stage = Stage.BACK
        first: date = self.columns.day[0].item()
        return self._forward() if self.start is not None and first <= self.start else (self.start, first)

    def _forward(self) -> Window | None:
        self.stage = Stage.FORWARD
        last: date = self.columns.day[-1].item()
        return None if self.end is not None and last >= self.end else (last, self.end)


def joined(known: Columns, fresh: Columns) -> Columns:
    """Return two pages as one: a bar in both is kept once, one that contradicts another is kept with it."""
    overlap = (fresh.day >= known.day[0]) & (fresh.day <= known.day[-1])
    repeated = np.isin(_bits(fresh), _bits(known)) & overlap
    rest = fresh.rows(~repeated)
    return _ordered(
        np.concatenate([known.day, rest.day]),
        {name: np.concatenate([known.values[name], rest.values[name]]) for name in COLUMNS},
    )


def _bits(columns: Columns) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Return one opaque value for each bar, equal where every value is, unknown ones included."""
    parts = [columns.day.astype(np.int64), *(columns.values[name].view(np.int64) for name in COLUMNS)]
    table = np.ascontiguousarray(np.stack(parts, axis=1))
    return table.view([(f"f{n}", np.int64) for n in range(len(parts))])[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One series: ``adjust`` is the provider's word, ``mic`` pins the exchange."""

    symbol: str
    start: date | None
    end: date | None
    mic: str | None = None
    adjust: str | None = None


async def histories(
    requests: SymbolRequests, asked: Mapping[int, Asked], *, page_rows: int, patience: Patience
) -> AsyncIterator[tuple[int, History | Refused]]:
    """Yield each series, complete, or why it did not come."""
    known = {
        place: History(start=one.start, end=one.end, page_rows=page_rows) for place, one in asked.items()
    }
    queue = Queue()
    for place, one in asked.items():
        queue.add(_item(place, one, (one.start, one.end), page_rows))
    answers = requests.answers(TIME_SERIES, queue, lambda _, series: to_page(series), patience)
    async for item, outcome in answers:
        if isinstance(outcome, Refused):
            yield item.place, outcome
            continue
        try:
            window = known[item.place].add(NO_PAGE if outcome is None else outcome)
        except SeamMissing:
            yield item.place, Refused(Reason.UNAVAILABLE, "The pages of the history do not meet.")
            continue
        if window is None:
            yield item.place, known[item.place]
        else:
            queue.add(_item(item.place, asked[item.place], window, page_rows))


def _item(place: int, asked: Asked, window: Window, page_rows: int) -> Item:
    """Return the request for some days. The service takes the last day as the first one not wanted."""
    start, end = window
    after = min(end, date.max - timedelta(days=1)) + timedelta(days=1) if end is not None else None
    params = {
        "interval": "1day",
        "outputsize": str(page_rows),
        "order": "asc",
        "adjust": asked.adjust,
        "mic_code": asked.mic,
        "start_date": start.isoformat() if start is not None else None,
        "end_date": after.isoformat() if after is not None else None,
    }
    return Item(
        place=place,
        symbol=asked.symbol,
        params=tuple((name, value) for name, value in params.items() if value is not None),
    )
