"""What a check of a file says."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from waardhaven.application.market.facts import key_of
from waardhaven.application.market.match_listings import Matched, MatchListings
from waardhaven.application.ports.market_data import BarColumns
from waardhaven.application.ports.price_files import ParsedFile
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.domain.market.imports import FileMapping
from waardhaven.domain.types import SeriesId

VALUES = ("open", "high", "low", "close", "volume")


async def reported(
    parsed: ParsedFile, matched: Matched, match: MatchListings, prices: PriceStore
) -> dict[str, object]:
    """Return the report as JSON: what was read and how, each issue, and what a commit would change."""
    coverage = await match.reference.coverage(list(matched.known.values()))
    series = {
        (one.asset, one.source, str(one.adjustment), one.quote_unit): one.id for one in coverage if one.bars
    }
    symbols, would = [], {"inserted": 0, "changed": 0, "unchanged": 0}
    for one in matched.bars:
        asset = matched.known.get(key_of(one.listing))
        known = (
            None if asset is None else series.get((asset, one.source, str(one.adjustment), one.quote_unit))
        )
        counts = await _compared(one, known, prices)
        would = {name: would[name] + counts[name] for name in would}
        symbols.append(
            {
                "symbol": one.listing.symbol,
                "mic": one.listing.mic,
                "asset": asset,
                "bars": len(one),
                "first": str(one.day[0]) if len(one) else None,
                "last": str(one.day[-1]) if len(one) else None,
                **counts,
            }
        )
    issues = [asdict(one) for one in parsed.issues]
    issues += [
        {"line": None, "column": "symbol", "value": symbol, "reason": reason}
        for symbol, reason in matched.problems
    ]
    return {
        "rows": parsed.rows,
        "symbols": symbols,
        "issues": issues,
        "issue_count": parsed.issue_count + len(matched.problems),
        "notes": list(parsed.notes),
        "mapping": shown_mapping(parsed.mapping),
        "would": would,
    }


def shown_mapping(mapping: FileMapping) -> Mapping[str, object]:
    """Return a mapping as JSON."""
    return asdict(mapping)


async def _compared(bars: BarColumns, series: SeriesId | None, prices: PriceStore) -> dict[str, int]:
    """Count what writing the bars would do."""
    if series is None or not len(bars):
        return {"inserted": len(bars), "changed": 0, "unchanged": 0}
    first, last = bars.day[0].astype(object), bars.day[-1].astype(object)
    stored = await prices.bars([series], start=first, end=last)
    _, ours, theirs = np.intersect1d(stored.day, bars.day, return_indices=True)
    pairs = [(getattr(stored, name)[ours], getattr(bars, name)[theirs]) for name in VALUES]
    same = np.logical_and.reduce([(a == b) | (np.isnan(a) & np.isnan(b)) for a, b in pairs])
    return {
        "inserted": len(bars) - len(ours),
        "changed": int(len(ours) - same.sum()),
        "unchanged": int(same.sum()),
    }
