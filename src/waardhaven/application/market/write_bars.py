"""Bars as a source states them, into the store: judged, written, and what was odd kept beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from waardhaven.application.market.facts import AssetIds, key_of
from waardhaven.application.ports.market_data import BarColumns
from waardhaven.application.ports.market_facts import MarketFacts, SeriesKey
from waardhaven.application.ports.price_store import PriceStore, WriteReport
from waardhaven.application.ports.quality_flags import QualityFlags
from waardhaven.domain.market.currency import major
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.quality import Finding, FindingKind
from waardhaven.domain.market.screening import Screened, screen
from waardhaven.domain.types import ImportId, SeriesId, as_date

SCREENED = (FindingKind.NON_POSITIVE, FindingKind.CONTRADICTION, FindingKind.OHLC_ORDER)
"""What is found while bars are written; the rest is found in what is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a write did; ``series`` are those of the parts, in their order."""

    report: WriteReport
    series: tuple[SeriesId, ...]


@dataclass(frozen=True, slots=True)
class WriteBars:
    """Writes what was odd about parts of bars, then the bars in one transaction.

    Bars that can be no bars are left out, impossible parts of others are left unknown, and both are
    recorded, before there is a bar: nothing is rewritten in silence, wherever it is interrupted. Idempotent.
    """

    facts: MarketFacts
    prices: PriceStore
    flags: QualityFlags

    async def __call__(
        self,
        parts: Sequence[BarColumns],
        ids: AssetIds,
        *,
        note: str,
        for_import: ImportId | None = None,
    ) -> Written:
        """Write the parts; each (listing, source, adjustment, quote unit) may be there once."""
        keys = [_series_key(one, ids) for one in parts]
        known = await self.facts.register_series(keys)
        series = tuple(known[key] for key in keys)
        screened = [
            screen(day=one.day, open=one.open, high=one.high, low=one.low, close=one.close, volume=one.volume)
            for one in parts
        ]
        await self._flag(series, parts, screened)
        report = await self.prices.write(_columns(series, screened), note=note, for_import=for_import)
        return Written(report=report, series=series)

    async def _flag(
        self, series: Sequence[SeriesId], parts: Sequence[BarColumns], screened: Sequence[Screened]
    ) -> None:
        starts: dict[date, list[tuple[SeriesId, Screened]]] = {}
        for one, bars, found in zip(series, parts, screened, strict=True):
            if len(bars):
                starts.setdefault(as_date(bars.day[0]), []).append((one, found))
        for start, some in starts.items():
            findings = [finding for one, found in some for finding in _findings(one, found)]
            await self.flags.record(findings, series=[one for one, _ in some], kinds=SCREENED, start=start)


def _series_key(bars: BarColumns, ids: AssetIds) -> SeriesKey:
    return SeriesKey(
        asset=ids[key_of(bars.listing)],
        source=bars.source,
        adjustment=bars.adjustment,
        currency=major(bars.quote_unit)[0],
        quote_unit=bars.quote_unit,
    )


def _columns(series: Sequence[SeriesId], parts: Sequence[Screened]) -> PriceColumns:
    lengths = [len(one.day) for one in parts]
    return PriceColumns(
        series=np.repeat(np.array(series, dtype=np.int64), lengths),
        **{
            name: np.concatenate([getattr(one, name) for one in parts])
            for name in ("day", "open", "high", "low", "close", "volume")
        },
    )


def _findings(series: SeriesId, found: Screened) -> list[Finding]:
    """Return what was odd, one of a kind a day: an impossible volume is an impossible part like others."""
    details: dict[tuple[date, FindingKind], list[str]] = {}
    for one in found.findings:
        kind = FindingKind.OHLC_ORDER if one.kind is FindingKind.VOLUME else one.kind
        details.setdefault((one.day, kind), []).append(one.detail)
    return [
        Finding(series=series, day=day, kind=kind, detail="; ".join(said))
        for (day, kind), said in details.items()
    ]
