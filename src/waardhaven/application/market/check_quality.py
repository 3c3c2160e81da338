"""Look at stored prices and record what is odd about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.quality_flags import QualityFlags
from waardhaven.application.ports.reference_store import ReferenceStore, SeriesCoverage
from waardhaven.application.pricing.adjusting import Adjusting, ReadActions
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.adjustment import ActionColumns, factors, move_factors
from waardhaven.domain.market.currency import RateColumns
from waardhaven.domain.market.gate import (
    FindingColumns,
    adjustments,
    cross_sources,
    fx_holes,
    gaps,
    off_sessions,
    outliers,
    stale,
    volumes,
)
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.quality import FindingKind
from waardhaven.domain.market.stated_actions import FIXING
from waardhaven.domain.types import AssetId, Days, Floats

ASSETS_AT_ONCE = 50
WARM_UP = timedelta(days=150)
"""Calendar days of bars before the first one judged: more than the sixty bars of the longest window."""
JUDGED = (
    FindingKind.GAP,
    FindingKind.OFF_SESSION,
    FindingKind.STALE,
    FindingKind.OUTLIER,
    FindingKind.VOLUME,
    FindingKind.CROSS_SOURCE,
    FindingKind.ADJUSTMENT,
    FindingKind.FX_HOLE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What some assets are judged by: their bars, and for each series its sessions and what it should match.

    ``calendars``: sessions by exchange; ``series_of``: the series on each. ``twins``: for each raw series of
    a source the one the same source adjusted.
    """

    bars: PriceColumns
    actions: ActionColumns
    calendars: Mapping[str, Days]
    series_of: Mapping[str, tuple[int, ...]]
    group: Mapping[int, int]
    twins: Mapping[int, int]
    rates: RateColumns
    unit: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class CheckQuality:
    """Judge stored bars against calendars, their own past, actions, other sources and rates.

    What is found is recorded as flags that change no bar; flags of before that are found no more end,
    reviewed ones stay. Judging a bar looks at it and earlier ones alone. Idempotent.
    """

    reference: ReferenceStore
    prices: PriceStore
    actions: ReadActions
    flags: QualityFlags
    pool: ComputePool

    async def __call__(
        self, by: Principal, *, assets: Sequence[AssetId], since: date | None = None
    ) -> dict[str, int]:
        """Return how many findings of each kind there are from ``since`` on."""
        by.require(Permission.OPERATE)
        counts: dict[str, int] = {}
        for place in range(0, len(assets), ASSETS_AT_ONCE):
            some = assets[place : place + ASSETS_AT_ONCE]
            for kind, count in (await self._checked(some, since)).items():
                counts[kind] = counts.get(kind, 0) + count
        return counts

    async def _checked(self, assets: Sequence[AssetId], since: date | None) -> dict[str, int]:
        coverage = [one for one in await self.reference.coverage(assets) if one.bars]
        if not coverage:
            return {}
        acting = await self.actions(coverage)
        material = await self._material(assets, coverage, acting, since)
        found = await self.pool.run(judged, material, since)
        findings = [one for columns in found for one in columns.findings()]
        series = [one.id for one in coverage]
        await self.flags.record(findings, series=series, kinds=JUDGED, start=since)
        return {str(one.kind): len(one) for one in found if len(one)}

    async def _material(
        self,
        assets: Sequence[AssetId],
        coverage: Sequence[SeriesCoverage],
        acting: Adjusting,
        since: date | None,
    ) -> Material:
        start = None if since is None else since - WARM_UP
        bars = await self.prices.bars([one.id for one in coverage], start=start)
        mics = {one.id: one.mic for one in await self.reference.assets(assets)}
        calendars = {mic: await self.reference.sessions(mic, start=start) for mic in set(mics.values())}
        codes = sorted({one.currency for one in coverage})
        return Material(
            bars=bars,
            actions=acting.columns,
            calendars={mic: days for mic, days in calendars.items() if len(days)},
            series_of={mic: tuple(one.id for one in coverage if mics[one.asset] == mic) for mic in calendars},
            group=_groups(coverage),
            twins=_twins(coverage, acting),
            rates=await self.reference.fx(codes, fixing=FIXING),
            unit={one.id: one.quote_unit for one in coverage},
        )


