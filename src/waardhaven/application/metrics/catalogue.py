"""The registry of metrics, for people and programs that choose from it."""

from dataclasses import dataclass

from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.metric import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricView:
    """A metric: what it counts, which of two values is better, what it needs, its formula and its source.

    ``least``: observations it takes at least. ``unknown``: why it has no value when nothing else is wrong.
    """

    name: str
    title: str
    unit: str
    direction: str
    needs: tuple[str, ...]
    least: int
    formula: str
    source: str
    unknown: str


@dataclass(frozen=True, slots=True)
class ListMetrics:
    """Every metric there is, in the order in which they are shown."""

    async def __call__(self, by: Principal) -> tuple[MetricView, ...]:
        """Return the whole catalogue."""
        by.require(Permission.READ_INDICES)
        return tuple(_view(one) for one in METRICS.values())


def _view(metric: Metric) -> MetricView:
    return MetricView(
        name=metric.name,
        title=metric.title,
        unit=metric.unit,
        direction=metric.direction,
        needs=tuple(sorted(metric.needs)),
        least=metric.least,
        formula=metric.formula,
        source=metric.source,
        unknown=metric.undefined,
    )
