"""Bring everything a source offers into the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from waardhaven.application.ports.market_data import BarColumns, MarketData
from waardhaven.application.ports.market_facts import (
    ActionFact,
    FxWrite,
    Listing,
    MarketFacts,
    SeriesKey,
    SessionColumns,
    SharesFact,
)
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import AssetId

Progress = Callable[[str, int, int], None]
BATCH_ROWS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What a load wrote: bars and rates inserted, changed, and already there."""

    assets: int
    inserted: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class LoadMarket:
    """Bring everything a source offers into the store.

    Idempotent: what is already there is left alone, so a load that was interrupted is simply run
    again. Prices come last, because an index needs everything else before them.
    """

    source: MarketData
    facts: MarketFacts
    prices: PriceStore

    async def __call__(self, by: Principal, *, progress: Progress | None = None) -> LoadReport:
        """Load calendars, assets, shares, actions, universes, rates and bars, in this order."""
        by.require(Permission.OPERATE)
        tell = progress or (lambda _stage, _done, _total: None)
        tell("calendars", 0, 1)
        for sessions in await self.source.sessions():
            await self.facts.write_sessions(
                SessionColumns(
                    mic=sessions.mic, day=sessions.day, open_at=sessions.open_at, close_at=sessions.close_at
                )
            )
        listings = await self.source.listings()
        tell("assets", 0, len(listings))
        ids = await self.facts.register_assets(listings)
        await self._load_facts(ids)
        tell("exchange rates", 0, 1)
        await self._load_rates()
        return await self._load_bars(listings, ids, tell)

    async def _load_facts(self, ids: dict[tuple[str, str], AssetId]) -> None:
        shares = [
            SharesFact(
                asset=ids[_key(one.listing)],
                day=one.day,
                shares=one.shares,
                status=one.status,
                source=self.source.name,
            )
            for one in await self.source.shares()
        ]
        actions = [
            ActionFact(
                asset=ids[_key(one.listing)],
                key=one.key,
                source=self.source.name,
                kind=one.kind,
                status="confirmed",
                ex_date=one.ex_date,
                ratio=one.ratio,
                amount=one.amount,
                currency=one.currency,
            )
            for one in await self.source.actions()
        ]
        await self.facts.write_shares(shares)
        await self.facts.write_actions(actions)
        for universe in await self.source.universes():
            members: dict[AssetId, tuple[date, date | None]] = {
                ids[_key(one)]: (universe.start, None) for one in universe.listings
            }
            await self.facts.write_universe(universe.slug, universe.name, members)

    async def _load_rates(self) -> None:
        rates = [
            FxWrite(
                base=one.base,
                quote=one.quote,
                source=self.source.name,
                fixing=one.fixing,
                day=one.day,
                rate=one.rate,
            )
            for one in await self.source.rates()
        ]
        if rates:
            await self.facts.write_fx(rates)

    async def _load_bars(
        self, listings: Sequence[Listing], ids: dict[tuple[str, str], AssetId], tell: Progress
    ) -> LoadReport:
        done: list[LoadReport] = []
        batch: list[BarColumns] = []
        seen: set[tuple[str, str]] = set()
        async for bars in self.source.bars(listings):
            batch.append(bars)
            seen.add(_key(bars.listing))
            if sum(len(one.day) for one in batch) >= BATCH_ROWS:
                done.append(await self._write(batch, ids))
                batch = []
            tell("prices", len(seen), len(listings))
        if batch:
            done.append(await self._write(batch, ids))
        tell("prices", len(listings), len(listings))
        return LoadReport(
            assets=len(ids),
            inserted=sum(one.inserted for one in done),
            changed=sum(one.changed for one in done),
            unchanged=sum(one.unchanged for one in done),
        )

    async def _write(self, batch: list[BarColumns], ids: dict[tuple[str, str], AssetId]) -> LoadReport:
        keys = [
            SeriesKey(
                asset=ids[_key(one.listing)],
                source=self.source.name,
                adjustment=one.adjustment,
                currency=one.listing.currency,
                quote_unit=one.quote_unit,
            )
            for one in batch
        ]
        series = await self.facts.register_series(keys)
        columns = {
            name: np.concatenate([getattr(one, name) for one in batch])
            for name in ("day", "open", "high", "low", "close", "volume")
        }
        ids_column = np.repeat(
            np.array([series[key] for key in keys], dtype=np.int64), [len(one.day) for one in batch]
        )
        report = await self.prices.write(
            PriceColumns(series=ids_column, **columns), note=f"bars of {self.source.name}"
        )
        return LoadReport(
            assets=len(batch),
            inserted=report.inserted,
            changed=report.changed,
            unchanged=report.unchanged,
        )


def _key(listing: Listing) -> tuple[str, str]:
    return listing.symbol, listing.mic
