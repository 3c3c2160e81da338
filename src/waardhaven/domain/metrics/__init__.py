"""Risk metrics: the registry of figures, computed for one series or many at once.

``METRICS`` names every metric of a sample of returns. ``measure`` computes any of them together; what they
share is computed once. Adding one is a function of a ``Measured`` block and a ``Metric`` in the file of its
family.
"""

from collections.abc import Mapping
from types import MappingProxyType

from waardhaven.domain.metrics.drawdown import DRAWDOWNS
from waardhaven.domain.metrics.metric import Metric
from waardhaven.domain.metrics.ratios import RATIOS
from waardhaven.domain.metrics.relative import RELATIVES
from waardhaven.domain.metrics.returns import RETURNS
from waardhaven.domain.metrics.risk import RISKS


def registry(*metrics: Metric) -> Mapping[str, Metric]:
    """Return metrics by name in their order; two of one name are an error."""
    found = {one.name: one for one in metrics}
    if len(found) < len(metrics):
        names = [one.name for one in metrics]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"Metrics of one name: {', '.join(twice)}.")
    return MappingProxyType(found)


METRICS: Mapping[str, Metric] = registry(*RETURNS, *RISKS, *DRAWDOWNS, *RATIOS, *RELATIVES)
"""Every metric by name, in the order in which they are shown."""
