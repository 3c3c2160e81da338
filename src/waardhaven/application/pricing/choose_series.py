"""Which of an asset's series answers a question about its prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from waardhaven.application.ports.market_data import MarketSetup
from waardhaven.application.ports.reference_store import SeriesCoverage
from waardhaven.application.pricing.adjusting import Adjusting
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import Asset


class Adjust(StrEnum):
    """What prices are adjusted for: ``raw`` nothing, ``splits``, ``all`` splits and distributions."""

    RAW = "raw"
    SPLITS = "splits"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A series to answer with: ``computed`` from raw prices, or as its source adjusted it."""

    asset: Asset
    series: SeriesCoverage
    computed: bool


def best_series(
    mine: Sequence[SeriesCoverage], acting: Adjusting, mode: Adjust, setup: MarketSetup
) -> SeriesCoverage | None:
    """Return the series to answer with: of the preferred source that can, the kind that is most right."""
    able = [
        (setup.rank(one.source), one.source, rank, one.id, one)
        for one in mine
        if (rank := _rank(one, mine, acting, mode)) is not None
    ]
    return min(able)[-1] if able else None


def _rank(one: SeriesCoverage, mine: Sequence[SeriesCoverage], acting: Adjusting, mode: Adjust) -> int | None:
    """Return how right a series is for a mode, 0 the most, None: not at all.

    Raw prices serve every mode, adjusted ones their own. Computing wins where the source states actions and
    its raw prices are as new as those it adjusted.
    """
    if one.adjustment.value == mode.value:
        return 0 if mode is Adjust.RAW else 1
    if one.adjustment is not Adjustment.RAW:
        return None
    rivals = [each for each in mine if each.source == one.source and each.adjustment.value == mode.value]
    newest = all(one.last and each.last and one.last >= each.last for each in rivals)
    informed = acting.counts.get(one.id, 0) > 0
    return 0 if newest and (informed or not rivals) else 2


def bars_within(series: SeriesCoverage, start: date | None, end: date | None) -> int:
    """Return how many bars a series has within a range at most."""
    if series.first is None or series.last is None:
        return 0
    first, last = max(series.first, start or date.min), min(series.last, end or date.max)
    return max(0, min(series.bars, (last - first).days + 1))
