"""One refresh under way: what is asked for, what came, and what became of each symbol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from waardhaven.application.market.facts import AssetIds, key_of
from waardhaven.application.market.fates import Fate, Fates
from waardhaven.application.ports.market_data import (
    BarColumns,
    NotDelivered,
    Reason,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing, SessionColumns
from waardhaven.application.ports.reference_store import SeriesCoverage
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.market.freshness import last_over
from waardhaven.domain.types import AssetId

Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class RefreshWork:
    """One refresh under way; assets and symbols go by (symbol, exchange).

    ``marks``: up to where refreshes were complete. ``over``: by exchange, the last session that is over.
    ``again``: adjusted histories to be asked for anew. ``complete``: those that came in every way asked for.
    ``counts``: bars inserted, changed and unchanged.
    """

    assets: dict[Key, Asset]
    ids: AssetIds
    coverage: Mapping[AssetId, Sequence[SeriesCoverage]]
    marks: Mapping[AssetId, date]
    over: Mapping[str, date | None]
    today: date
    ends_at: datetime
    fates: Fates = field(default_factory=Fates)
    again: dict[Key, Wanted] = field(default_factory=dict)
    parts: list[BarColumns] = field(default_factory=list)
    touched: dict[AssetId, None] = field(default_factory=dict)
    total: int = 0
    seen: set[Key] = field(default_factory=set)
    complete: set[Key] = field(default_factory=set)
    is_late: bool = False
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    actions: int = 0

    def last_finished(self, mic: str) -> date:
        """Return the newest day of which bars are final: the last session over, else yesterday in UTC."""
        return self.over.get(mic) or self.today - timedelta(days=1)

    def finished(self, bars: BarColumns) -> BarColumns:
        """Return the bars of the sessions that are over."""
        keep = bars.day <= np.datetime64(self.last_finished(bars.listing.mic))
        if keep.all():
            return bars
        names = ("day", "open", "high", "low", "close", "volume")
        return replace(bars, **{name: getattr(bars, name)[keep] for name in names})

    def came_to(self, asset: Asset) -> dict[str, date]:
        """Return by source up to where all series of an asset are complete; empty: it was never marked."""
        mark = self.marks.get(asset.id)
        found: dict[str, date] = {}
        if mark is not None:
            for one in self.coverage.get(asset.id, ()):
                if one.last is not None:
                    found[one.source] = min(one.last, mark, found.get(one.source, mark))
        return found

    def has_bars(self, listing: Listing) -> bool:
        """Tell whether bars of a listing came."""
        fate = self.fates.of(listing)
        return fate is not None and fate.fate in (Fate.UPDATED, Fate.UNCHANGED)

    def complete_through(self) -> dict[AssetId, date]:
        """Return the newest bar of each asset of which everything came."""
        known = ((self.ids[key], self.fates.known.get(key)) for key in sorted(self.complete))
        return {asset: one.through for asset, one in known if one is not None and one.through is not None}

    def unreachable(self, wanted: Sequence[Wanted], done: set[Key], error: SourceUnavailable) -> None:
        """Note that what did not come could not be reached."""
        for one in wanted:
            if key_of(one.listing) not in done:
                detail = error.message
                self.fates.refused(
                    NotDelivered(listing=one.listing, source="", reason=Reason.UNAVAILABLE, detail=detail)
                )


def last_session_over(times: SessionColumns, now: datetime) -> date | None:
    """Return the last session that is over, None: there is none."""
    at = np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "s")
    return last_over(day=times.day, close_at=times.close_at, now=at)
