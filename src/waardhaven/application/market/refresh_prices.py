"""Bring prices and facts of the covered assets up to date from the sources that are set up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from waardhaven.application.market.facts import AssetIds, action_fact, key_of, listing_of, shares_fact
from waardhaven.application.market.fates import Fate, Fates, SymbolFate
from waardhaven.application.market.refresh_rules import CONFIGURED, RefreshMode, RefreshRules
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
from waardhaven.application.ports.market_facts import MarketFacts, SessionColumns
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import AssetFilter, ReferenceStore, SeriesCoverage
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.market.freshness import last_over
from waardhaven.domain.types import AssetId

Progress = Callable[[str, int, int, str], None]
MOST_ASSETS = 10_000
RECENT = timedelta(days=40)
SAME = 5e-5
"""How far adjusted closes may differ, relatively, by rounding alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What a refresh did. ``status``: ok, partial (some symbols failed or were deferred) or failed."""

    mode: RefreshMode
    status: str
    symbols: tuple[SymbolFate, ...]
    inserted: int
    changed: int
    unchanged: int
    actions: int
    touched: tuple[AssetId, ...]
    since: date | None


@dataclass(slots=True, kw_only=True)
class _Work:
    """One refresh under way."""

    assets: dict[tuple[str, str], Asset]
    ids: AssetIds
    coverage: Mapping[AssetId, Sequence[SeriesCoverage]]
    over: Mapping[str, date | None]
    today: date
    ends_at: datetime
    fates: Fates = field(default_factory=Fates)
    again: dict[tuple[str, str], Wanted] = field(default_factory=dict)
    parts: list[BarColumns] = field(default_factory=list)
    touched: dict[AssetId, None] = field(default_factory=dict)
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    actions: int = 0

    def last_finished(self, mic: str) -> date:
        """Return the newest day of which bars are final: the last session over, else yesterday in UTC."""
        return self.over.get(mic) or self.today - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RefreshPrices:
    """Bring prices, actions and share counts of the covered assets up to date.

    Covered: the members of the configured universe, without one every asset, save archived ones. Nothing is
    ever deleted; a run that was interrupted is simply run again. One symbol that fails takes no other with
    it: the report names each symbol's fate. A bar of a session that is not over is not taken.
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
        await self._bars(work, wanted, tell)
        if work.again:
            await self._bars(work, list(work.again.values()), tell)
        await self._facts(work, wanted, mode, tell)
        return self._report(work, mode, wanted)

    async def _begin(self, mode: RefreshMode) -> _Work:
        assets = await self._covered()
        if mode is RefreshMode.MINIMAL:
            assets = assets[: self.rules.minimal_symbols]
        now = self.clock.now()
        known = await self.reference.coverage([one.id for one in assets])
        by_asset: dict[AssetId, list[SeriesCoverage]] = {}
        for one in known:
            by_asset.setdefault(one.asset, []).append(one)
        times = await self.reference.session_times(
            sorted({one.mic for one in assets}), start=(now - RECENT).date(), end=now.date()
        )
        return _Work(
            assets={(one.symbol, one.mic): one for one in assets},
            ids={(one.symbol, one.mic): one.id for one in assets},
            coverage=by_asset,
            over={mic: _over(one, now) for mic, one in times.items()},
            today=now.date(),
            ends_at=now + timedelta(seconds=self.rules.deadline_seconds),
        )

    async def _covered(self) -> list[Asset]:
        configured = AssetFilter(universe=CONFIGURED)
        found = await self.reference.find_assets(configured, limit=MOST_ASSETS)
        return found or await self.reference.find_assets(AssetFilter(), limit=MOST_ASSETS)

    def _wanted(self, work: _Work, mode: RefreshMode) -> list[Wanted]:
        """Return what to ask for; symbols that need nothing are fresh."""
        found = []
        for asset in work.assets.values():
            one = self._window(work, asset, mode)
            if one is None:
                work.fates.put(listing_of(asset), Fate.FRESH)
            else:
                found.append(one)
        return found

    def _window(self, work: _Work, asset: Asset, mode: RefreshMode) -> Wanted | None:
        listing, start = listing_of(asset), self.rules.history_start
        if mode is RefreshMode.FULL:
            return Wanted(listing=listing, start=start)
        if mode is RefreshMode.MINIMAL:
            return Wanted(listing=listing, start=work.today - timedelta(days=self.rules.minimal_days))
        last = _oldest_last(work.coverage.get(asset.id, ()))
        due = work.last_finished(asset.mic)
        first = [one.name for one in self.setup.sources if Capability.BARS in one.capabilities][:1]
        if any(last.get(name, date.min) >= due for name in first):
            return None
        back = timedelta(days=self.rules.revisable_days)
        return Wanted(listing=listing, start=start, starts={name: day - back for name, day in last.items()})

    async def _bars(self, work: _Work, wanted: Sequence[Wanted], tell: Progress) -> None:
        total, done = len(wanted), set[tuple[str, str]]()
        tell("prices", 0, total, "")
        stream = self.source.bars(wanted)
        try:
            async for answer in stream:
                key = key_of(answer.listing)
                done.add(key)
                tell("prices", len(done), total, answer.listing.symbol)
                if isinstance(answer, NotDelivered):
                    work.fates.refused(answer)
                else:
                    await self._take(work, answer)
                if self.clock.now() >= work.ends_at:
                    break
        except SourceUnavailable as error:
            _unreachable(work, wanted, done, error)
        finally:
            await _closed(stream)
        await self._flush(work)
        for one in wanted:
            if work.fates.of(one.listing) is None:
                work.fates.put(one.listing, Fate.DEFERRED, detail="There was no time left for it.")

    async def _take(self, work: _Work, bars: BarColumns) -> None:
        finished = _until(bars, work.last_finished(bars.listing.mic))
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

    async def _was_restated(self, work: _Work, bars: BarColumns) -> bool:
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

    async def _flush(self, work: _Work) -> None:
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

    async def _facts(self, work: _Work, wanted: Sequence[Wanted], mode: RefreshMode, tell: Progress) -> None:
        """Bring actions of what was asked for, and share counts in a full refresh."""
        reached = [one for one in wanted if _has_bars(work.fates.of(one.listing))]
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

    def _report(self, work: _Work, mode: RefreshMode, wanted: Sequence[Wanted]) -> RefreshReport:
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
            since=min(starts, default=None),
        )


def _over(times: SessionColumns, now: datetime) -> date | None:
    at = np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "s")
    return last_over(day=times.day, close_at=times.close_at, now=at)


def _oldest_last(coverage: Sequence[SeriesCoverage]) -> dict[str, date]:
    """Return by source the last day that all its series have."""
    found: dict[str, date] = {}
    for one in coverage:
        if one.last is not None:
            found[one.source] = min(one.last, found.get(one.source, one.last))
    return found


def _until(bars: BarColumns, last: date) -> BarColumns:
    keep = bars.day <= np.datetime64(last)
    if keep.all():
        return bars
    names = ("day", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[keep] for name in names})


def _has_bars(fate: SymbolFate | None) -> bool:
    return fate is not None and fate.fate in (Fate.UPDATED, Fate.UNCHANGED)


def _unreachable(
    work: _Work, wanted: Sequence[Wanted], done: set[tuple[str, str]], error: SourceUnavailable
) -> None:
    for one in wanted:
        if key_of(one.listing) not in done:
            work.fates.refused(
                NotDelivered(listing=one.listing, source="", reason=Reason.UNAVAILABLE, detail=error.message)
            )


async def _closed(stream: object) -> None:
    """End a stream of answers that nobody reads on."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
