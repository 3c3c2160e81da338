"""Bring prices and facts of the covered assets up to date from the sources that are set up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from waardhaven.application.market.facts import action_fact, key_of, listing_of, shares_fact
from waardhaven.application.market.fates import Fate, SymbolFate
from waardhaven.application.market.refresh_rules import CONFIGURED, RefreshMode, RefreshRules
from waardhaven.application.market.refresh_work import Key, RefreshWork, last_session_over
from waardhaven.application.market.write_bars import WriteBars
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    Capability,
    MarketData,
    MarketSetup,
    NotDelivered,
    Reason,
    SharesOutstanding,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import MarketFacts
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import AssetFilter, ReferenceStore, SeriesCoverage
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import AssetId

Progress = Callable[[str, int, int, str], None]
MOST_ASSETS = 10_000
RECENT = timedelta(days=40)
SAME = 5e-5
"""How far adjusted closes may differ, relatively, by rounding alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What a refresh did. ``status``: ok, partial (some symbols failed or were deferred) or failed.

    ``complete``: the newest bar of each asset of which everything asked for came, written or there already.
    ``since``: the first day asked for.
    """

    mode: RefreshMode
    status: str
    symbols: tuple[SymbolFate, ...]
    inserted: int
    changed: int
    unchanged: int
    actions: int
    touched: tuple[AssetId, ...]
    complete: Mapping[AssetId, date]
    since: date | None

    @property
    def judged(self) -> tuple[AssetId, ...]:
        """Assets whose quality is to be looked at: what an interrupted refresh wrote is touched no more."""
        return tuple(sorted({*self.touched, *self.complete}))


@dataclass(frozen=True, slots=True)
class RefreshPrices:
    """Bring prices, actions and share counts of the covered assets up to date.

    Covered: the members of the configured universe, without one every asset, save archived ones. Nothing is
    ever deleted; a run that was interrupted is simply run again. One symbol that fails takes no other with
    it: the report names each symbol's fate. A bar of a session that is not over is not taken.

    Where a smart refresh goes on is not what bars say but what was marked when everything was there, flags
    and actions too (``finish``): what an interrupted one left undone is done over the same days.
    """

    source: MarketData
    setup: MarketSetup
    reference: ReferenceStore
    facts: MarketFacts
    prices: PriceStore
    write: WriteBars
    clock: Clock
    rules: RefreshRules

    async def __call__(
        self, by: Principal, *, mode: RefreshMode, progress: Progress | None = None
    ) -> RefreshReport:
        """Refresh; raise SourceUnavailable when no symbol at all could be reached."""
        by.require(Permission.OPERATE)
        tell = progress or (lambda _stage, _done, _total, _message: None)
        work = await self._begin(mode)
        wanted = self._wanted(work, mode)
        await self._all_bars(work, wanted, tell)
        await self._facts(work, wanted, mode, tell)
        return self._report(work, mode, wanted)

    async def finish(self, by: Principal, report: RefreshReport) -> None:
        """Mark what is complete, when everything that follows from it is written too."""
        by.require(Permission.OPERATE)
        if report.mode is not RefreshMode.MINIMAL:
            await self.facts.mark_refreshed(report.complete)

    async def _begin(self, mode: RefreshMode) -> RefreshWork:
        assets = await self._covered()
        if mode is RefreshMode.MINIMAL:
            assets = assets[: self.rules.minimal_symbols]
        now = self.clock.now()
        ids = [one.id for one in assets]
        known = await self.reference.coverage(ids)
        by_asset: dict[AssetId, list[SeriesCoverage]] = {}
        for one in known:
            by_asset.setdefault(one.asset, []).append(one)
        times = await self.reference.session_times(
            sorted({one.mic for one in assets}), start=(now - RECENT).date(), end=now.date()
        )
        return RefreshWork(
            assets={(one.symbol, one.mic): one for one in assets},
            ids={(one.symbol, one.mic): one.id for one in assets},
            coverage=by_asset,
            marks=await self.reference.refreshed(ids),
            over={mic: last_session_over(one, now) for mic, one in times.items()},
            today=now.date(),
            ends_at=now + timedelta(seconds=self.rules.deadline_seconds),
        )

    async def _covered(self) -> list[Asset]:
        configured = AssetFilter(universe=CONFIGURED)
        found = await self.reference.find_assets(configured, limit=MOST_ASSETS)
        return found or await self.reference.find_assets(AssetFilter(), limit=MOST_ASSETS)

    def _wanted(self, work: RefreshWork, mode: RefreshMode) -> list[Wanted]:
        """Return what to ask for; symbols that need nothing are fresh."""
        found = []
        for asset in work.assets.values():
            one = self._window(work, asset, mode)
            if one is None:
                work.fates.put(listing_of(asset), Fate.FRESH)
            else:
                found.append(one)
        return found

    def _window(self, work: RefreshWork, asset: Asset, mode: RefreshMode) -> Wanted | None:
        listing, start = listing_of(asset), self.rules.history_start
        if mode is RefreshMode.FULL:
            return Wanted(listing=listing, start=start)
        if mode is RefreshMode.MINIMAL:
            return Wanted(listing=listing, start=work.today - timedelta(days=self.rules.minimal_days))
        last, due = work.came_to(asset), work.last_finished(asset.mic)
        first = [one.name for one in self.setup.sources if Capability.BARS in one.capabilities][:1]
        if any(last.get(name, date.min) >= due for name in first):
            return None
        back = timedelta(days=self.rules.revisable_days)
        return Wanted(listing=listing, start=start, starts={name: day - back for name, day in last.items()})

    async def _all_bars(self, work: RefreshWork, wanted: Sequence[Wanted], tell: Progress) -> None:
        """Take some assets after the others, so that those before are complete when time runs out."""
        work.total = len(wanted)
        tell("prices", 0, work.total, "")
        for place in range(0, len(wanted), self.rules.assets_at_once):
            answered = await self._bars(work, wanted[place : place + self.rules.assets_at_once], tell)
            work.complete |= answered - work.again.keys()
        work.complete |= await self._bars(work, list(work.again.values()), tell)
        for one in wanted:
            if work.fates.of(one.listing) is None:
                work.fates.put(one.listing, Fate.DEFERRED, detail="There was no time left for it.")

    async def _bars(
        self, work: RefreshWork, wanted: Sequence[Wanted], tell: Progress
    ) -> set[tuple[str, str]]:
        """Take bars; return whose came in every way they were asked for."""
        done, missing, ended = set[Key](), set[Key](), False
        if work.is_late or not wanted:
            return done
        stream = self.source.bars(wanted)
        try:
            async for answer in stream:
                key = key_of(answer.listing)
                done.add(key)
                work.seen.add(key)
                tell("prices", len(work.seen), work.total, answer.listing.symbol)
                if isinstance(answer, NotDelivered):
                    missing.add(key)
                    work.fates.refused(answer)
                else:
                    await self._take(work, answer)
                work.is_late = self.clock.now() >= work.ends_at
                if work.is_late:
                    break
            else:
                ended = True
        except SourceUnavailable as error:
            work.unreachable(wanted, done, error)
        finally:
            await _closed(stream)
        await self._flush(work)
        return done - missing if ended else set()

    async def _take(self, work: RefreshWork, bars: BarColumns) -> None:
        finished = work.finished(bars)
        if not len(finished):
            work.fates.put(bars.listing, Fate.EMPTY, source=bars.source)
            return
        if await self._was_restated(work, finished):
            again = Wanted(listing=bars.listing, start=self.rules.history_start)
            work.again[key_of(bars.listing)] = again
            return
        work.parts.append(finished)
        if (
            sum(len(one) for one in work.parts) >= self.rules.batch_rows
            or len(work.parts) >= self.rules.batch_parts
        ):
            await self._flush(work)

    async def _was_restated(self, work: RefreshWork, bars: BarColumns) -> bool:
        """Tell whether an adjusted history was adjusted anew, so that its old part is another now."""
        if bars.adjustment is Adjustment.RAW or key_of(bars.listing) in work.again:
            return False
        asset = work.ids[key_of(bars.listing)]
        mine = [
            one
            for one in work.coverage.get(asset, ())
            if (one.source, one.adjustment, one.quote_unit) == (bars.source, bars.adjustment, bars.quote_unit)
            and one.first is not None
        ]
        first = bars.day[0].astype(object)
        if not mine or mine[0].first is None or first <= mine[0].first:
            return False
        stored = await self.prices.closes([mine[0].id], start=first)
        _, ours, theirs = np.intersect1d(stored.day, bars.day, return_indices=True)
        return bool((np.abs(stored.close[ours] / bars.close[theirs] - 1.0) > SAME).any())

    async def _flush(self, work: RefreshWork) -> None:
        parts, work.parts = work.parts, []
        if not parts:
            return
        written = await self.write(parts, work.ids, note="refresh")
        report = written.report
        counts = (report.inserted, report.changed, report.unchanged)
        work.counts = [a + b for a, b in zip(work.counts, counts, strict=True)]
        for bars, series in zip(parts, written.series, strict=True):
            touched = series in report.touched
            if touched:
                work.touched[work.ids[key_of(bars.listing)]] = None
            work.fates.put(
                bars.listing,
                Fate.UPDATED if touched else Fate.UNCHANGED,
                source=bars.source,
                bars=len(bars),
                through=bars.day[-1].astype(object),
            )

    async def _facts(
        self, work: RefreshWork, wanted: Sequence[Wanted], mode: RefreshMode, tell: Progress
    ) -> None:
        """Bring actions of what was asked for, and share counts in a full refresh."""
        reached = [one for one in wanted if work.has_bars(one.listing)]
        tell("corporate actions", 0, len(reached), "")
        if reached and Capability.ACTIONS in self.source.capabilities:
            found = [
                action_fact(action, work.ids)
                async for one in self.source.actions([replace(one, starts={}) for one in reached])
                if isinstance(one, ActionsOf)
                for action in one.actions
            ]
            report = await self.facts.write_actions(found)
            work.actions = report.inserted + report.changed
        if mode is RefreshMode.FULL and reached and Capability.SHARES in self.source.capabilities:
            tell("shares outstanding", 0, len(reached), "")
            answers = [one async for one in self.source.shares([one.listing for one in reached])]
            counts = [shares_fact(one, work.ids) for one in answers if isinstance(one, SharesOutstanding)]
            await self.facts.write_shares(counts)

    def _report(self, work: RefreshWork, mode: RefreshMode, wanted: Sequence[Wanted]) -> RefreshReport:
        symbols = work.fates.listed()
        bad = [one for one in symbols if one.fate in (Fate.FAILED, Fate.DEFERRED)]
        if wanted and len(bad) == len(wanted) and all(one.reason == Reason.UNAVAILABLE for one in bad):
            raise SourceUnavailable(f"No source could be reached: {bad[0].detail}")
        status = "ok" if not bad else ("failed" if len(bad) == len(symbols) else "partial")
        starts = [day for one in wanted for day in (one.start, *one.starts.values()) if day is not None]
        inserted, changed, unchanged = work.counts
        return RefreshReport(
            mode=mode,
            status=status,
            symbols=symbols,
            inserted=inserted,
            changed=changed,
            unchanged=unchanged,
            actions=work.actions,
            touched=tuple(work.touched),
            complete=work.complete_through(),
            since=min(starts, default=None),
        )


async def _closed(stream: object) -> None:
    """End a stream of answers that nobody reads on."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
