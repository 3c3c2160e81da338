from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import isnan

import numpy as np
from tests.fakes.audit_trail import FakeAuditTrail
from tests.fakes.clock import FakeClock
from tests.fakes.event_log import FakeEventLog

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.risk_store import RiskSet, RiskStore, Unmeasured
from waardhaven.application.ports.trial_log import TrialLog
from waardhaven.domain.events import RiskMeasured, VariantTried
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.trials import Trials, variant
from waardhaven.domain.types import IndexId


@dataclass
class FakeTrialLog(TrialLog):
    """Variants by index in the order of counting, one row without a ratio and one with."""

    clock: Clock = field(default_factory=FakeClock)
    rows: list[tuple[IndexId, IndexDefinition, float, datetime]] = field(default_factory=list)

    log: FakeEventLog = field(default_factory=FakeEventLog)
    trail: FakeAuditTrail = field(default_factory=FakeAuditTrail)

    async def count(
        self, index: IndexId, definition: IndexDefinition, ratio: float, *, by: Principal
    ) -> None:
        if self.add(index, definition, ratio):
            self.log.put(VariantTried(index=int(index)))
            self.trail.put("index.variant_tried", by=by, target=f"index:{index}")

    def add(self, index: IndexId, definition: IndexDefinition, ratio: float) -> bool:
        """Count without telling; return whether it is new."""
        key = (index, variant(definition), isnan(ratio))
        is_new = all((one[0], one[1], isnan(one[2])) != key for one in self.rows)
        if is_new:
            self.rows.append((index, variant(definition), ratio, self.clock.now()))
        return is_new

    async def tried(self, index: IndexId, *, as_of: datetime | None = None) -> Trials:
        rows = [one for one in self.rows if one[0] == index and one[3] <= (as_of or self.clock.now())]
        ratios = np.array([ratio for _, _, ratio, _ in rows if not isnan(ratio)])
        return Trials(count=len({repr(one[1]) for one in rows}), ratios=ratios)


@dataclass
class FakeRiskStore(RiskStore):
    """Publications to measure with the instant each may be given again, and the sets there are."""

    log: FakeEventLog = field(default_factory=FakeEventLog)
    clock: Clock = field(default_factory=FakeClock)
    trail: FakeAuditTrail = field(default_factory=FakeAuditTrail)
    due: dict[int, tuple[Unmeasured, datetime, int]] = field(default_factory=dict)
    sets: dict[tuple[date, int], tuple[IndexId, RiskSet]] = field(default_factory=dict)

    async def claim(self, *, limit: int) -> list[Unmeasured]:
        now = self.clock.now()
        ready = sorted(number for number, (_, at, _) in self.due.items() if at <= now)[:limit]
        for number in ready:
            one, _, attempts = self.due[number]
            wait = min(timedelta(minutes=2 ** min(attempts, 12)), timedelta(days=1))
            self.due[number] = (one, now + wait, attempts + 1)
        return [self.due[number][0] for number in ready]

    async def keep(self, one: Unmeasured, sets: Sequence[RiskSet], *, by: Principal) -> None:
        self.due.pop(one.publication, None)
        fresh = [each for each in sets if (each.day, one.publication) not in self.sets]
        for each in fresh:
            self.sets[each.day, one.publication] = (one.index, each)
        if fresh:
            detail = {"publication": one.publication, "days": len(sets)}
            self.trail.put("index.risk_measured", by=by, target=f"index:{one.index}", detail=detail)
            self.log.put(RiskMeasured(index=int(one.index), publication=one.publication))

    async def newest(
        self, index: IndexId, *, limit: int, before: tuple[date, int] | None = None
    ) -> list[RiskSet]:
        places = sorted((place for place in self.sets if before is None or place < before), reverse=True)
        return [self.sets[place][1] for place in places if self.sets[place][0] == index][:limit]
