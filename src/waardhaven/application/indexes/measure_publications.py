"""Measure what was published."""

from dataclasses import dataclass, replace

import numpy as np

from waardhaven.application.indexes.risk_metrics import Measurable, ReadMeasurable, view
from waardhaven.application.indexes.risk_windows import Found, InvalidWindow, RiskOrder, Window, measured
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.risk_store import RiskSet, RiskStore, Unmeasured
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import NothingPublished, UnknownIndex
from waardhaven.domain.provenance import CodeVersion
from waardhaven.domain.types import as_date

AT_ONCE = 10
"""Publications measured before others of the process are looked for again."""
DAYS = 30
"""The newest days of a publication, each of which gets a set."""


@dataclass(frozen=True, slots=True)
class MeasurePublications:
    """Store the risk metrics of publications, for each of their days, the newest DAYS of them.

    A set is what the metrics of the index up to the day were at the instant the publication took effect:
    daily returns from the base date on, in the currency and variant of the definition and beside its
    benchmark, with what was official and known then. Asking the same question later, as of that instant,
    has the same answer. Done again, it changes nothing.
    """

    risk: RiskStore
    read: ReadMeasurable
    pool: ComputePool
    code: CodeVersion
    clock: Clock

    async def __call__(self, by: Principal) -> int:
        """Return how many publications were seen to; raise what stopped one of them, after the others."""
        by.require(Permission.OPERATE)
        taken = await self.risk.claim(limit=AT_ONCE)
        broken: list[Exception] = []
        for one in taken:
            try:
                await self.risk.keep(one, await self._sets(by, one), by=by)
            except Exception as error:  # noqa: BLE001 (one that can not be measured does not stop the others)
                broken.append(error)
        if broken:
            raise broken[0]
        return len(taken)

    async def _sets(self, by: Principal, one: Unmeasured) -> list[RiskSet]:
        """Return the sets of a publication; none of an archived index or of a base date alone."""
        order = RiskOrder(slug=one.slug, as_of=one.effective_at)
        try:
            found = await self.read(by, order=order)
        except (UnknownIndex, NothingPublished):
            return []
        windows = _windows(found, order, one)
        drawn = await self.pool.run(_measured, windows) if windows else []
        pairs = zip(windows, drawn, strict=True)
        return [self._set(one, found, window.order, each) for window, each in pairs]

    def _set(self, one: Unmeasured, of: Measurable, order: RiskOrder, found: Found) -> RiskSet:
        shown = view(of, order, found)
        return RiskSet(
            publication=one.publication,
            day=shown.last,
            base=shown.base,
            currency=shown.currency,
            variant=shown.variant,
            benchmark=None if shown.benchmark is None else shown.benchmark.name,
            returns=shown.returns,
            common=shown.common,
            coverage=shown.coverage,
            periods_per_year=shown.periods_per_year,
            risk_free_rate=shown.risk_free_rate,
            confidence=shown.confidence,
            trials=shown.trials,
            names=tuple(shown.metrics),
            units=tuple(each.unit for each in shown.metrics.values()),
            values=np.array([each.value for each in shown.metrics.values()], dtype=np.float64),
            reasons=tuple(each.reason for each in shown.metrics.values()),
            notes=shown.notes,
            code=self.code.package,
            measured_at=self.clock.now(),
        )


def _windows(of: Measurable, order: RiskOrder, one: Unmeasured) -> list[Window]:
    """Return a window up to each of the newest days of a publication that has a level."""
    known = of.index.levels.known().day
    own = known[(known >= np.datetime64(one.from_day)) & (known <= np.datetime64(one.through_day))]
    found = []
    for day in own[-DAYS:]:
        try:
            found.append(of.window(replace(order, end=as_date(day))))
        except InvalidWindow:
            continue
    return found


def _measured(windows: list[Window]) -> list[Found]:
    return [measured(one) for one in windows]