def judged(material: Material, since: date | None) -> list[FindingColumns]:
    """Return every finding from ``since`` on, one entry a kind at least."""
    bars = material.bars
    if not len(bars):
        return []
    move = 1.0 / move_factors(series=bars.series, day=bars.day, close=bars.close, actions=material.actions)
    group = np.array([material.group[one] for one in bars.series.tolist()], dtype=np.int64)
    found = [outliers(bars, move), volumes(bars), stale(bars), cross_sources(bars, group)]
    for mic, sessions in material.calendars.items():
        mine = _of(bars, material.series_of[mic])
        found += [gaps(mine, sessions), off_sessions(mine, sessions)]
    found += [_against_twin(bars, raw, twin, material.actions) for raw, twin in material.twins.items()]
    found += [_holes(bars, one, material) for one in np.unique(bars.series).tolist()]
    return [one if since is None else _from(one, since) for one in found]


def _from(found: FindingColumns, since: date) -> FindingColumns:
    keep = found.day >= np.datetime64(since)
    detail = tuple(one for one, kept in zip(found.detail, keep.tolist(), strict=True) if kept)
    return FindingColumns(kind=found.kind, series=found.series[keep], day=found.day[keep], detail=detail)


def _of(bars: PriceColumns, series: Sequence[int]) -> PriceColumns:
    mine = np.isin(bars.series, series)
    return PriceColumns(**{name: getattr(bars, name)[mine] for name in PriceColumns.__slots__})


def _against_twin(bars: PriceColumns, raw: int, twin: int, actions: ActionColumns) -> FindingColumns:
    """Compare the returns of raw bars as we adjust them with those the source adjusted itself."""
    ours, theirs = _of(bars, [raw]), _of(bars, [twin])
    factor = factors(series=ours.series, day=ours.day, close=ours.close, actions=actions)
    _, mine, other = np.intersect1d(ours.day, theirs.day, return_indices=True)
    adjusted = (ours.close * factor.split * factor.cash)[mine]
    return adjustments(ours.series[mine], ours.day[mine], _returns(adjusted), _returns(theirs.close[other]))


def _returns(close: Floats) -> Floats:
    found = np.full(len(close), np.nan)
    found[1:] = close[1:] / close[:-1] - 1.0
    return found


def _holes(bars: PriceColumns, series: int, material: Material) -> FindingColumns:
    """Find days without a rate, from the first day on that any is known."""
    days, rates = bars.day[bars.series == series], material.rates
    first = rates.day.min() if len(rates.day) else np.datetime64("9999-12-31")
    return fx_holes(rates, material.unit[series], days[days >= first], series=series)


def _groups(coverage: Sequence[SeriesCoverage]) -> dict[int, int]:
    """Return a number for each series, equal for those that should agree."""
    keys: dict[tuple[AssetId, Adjustment, str], int] = {}
    return {
        int(one.id): keys.setdefault((one.asset, one.adjustment, one.quote_unit), len(keys))
        for one in coverage
    }


def _twins(coverage: Sequence[SeriesCoverage], acting: Adjusting) -> dict[int, int]:
    """Pair raw series of which actions are known with what the same source adjusted for everything."""
    whole = {
        (one.asset, one.source, one.quote_unit): one.id
        for one in coverage
        if one.adjustment is Adjustment.ALL
    }
    return {
        int(one.id): int(twin)
        for one in coverage
        if one.adjustment is Adjustment.RAW
        and (one.asset, one.source) in acting.paying
        and (twin := whole.get((one.asset, one.source, one.quote_unit))) is not None
    }
