"""Bring everything a source offers into the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from waardhaven.application.market.facts import AssetIds, action_fact, key_of, shares_fact
from waardhaven.application.market.write_bars import WriteBars
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    CorruptSource,
    NotDelivered,
    SharesOutstanding,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing, MarketFacts
from waardhaven.application.ports.market_package import MarketPackage
from waardhaven.application.ports.price_store import WriteReport
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import AssetId

MAIN_EXCHANGE = "XNYS"
"""The calendar of the default index, whatever is traded where."""
NOTE = "bars of the packaged market"
Progress = Callable[[str, int, int], None]
BATCH_ROWS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What a load wrote: bars and rates inserted, changed, and already there."""

    assets: int
    inserted: int
    changed: int
    unchanged: int
    known: tuple[AssetId, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadMarket:
    """Bring everything a source offers into the store.

    Idempotent: what is already there is left alone, so a load that was interrupted is simply run
    again. Prices come last, because an index needs everything else before them.
    """

    source: MarketPackage
    calendars: Calendars
    facts: MarketFacts
    write: WriteBars

    async def __call__(self, by: Principal, *, progress: Progress | None = None) -> LoadReport:
        """Load calendars, assets, shares, actions, universes, rates and bars, in this order."""
        by.require(Permission.OPERATE)
        tell = progress or (lambda _stage, _done, _total: None)
        listings = await self.source.listings()
        tell("calendars", 0, 1)
        for sessions in await self.calendars.sessions(
            sorted({one.mic for one in listings} | {MAIN_EXCHANGE})
        ):
            await self.facts.write_sessions(sessions)
        tell("assets", 0, len(listings))
        ids = await self.facts.register_assets(listings)
        await self._load_facts(listings, ids)
        tell("exchange rates", 0, 1)
        await self.facts.write_fx(await self.source.rates())
        return await self._load_bars(listings, ids, tell)

    async def _load_facts(self, listings: Sequence[Listing], ids: AssetIds) -> None:
        shares = [one async for one in self.source.shares(listings)]
        await self.facts.write_shares(
            [shares_fact(one, ids) for one in shares if isinstance(one, SharesOutstanding)]
        )
        wanted = [Wanted(listing=one) for one in listings]
        known = [one async for one in self.source.actions(wanted)]
        await self.facts.write_actions(
            [
                action_fact(action, ids)
                for one in known
                if isinstance(one, ActionsOf)
                for action in one.actions
            ]
        )
        for universe in await self.source.universes():
            members: dict[AssetId, tuple[date, date | None]] = {
                ids[key_of(one)]: (universe.start, None) for one in universe.listings
            }
            await self.facts.write_universe(universe.slug, universe.name, members)

    async def _load_bars(self, listings: Sequence[Listing], ids: AssetIds, tell: Progress) -> LoadReport:
        done: list[WriteReport] = []
        batch: list[BarColumns] = []
        seen: set[tuple[str, str]] = set()
        async for bars in self.source.bars([Wanted(listing=one) for one in listings]):
            if isinstance(bars, NotDelivered):
                raise CorruptSource(bars.detail)
            batch.append(bars)
            seen.add(key_of(bars.listing))
            if sum(len(one.day) for one in batch) >= BATCH_ROWS:
                done.append((await self.write(batch, ids, note=NOTE)).report)
                batch = []
            tell("prices", len(seen), len(listings))
        if batch:
            done.append((await self.write(batch, ids, note=NOTE)).report)
        tell("prices", len(listings), len(listings))
        return LoadReport(
            assets=len(ids),
            known=tuple(sorted(ids.values())),
            inserted=sum(one.inserted for one in done),
            changed=sum(one.changed for one in done),
            unchanged=sum(one.unchanged for one in done),
        )
