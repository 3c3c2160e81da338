"""The sources that are set up: what is left of their credits, and whether they answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import perf_counter

from waardhaven.application.market.facts import listing_of
from waardhaven.application.market.refresh_rules import CONFIGURED
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.market_data import (
    BarColumns,
    Capability,
    MarketData,
    MarketSetup,
    NotDelivered,
    SourceInfo,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.provider_gate import Breaker, GateState, GateUnavailable, ProviderGate
from waardhaven.application.ports.reference_store import AssetFilter, ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.asset import Asset

DAYS_TESTED = timedelta(days=10)
LONGEST_TRIAL = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderView:
    """A source. Credits are null where none are counted; all are null while the count is out of reach.

    ``breaker``: `closed`: it is asked. `open`: it failed too often and is left alone until ``open_until``.
    """

    name: str
    capabilities: tuple[Capability, ...]
    needs_key: bool
    plan: str | None
    credits_per_minute: int | None
    credits_left_minute: int | None
    credits_per_day: int | None
    credits_left_day: int | None
    breaker: Breaker | None
    failures: int | None
    open_until: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidersView:
    """The sources in the order they are asked."""

    timestamp: datetime
    refresh_mode: str
    providers: tuple[ProviderView, ...]


@dataclass(frozen=True, slots=True)
class ReadProviders:
    """Show the sources that are set up, without asking any of them."""

    setup: MarketSetup
    gate: ProviderGate
    clock: Clock

    async def __call__(self, by: Principal) -> ProvidersView:
        """Return all of them; a count that is out of reach is null."""
        by.require(Permission.OPERATE)
        return ProvidersView(
            timestamp=self.clock.now(),
            refresh_mode=self.setup.refresh_mode,
            providers=tuple([await self._view(one) for one in self.setup.sources]),
        )

    async def _view(self, one: SourceInfo) -> ProviderView:
        state: GateState | None = None
        if one.keyed:
            try:
                state = await self.gate.state(one.name)
            except GateUnavailable:
                state = None
        return ProviderView(
            name=one.name,
            capabilities=tuple(sorted(one.capabilities)),
            needs_key=one.keyed,
            plan=one.plan,
            credits_per_minute=one.per_minute,
            credits_left_minute=None if state is None else _left(one.per_minute, state.minute_used),
            credits_per_day=one.per_day,
            credits_left_day=None if state is None else _left(one.per_day, state.day_used),
            breaker=None if state is None else state.breaker,
            failures=None if state is None else state.failures,
            open_until=None if state is None else state.open_until,
            last_error=None if state is None else state.last_error,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStep:
    """One step of a trial. ``status``: `ok`, `failed` or `skipped`."""

    step: str
    status: str
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """A trial of a refresh: what would work. Nothing was written."""

    timestamp: datetime
    overall_status: str
    steps: tuple[TrialStep, ...]


@dataclass(frozen=True, slots=True)
class TryRefresh:
    """Try a refresh with one symbol, and write nothing. It spends the credits of one request."""

    reference: ReferenceStore
    source: MarketData
    setup: MarketSetup
    clock: Clock

    async def __call__(self, by: Principal) -> TrialView:
        """Return each step and how it went."""
        by.require(Permission.OPERATE)
        began = perf_counter()
        asset = await self._asset()
        detail = "There are no assets yet." if asset is None else f"Trying {asset.symbol}:{asset.mic}."
        steps = [_step("database", asset is not None, detail, began)]
        began = perf_counter()
        names = ", ".join(one.name for one in self.setup.sources) or "none"
        steps.append(_step("sources", bool(self.setup.sources), f"Set up: {names}.", began))
        if asset is not None:
            began = perf_counter()
            good, told = await self._prices(asset)
            steps.append(_step("prices", good, told, began))
        failed = any(one.status == "failed" for one in steps)
        return TrialView(
            timestamp=self.clock.now(), overall_status="failed" if failed else "ok", steps=tuple(steps)
        )

    async def _asset(self) -> Asset | None:
        for wanted in (AssetFilter(universe=CONFIGURED), AssetFilter()):
            found = await self.reference.find_assets(wanted, limit=1)
            if found:
                return found[0]
        return None

    async def _prices(self, asset: Asset) -> tuple[bool, str]:
        since = await self._since(asset)
        wanted = [Wanted(listing=listing_of(asset), start=since)]
        try:
            async with asyncio.timeout(LONGEST_TRIAL):
                answers = [one async for one in self.source.bars(wanted)]
        except TimeoutError:
            return False, f"There was no answer within {LONGEST_TRIAL:g} seconds."
        except SourceUnavailable as error:
            return False, error.message
        return _told(answers, since)

    async def _since(self, asset: Asset) -> date:
        """Return a day from which on there should be bars: the sample market ended long ago."""
        if self.setup.keyed:
            return self.clock.now().date() - DAYS_TESTED
        known = [one.last for one in await self.reference.coverage([asset.id]) if one.last is not None]
        return max(known, default=self.clock.now().date()) - DAYS_TESTED


def _told(answers: Sequence[BarColumns | NotDelivered], since: date) -> tuple[bool, str]:
    bars = [one for one in answers if isinstance(one, BarColumns)]
    if not bars:
        refused = [one for one in answers if isinstance(one, NotDelivered)]
        return False, refused[0].detail if refused else "No source answered."
    count, source = sum(len(one) for one in bars), bars[0].source
    return count > 0, f"{source} delivered {count} bars since {since}."


def _step(step: str, good: bool, detail: str, began: float) -> TrialStep:  # noqa: FBT001
    return TrialStep(
        step=step,
        status="ok" if good else "failed",
        detail=detail,
        seconds=round(perf_counter() - began, 3),
    )


def _left(allotted: int | None, used: int) -> int | None:
    return None if allotted is None else max(0, allotted - used)
