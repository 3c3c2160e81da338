"""Quotes for everybody who follows symbols: read once for all when prices were committed."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from waardhaven.adapters.inbound.http.live.hub import Hub
from waardhaven.adapters.inbound.http.live.message import Message
from waardhaven.adapters.inbound.http.live.subscription import Subscription
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.market.quotes import FindAssets, QuoteView, ReadQuotes
from waardhaven.domain.events import PricesCommitted
from waardhaven.domain.identity.roles import SYSTEM, Principal
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef, UnknownAsset


@dataclass(slots=True, eq=False)
class Feed:
    """What one socket follows, what it was told, and what is to be told: the newest of each symbol."""

    listener: Subscription
    assets: dict[int, Asset] = field(default_factory=dict)
    _told: dict[int, tuple[object, ...]] = field(default_factory=dict)
    _waiting: dict[int, QuoteView] = field(default_factory=dict)

    def offer(self, quotes: Iterable[QuoteView]) -> None:
        """Queue those that are followed and changed; never waits."""
        for one in quotes:
            if one.asset in self.assets and self._told.get(one.asset) != one.fact:
                self._waiting[one.asset] = one
        if self._waiting:
            self.listener.wake()

    def told(self, quotes: Iterable[QuoteView]) -> None:
        """Note what the socket was told just now."""
        for one in quotes:
            self._told[one.asset] = one.fact
            self._waiting.pop(one.asset, None)

    def taken(self) -> list[QuoteView]:
        """Return what is to be told."""
        waiting = list(self._waiting.values())
        self.told(waiting)
        return waiting

    def drop(self, asset: int) -> None:
        """Follow an asset no longer."""
        for one in (self.assets, self._told, self._waiting):
            one.pop(asset, None)


class Board:
    """Keeps the feeds of a process current."""

    def __init__(self, services: Services, hub: Hub) -> None:
        """Hear of new prices through ``hub``."""
        self._services = services
        self._feeds: set[Feed] = set()
        self._changed = asyncio.Event()
        hub.watch(self._heard, "quotes", self._push)

    @contextmanager
    def followed(self, listener: Subscription) -> Iterator[Feed]:
        """Lend a feed that is kept current until the block ends."""
        feed = Feed(listener)
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)

    async def find(
        self, by: Principal, refs: Sequence[SymbolRef]
    ) -> tuple[Asset | UnknownAsset | AmbiguousSymbol, ...]:
        """Return what the caller means by symbols."""
        async with self._services.container() as scope:
            find = await scope.get(FindAssets)
            found: tuple[Asset | UnknownAsset | AmbiguousSymbol, ...] = await find(by, refs=refs)
        return found

    async def read(self, by: Principal, assets: Sequence[Asset]) -> tuple[QuoteView, ...]:
        """Return the quotes of assets now."""
        async with self._services.container() as scope:
            read = await scope.get(ReadQuotes)
            quotes: tuple[QuoteView, ...] = await read(by, assets=assets)
        return quotes

    def _heard(self, message: Message) -> None:
        if message.kind == PricesCommitted.kind:
            self._changed.set()

    async def _push(self) -> None:
        """Tell every feed what changed, whenever prices did: one query for all of them."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = {asset.id: asset for feed in self._feeds for asset in feed.assets.values()}
            try:
                quotes = await self.read(SYSTEM, list(wanted.values())) if wanted else ()
            except Exception:
                self._changed.set()
                raise
            for feed in tuple(self._feeds):
                feed.offer(quotes)
