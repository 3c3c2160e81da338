"""The risk metrics of an index as they were stored with its publications."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from waardhaven.application.answers import Page, foreign_cursor
from waardhaven.application.indexes.level_views import known
from waardhaven.application.indexes.visible import readable
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.risk_store import RiskSet, RiskStore
from waardhaven.domain.identity.roles import Permission, Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMetricView:
    """One metric as it was measured: its ``value`` in ``unit``, or why it is None."""

    value: float | None
    unit: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSetView:
    """The metrics of an index from ``base`` to ``day``, as known when ``publication`` took effect.

    ``returns``: daily returns measured; ``common``: those on which the benchmark is known too, None without
    one; ``coverage``: the known share; ``code``: version of the software that measured.
    """

    day: dt.date
    publication: int
    measured_at: dt.datetime
    base: dt.date
    currency: str
    variant: str
    benchmark: str | None
    returns: int
    common: int | None
    coverage: float
    periods_per_year: float
    risk_free_rate: float
    confidence: float
    trials: int
    metrics: Mapping[str, StoredMetricView]
    notes: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class ListRiskMetrics:
    """Page through the risk metrics that were stored with the publications of an index, newest day first.

    A restatement adds sets beside those there are, so a day may have one of each publication that has it;
    nothing stored is ever changed.
    """

    indexes: IndexStore
    risk: RiskStore

    async def __call__(
        self, by: Principal, *, slug: str, limit: int, cursor: str | None = None
    ) -> Page[RiskSetView]:
        """Return a page; raise UnknownIndex or InvalidCursor."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, slug)
        found = await self.risk.newest(index.id, limit=limit + 1, before=_place(cursor))
        last = found[limit - 1] if len(found) > limit else None
        return Page(
            items=tuple(_view(one) for one in found[:limit]),
            next_cursor=None if last is None else f"{last.day}.{last.publication}",
        )


def _place(cursor: str | None) -> tuple[dt.date, int] | None:
    """Return the day and publication in a cursor; raise InvalidCursor."""
    if cursor is None:
        return None
    day, _, publication = cursor.partition(".")
    try:
        place = dt.date.fromisoformat(day), int(publication)
    except ValueError:
        place = None
    if place is None or not 0 < place[1] < 2**63 or cursor != f"{place[0]}.{place[1]}":
        raise foreign_cursor()
    return place


def _view(one: RiskSet) -> RiskSetView:
    rows = zip(one.names, one.values.tolist(), one.units, one.reasons, strict=True)
    return RiskSetView(
        day=one.day,
        publication=one.publication,
        measured_at=one.measured_at,
        base=one.base,
        currency=one.currency,
        variant=one.variant,
        benchmark=one.benchmark,
        returns=one.returns,
        common=one.common,
        coverage=one.coverage,
        periods_per_year=one.periods_per_year,
        risk_free_rate=one.risk_free_rate,
        confidence=one.confidence,
        trials=one.trials,
        metrics={
            name: StoredMetricView(value=known(value), unit=unit, reason=reason)
            for name, value, unit, reason in rows
        },
        notes=one.notes,
        code=one.code,
    )
