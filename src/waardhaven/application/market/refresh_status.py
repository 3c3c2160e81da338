"""How fresh the stored prices are, exchange by exchange."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from waardhaven.application.market.refresh_rules import CONFIGURED
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.market_data import MarketSetup
from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.application.ports.reference_store import AssetFilter, ReferenceStore, SeriesCoverage
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.market.freshness import Age, Freshness, age
from waardhaven.domain.types import AssetId

MOST = 2_000
LOOK_BACK = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFreshness:
    """The newest price of an asset against the sessions of its exchange.

    ``behind``: sessions that are over and have no price; null when that is not known.
    """

    symbol: str
    mic: str
    state: Freshness
    source: str | None
    last: date | None
    expected: date | None
    behind: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshStatusView:
    """How fresh prices are. ``universe``: what a refresh covers, null: every asset.

    ``needs_update``: a session is over of which some asset has no price.
    """

    timestamp: datetime
    universe: str | None
    providers: tuple[str, ...]
    total: int
    fresh: int
    stale: int
    empty: int
    unknown: int
    latest: date | None
    needs_update: bool
    recommendation: str
    assets: tuple[AssetFreshness, ...]


@dataclass(frozen=True, slots=True)
class ReadRefreshStatus:
    """Tell freshness by the calendar of each asset's exchange, never by the wall clock alone."""

    reference: ReferenceStore
    setup: MarketSetup
    clock: Clock

    async def __call__(self, by: Principal) -> RefreshStatusView:
        """Return the covered assets, the stalest first; at most two thousand."""
        by.require(Permission.OPERATE)
        now = self.clock.now()
        universe = CONFIGURED
        assets = await self.reference.find_assets(AssetFilter(universe=universe), limit=MOST)
        if not assets:
            universe = ""
            assets = await self.reference.find_assets(AssetFilter(), limit=MOST)
        coverage = await self.reference.coverage([one.id for one in assets])
        best = _newest(coverage)
        start = min([(now - LOOK_BACK).date(), *(one.last for one in best.values() if one.last)])
        mics = sorted({one.mic for one in assets})
        times = await self.reference.session_times(mics, start=start, end=now.date())
        found = [_judged(one, best.get(one.id), times.get(one.mic), now) for one in assets]
        found.sort(key=lambda one: (-(one.behind or 0), one.last or date.min, one.symbol))
        return _view(found, now, universe or None, self.setup)


def _newest(coverage: Sequence[SeriesCoverage]) -> dict[AssetId, SeriesCoverage]:
    found: dict[AssetId, SeriesCoverage] = {}
    for one in coverage:
        before = found.get(one.asset)
        if one.last is not None and (before is None or before.last is None or one.last > before.last):
            found[one.asset] = one
    return found


def _judged(
    asset: Asset, series: SeriesCoverage | None, times: SessionColumns | None, now: datetime
) -> AssetFreshness:
    last = None if series is None else series.last
    at = np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "s")
    if times is None:
        judged = Age(state=Freshness.UNKNOWN, expected=None, behind=None)
    else:
        judged = age(last, day=times.day, close_at=times.close_at, now=at)
    return AssetFreshness(
        symbol=asset.symbol,
        mic=asset.mic,
        state=judged.state,
        source=None if series is None else series.source,
        last=last,
        expected=judged.expected,
        behind=judged.behind,
    )


def _view(
    found: Sequence[AssetFreshness], now: datetime, universe: str | None, setup: MarketSetup
) -> RefreshStatusView:
    counts = {state: sum(one.state is state for one in found) for state in Freshness}
    late = counts[Freshness.STALE] + counts[Freshness.EMPTY]
    return RefreshStatusView(
        timestamp=now,
        universe=universe,
        providers=tuple(one.name for one in setup.sources),
        total=len(found),
        fresh=counts[Freshness.FRESH],
        stale=counts[Freshness.STALE],
        empty=counts[Freshness.EMPTY],
        unknown=counts[Freshness.UNKNOWN],
        latest=max((one.last for one in found if one.last), default=None),
        needs_update=late > 0,
        recommendation=_recommendation(len(found), late, setup),
        assets=tuple(found),
    )


def _recommendation(total: int, late: int, setup: MarketSetup) -> str:
    if not total:
        return "There are no assets: run a refresh, or import prices."
    if not late:
        return "Nothing to do."
    lacking = f"{late} of {total} assets lack a session that is over"
    if not setup.keyed:
        return f"{lacking}, and no provider is set up: set TWELVEDATA_API_KEY, or import prices."
    return f"{lacking}: run a smart refresh."
