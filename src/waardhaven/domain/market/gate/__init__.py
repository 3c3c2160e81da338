"""The quality gate: what is odd about stored bars, judged by what was known on each day alone.

Every judgement of a bar looks at that bar and earlier ones: a later bar changes no earlier finding.
Nothing here changes a bar.
"""

from waardhaven.domain.market.gate.columns import FindingColumns
from waardhaven.domain.market.gate.moves import outliers, volumes
from waardhaven.domain.market.gate.sessions import gaps, off_sessions, stale
from waardhaven.domain.market.gate.sources import adjustments, cross_sources, fx_holes

__all__ = [
    "FindingColumns",
    "adjustments",
    "cross_sources",
    "fx_holes",
    "gaps",
    "off_sessions",
    "outliers",
    "stale",
    "volumes",
]
