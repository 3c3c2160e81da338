"""The sample market: real history packaged with the wheel, for demonstration and tests.

Provenance, licences and caveats stand in ``sample_data/README.md``. Files are read off the event
loop and leave as the same columns any provider's do.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from waardhaven.adapters.outbound.market_data.packaged import PackagedFiles
from waardhaven.application.ports.fx_rates import QuotedRates, SpotRate
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    Capability,
    ListedAction,
    NotDelivered,
    Quote,
    Reason,
    SharesOutstanding,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.ports.market_package import MarketPackage, UniverseMembers
from waardhaven.domain.index.definition import Adjustment

DATA = Path(__file__).parent / "sample_data"
UNIVERSE = "sample-us20"
_UNIVERSE_START = date(1993, 1, 4)
_STATUS = {"checked": "approximate", "unchecked": "unchecked"}
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class _File:
    """A file of bars: its columns and the adjustment mode of each close column in it."""

    name: str
    closes: tuple[tuple[str, Adjustment], ...]


_BARS = (
    _File("prices.parquet", (("close", Adjustment.ALL),)),
    _File("factors.parquet", (("close", Adjustment.ALL),)),
    _File("ohlcv_raw.parquet", (("close", Adjustment.RAW),)),
)


class SampleMarketData(MarketPackage):
    """Twenty US stocks, the S&P 500 level, factor ETFs, raw bars with splits, ECB rates."""

    name = "sample"
    fixing = "ECB"
    capabilities = frozenset({Capability.BARS, Capability.ACTIONS, Capability.SHARES})

    def __init__(self, folder: Path = DATA) -> None:
        """Read nothing yet."""
        self._files = PackagedFiles(folder)

    async def bars(self, wanted: Sequence[Wanted]) -> AsyncIterator[BarColumns | NotDelivered]:
        """See MarketData. Whole files are read once for all instruments."""
        asked = {(one.listing.symbol, one.listing.mic): one for one in wanted}
        delivered = set()
        for file in _BARS:
            for bars in await asyncio.to_thread(self._read_bars, file, asked):
                delivered.add(bars.listing)
                yield bars
        for one in wanted:
            if (one.listing.symbol, one.listing.mic) not in {(d.symbol, d.mic) for d in delivered}:
                yield await asyncio.to_thread(self._undelivered, one.listing)

    async def actions(self, wanted: Sequence[Wanted]) -> AsyncIterator[ActionsOf | NotDelivered]:
        """See MarketData. The three splits in the raw bars."""
        every = await asyncio.to_thread(self._read_actions)
        for one in wanted:
            yield ActionsOf(
                listing=one.listing,
                source=self.name,
                actions=tuple(
                    action
                    for action in every
                    if _is(action.listing, one.listing)
                    and (one.start or date.min) <= action.ex_date <= (one.end or date.max)
                ),
            )

    async def shares(self, listings: Sequence[Listing]) -> AsyncIterator[SharesOutstanding | NotDelivered]:
        """See MarketData. One approximate constant a stock, taken to hold from the first day on."""
        known = await asyncio.to_thread(self._read_shares)
        for listing in listings:
            found = next((one for one in known if _is(one.listing, listing)), None)
            yield found or _nothing(listing, "The sample market has no number of shares of it.")

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        """See MarketData. Old prices are no quotes."""
        return [_nothing(one, "The sample market has no quotes.") for one in listings]

    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        """See MarketData. It offers none: ask for its listings."""
        del text, limit
        return ()

    async def listings(self) -> Sequence[Listing]:
        """See MarketPackage."""
        return await asyncio.to_thread(lambda: list(self._listings.values()))

    async def universes(self) -> Sequence[UniverseMembers]:
        """See MarketPackage. The twenty stocks, from 1993 on (one has unusable prices before)."""
        return await asyncio.to_thread(self._read_universes)

    async def rates(self, *, start: date | None = None, end: date | None = None) -> Sequence[QuotedRates]:
        """See FxRates. European Central Bank euro foreign exchange reference rates."""
        return await asyncio.to_thread(self._read_rates, start, end)

    async def spot(self, base: str, quote: str) -> SpotRate | None:
        """See FxRates. One fixing a day is no spot."""
        del base, quote
        return None

    @cached_property
    def _listings(self) -> dict[str, Listing]:
        return {
            row["symbol"]: Listing(
                symbol=row["symbol"],
                mic=row["exchange_mic"],
                name=row["name"],
                asset_type=row["asset_type"],
                currency=row["currency"],
                sector=row["sector"] or None,
                country="US" if row["asset_type"] == "equity" else None,
            )
            for row in self._files.table("assets.csv").iter_rows(named=True)
        }

    def _read_bars(self, file: _File, asked: Mapping[tuple[str, str], Wanted]) -> list[BarColumns]:
        import polars as pl

        symbols = [
            symbol for symbol, mic in asked if symbol in self._listings and mic == self._listings[symbol].mic
        ]
        table = self._files.table(file.name).filter(pl.col("symbol").is_in(symbols))
        found = []
        for part in table.partition_by("symbol", maintain_order=True):
            one = asked[part["symbol"][0], self._listings[part["symbol"][0]].mic]
            inside = part.filter(pl.col("date").is_between(one.start or date.min, one.end or date.max))
            found += [self._bars(inside, one.listing, close, mode) for close, mode in file.closes]
        return found

    def _undelivered(self, listing: Listing) -> NotDelivered:
        return NotDelivered(
            listing=listing,
            source=self.name,
            reason=Reason.UNKNOWN_SYMBOL,
            detail=f"The sample market has no {listing.symbol} on {listing.mic}.",
        )

    def _bars(self, part: Any, listing: Listing, close: str, mode: Adjustment) -> BarColumns:
        return BarColumns(
            listing=listing,
            source=self.name,
            adjustment=mode,
            quote_unit=listing.currency,
            day=part["date"].to_numpy().astype("datetime64[D]"),
            open=_floats(part, "open"),
            high=_floats(part, "high"),
            low=_floats(part, "low"),
            close=_floats(part, close),
            volume=_floats(part, "volume"),
        )

    def _read_rates(self, start: date | None, end: date | None) -> list[QuotedRates]:
        import polars as pl

        table = self._files.table("fx.parquet")
        inside = table.filter(pl.col("date").is_between(start or date.min, end or date.max))
        return [
            QuotedRates(
                base=part["base"][0],
                quote=part["quote"][0],
                source=self.name,
                fixing=self.fixing,
                day=part["date"].to_numpy().astype("datetime64[D]"),
                rate=_floats(part, "rate"),
            )
            for part in inside.partition_by("base", "quote", maintain_order=True)
        ]

    def _read_shares(self) -> list[SharesOutstanding]:
        table = self._files.table("assets.csv").drop_nulls("shares_outstanding_approx")
        return [
            SharesOutstanding(
                source=self.name,
                listing=self._listings[row["symbol"]],
                day=date(1990, 1, 1),
                shares=float(row["shares_outstanding_approx"]),
                status=_STATUS[row["shares_status"]],
            )
            for row in table.iter_rows(named=True)
        ]

    def _read_actions(self) -> list[ListedAction]:
        return [
            ListedAction(
                source=self.name,
                listing=self._listings[row["symbol"]],
                key=f"{row['kind']}-{row['ex_date']}",
                kind=row["kind"],
                ex_date=date.fromisoformat(str(row["ex_date"])),
                ratio=str(row["ratio"]),
            )
            for row in self._files.table("actions.csv").iter_rows(named=True)
        ]

    def _read_universes(self) -> list[UniverseMembers]:
        known = self._files.table("assets.csv").drop_nulls("shares_outstanding_approx")["symbol"]
        stocks = tuple(self._listings[symbol] for symbol in known)
        return [
            UniverseMembers(
                slug=UNIVERSE, name="Sample: twenty US stocks", listings=stocks, start=_UNIVERSE_START
            )
        ]


def _floats(part: Any, name: str) -> Array:
    """Return a column as float64 with NaN for null; all NaN when the file lacks the column."""
    if name not in part.columns:
        return np.full(part.height, np.nan)
    values: Array = part[name].cast(float).fill_null(float("nan")).to_numpy()
    return values.astype(np.float64)


def _is(one: Listing, other: Listing) -> bool:
    return (one.symbol, one.mic) == (other.symbol, other.mic)


def _nothing(listing: Listing, detail: str) -> NotDelivered:
    return NotDelivered(
        listing=listing, source=SampleMarketData.name, reason=Reason.NOT_OFFERED, detail=detail
    )
