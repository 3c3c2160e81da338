"""Bring foreign-exchange rates up to date, from every source that is set up."""

from dataclasses import dataclass
from datetime import date, timedelta

from waardhaven.application.market.refresh_rules import RefreshMode, RefreshRules
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.fx_rates import FxRates, FxSources
from waardhaven.application.ports.market_facts import MarketFacts
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import WaardhavenError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.currency import CURRENCIES
from waardhaven.domain.types import as_date


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesFate:
    """What became of the rates of one source; ``error`` None: all went well. ``through``: the newest day."""

    source: str
    fixing: str
    inserted: int = 0
    changed: int = 0
    unchanged: int = 0
    through: date | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RefreshRates:
    """Bring rates up to date. A source that fails is named and takes no other with it. Idempotent."""

    sources: FxSources
    reference: ReferenceStore
    facts: MarketFacts
    clock: Clock
    rules: RefreshRules

    async def __call__(self, by: Principal, *, mode: RefreshMode) -> tuple[RatesFate, ...]:
        """Return what became of each source's rates."""
        by.require(Permission.OPERATE)
        return tuple([await self._refreshed(one, mode) for one in self.sources.sources])

    async def _refreshed(self, source: FxRates, mode: RefreshMode) -> RatesFate:
        known = RatesFate(source=source.name, fixing=source.fixing)
        try:
            start = None if mode is RefreshMode.FULL else await self._start(source)
            found = await source.rates(start=start)
            report = await self.facts.write_fx([one for one in found if len(one.day)])
        except WaardhavenError as error:
            return RatesFate(source=known.source, fixing=known.fixing, error=error.message)
        return RatesFate(
            source=known.source,
            fixing=known.fixing,
            inserted=report.inserted,
            changed=report.changed,
            unchanged=report.unchanged,
            through=max((as_date(one.day[-1]) for one in found if len(one.day)), default=None),
        )

    async def _start(self, source: FxRates) -> date | None:
        """Return the last day known of the fixing less what may be revised, None when nothing is."""
        recent = self.clock.now().date() - timedelta(days=365)
        known = await self.reference.fx(tuple(CURRENCIES), fixing=source.fixing, start=recent)
        if not len(known.day):
            return None
        return as_date(known.day.max()) - timedelta(days=self.rules.revisable_days)
