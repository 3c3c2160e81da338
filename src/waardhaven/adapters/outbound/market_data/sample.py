"""The sample market: real history packaged with the wheel, for demonstration and tests.

Provenance, licences and caveats stand in ``sample_data/README.md``. Files are read off the event
loop, checked against ``sample_data/CHECKSUMS`` first, and leave as the same columns any provider's do.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from waardhaven.application.ports.market_data import (
    BarColumns,
    CorruptSource,
    ListedAction,
    MarketData,
    QuotedRates,
    SessionTimes,
    SharesOutstanding,
    UniverseMembers,
)
from waardhaven.application.ports.market_facts import Listing
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


class SampleMarketData(MarketData):
    """Twenty US stocks, the S&P 500 level, factor ETFs, raw bars with splits, ECB rates, XNYS sessions."""

    name = "sample"

    def __init__(self, folder: Path = DATA) -> None:
        self._folder = folder

    async def listings(self) -> Sequence[Listing]:
        """See MarketData."""
        return await asyncio.to_thread(lambda: list(self._listings.values()))

    async def bars(
        self, listings: Sequence[Listing], *, start: date | None = None, end: date | None = None
    ) -> AsyncIterator[BarColumns]:
        """See MarketData."""
        wanted = {one.symbol for one in listings}
        for file in _BARS:
            for bars in await asyncio.to_thread(self._read_bars, file, wanted, start, end):
                yield bars

    async def rates(self) -> Sequence[QuotedRates]:
        """See MarketData. European Central Bank euro foreign exchange reference rates."""
        return await asyncio.to_thread(self._read_rates)

    async def shares(self) -> Sequence[SharesOutstanding]:
        """See MarketData. One approximate constant a stock, taken to hold from the first day on."""
        return await asyncio.to_thread(self._read_shares)

    async def actions(self) -> Sequence[ListedAction]:
        """See MarketData. The three splits in the raw bars."""
        return await asyncio.to_thread(self._read_actions)

    async def sessions(self) -> Sequence[SessionTimes]:
        """See MarketData."""
        return await asyncio.to_thread(self._read_sessions)

    async def universes(self) -> Sequence[UniverseMembers]:
        """See MarketData. The twenty stocks, from 1993 on (one has unusable prices before)."""
        return await asyncio.to_thread(self._read_universes)

    @cached_property
    def _checksums(self) -> dict[str, str]:
        try:
            lines = (self._folder / "CHECKSUMS").read_text().splitlines()
        except OSError as error:
            raise CorruptSource(f"The sample market has no readable CHECKSUMS: {error.strerror}.") from error
        return {name: digest for digest, name in (line.split() for line in lines if line.strip())}

    def _bytes(self, name: str) -> bytes:
        """Return a file whose checksum is right; raise CorruptSource."""
        try:
            data = (self._folder / name).read_bytes()
        except OSError as error:
            raise CorruptSource(f"The sample file {name} can not be read: {error.strerror}.") from error
        if hashlib.sha256(data).hexdigest() != self._checksums.get(name):
            raise CorruptSource(
                f"The sample file {name} is corrupt: its SHA-256 differs from CHECKSUMS. Install again."
            )
        return data

    def _table(self, name: str) -> Any:
        import polars as pl

        read = pl.read_csv if name.endswith(".csv") else pl.read_parquet
        return read(self._bytes(name))

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
            for row in self._table("assets.csv").iter_rows(named=True)
        }

    def _read_bars(
        self, file: _File, wanted: set[str], start: date | None, end: date | None
    ) -> list[BarColumns]:
        import polars as pl

        table = self._table(file.name).filter(
            pl.col("symbol").is_in(list(wanted))
            & (pl.col("date") >= (start or date.min))
            & (pl.col("date") <= (end or date.max))
        )
        parts = table.partition_by("symbol", maintain_order=True)
        return [self._bars(part, close, mode) for part in parts for close, mode in file.closes]

    def _bars(self, part: Any, close: str, mode: Adjustment) -> BarColumns:
        listing = self._listings[part["symbol"][0]]
        return BarColumns(
            listing=listing,
            adjustment=mode,
            quote_unit=listing.currency,
            day=part["date"].to_numpy().astype("datetime64[D]"),
            open=_floats(part, "open"),
            high=_floats(part, "high"),
            low=_floats(part, "low"),
            close=_floats(part, close),
            volume=_floats(part, "volume"),
        )

    def _read_rates(self) -> list[QuotedRates]:
        parts = self._table("fx.parquet").partition_by("base", "quote", maintain_order=True)
        return [
            QuotedRates(
                base=part["base"][0],
                quote=part["quote"][0],
                fixing="ECB",
                day=part["date"].to_numpy().astype("datetime64[D]"),
                rate=_floats(part, "rate"),
            )
            for part in parts
        ]

    def _read_shares(self) -> list[SharesOutstanding]:
        table = self._table("assets.csv").drop_nulls("shares_outstanding_approx")
        return [
            SharesOutstanding(
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
                listing=self._listings[row["symbol"]],
                key=f"{row['kind']}-{row['ex_date']}",
                kind=row["kind"],
                ex_date=date.fromisoformat(str(row["ex_date"])),
                ratio=str(row["ratio"]),
            )
            for row in self._table("actions.csv").iter_rows(named=True)
        ]

    def _read_sessions(self) -> list[SessionTimes]:
        return [
            SessionTimes(
                mic=part["mic"][0],
                day=part["day"].to_numpy().astype("datetime64[D]"),
                open_at=part["open_at"].to_numpy().astype("datetime64[s]"),
                close_at=part["close_at"].to_numpy().astype("datetime64[s]"),
            )
            for part in self._table("sessions.parquet").partition_by("mic", maintain_order=True)
        ]

    def _read_universes(self) -> list[UniverseMembers]:
        known = self._table("assets.csv").drop_nulls("shares_outstanding_approx")["symbol"]
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
