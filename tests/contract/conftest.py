"""Every store twice: in memory and in PostgreSQL, behind the same ports."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.contract.jobs import JobHouse, a_house
from tests.fakes.audit_trail import FakeAuditTrail
from tests.fakes.event_log import FakeEventLog
from tests.fakes.indexes import FakeBuildStore, FakeIndexStore
from tests.fakes.market import FakeMarket
from tests.fakes.price_imports import FakePriceImports
from tests.fakes.quality_flags import FakeQualityFlags
from tests.fakes.risk import FakeRiskStore, FakeTrialLog

from waardhaven.adapters.outbound.clock import SystemClock
from waardhaven.adapters.outbound.postgres.audit_trail import PostgresAuditTrail
from waardhaven.adapters.outbound.postgres.builds import PostgresBuildStore
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.event_log import PostgresEventLog
from waardhaven.adapters.outbound.postgres.facts import PostgresMarketFacts
from waardhaven.adapters.outbound.postgres.imports import PostgresPriceImports
from waardhaven.adapters.outbound.postgres.indexes import PostgresIndexStore
from waardhaven.adapters.outbound.postgres.prices import PostgresPriceStore
from waardhaven.adapters.outbound.postgres.quality import PostgresQualityFlags
from waardhaven.adapters.outbound.postgres.reference import PostgresReferenceStore
from waardhaven.adapters.outbound.postgres.risk_sets import PostgresRiskStore
from waardhaven.adapters.outbound.postgres.trials import PostgresTrialLog
from waardhaven.adapters.outbound.security.pseudonyms import KeyedPseudonyms
from waardhaven.application.ports.audit_trail import AuditFilter, AuditTrail
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.event_log import EventLog
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.market_facts import MarketFacts
from waardhaven.application.ports.price_imports import PriceImports
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.quality_flags import QualityFlags
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.ports.risk_store import RiskStore
from waardhaven.application.ports.trial_log import TrialLog
from waardhaven.domain.events import FactsCommitted
from waardhaven.domain.identity.audit import AuditEntry

PSEUDONYMS = KeyedPseudonyms("a key for tests only, of 32 letters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores over one empty state, fake or real."""

    prices: PriceStore
    reference: ReferenceStore
    facts: MarketFacts
    imports: PriceImports
    quality: QualityFlags
    indexes: IndexStore
    builds: BuildStore
    risk: RiskStore
    trials: TrialLog
    events: EventLog
    trail: AuditTrail

    async def vintage(self) -> int:
        """Return the newest vintage, 0 in an empty store."""
        point = await self.reference.latest_vintage()
        return 0 if point is None else point.id

    async def kinds(self) -> list[str]:
        """Return the kinds of all events so far."""
        await self.events.head()
        return [one.kind for one in await self.events.since(0, limit=1_000)]

    async def facts_told(self) -> list[object]:
        """Return what facts were told of so far, by the names of their kinds."""
        await self.events.head()
        found = await self.events.since(0, limit=1_000)
        return [one.payload["what"] for one in found if one.kind == FactsCommitted.kind]

    async def recorded(self, action: str) -> list[AuditEntry]:
        """Return the entries of the audit trail about an action, oldest first."""
        found = await self.trail.page(AuditFilter(action=action), limit=1_000)
        return [one.entry for one in reversed(found)]


@pytest.fixture(params=["fake", "postgres"])
def backing_url(request: pytest.FixtureRequest) -> str | None:
    """None for the fakes, else the address of a fresh database."""
    return None if request.param == "fake" else str(request.getfixturevalue("database_url"))


@pytest.fixture
async def stores(backing_url: str | None) -> AsyncIterator[Stores]:
    if backing_url is None:
        yield fake_stores()
        return
    database = Database(backing_url)
    yield Stores(
        prices=PostgresPriceStore(database),
        reference=PostgresReferenceStore(database),
        facts=PostgresMarketFacts(database),
        imports=PostgresPriceImports(database),
        quality=PostgresQualityFlags(database),
        indexes=PostgresIndexStore(database, PSEUDONYMS),
        builds=PostgresBuildStore(database, PSEUDONYMS),
        risk=PostgresRiskStore(database),
        trials=PostgresTrialLog(database),
        events=PostgresEventLog(database),
        trail=PostgresAuditTrail(database),
    )
    await database.close()


def fake_stores() -> Stores:
    log, trail = FakeEventLog(clock=SystemClock()), FakeAuditTrail()
    market = FakeMarket(log, trail, FakePriceImports(trail))
    indexes = FakeIndexStore(log, trail=trail)
    log.access_of_index = indexes.access_of
    clock = SystemClock()
    trials, risk = FakeTrialLog(clock, log=log, trail=trail), FakeRiskStore(log, clock, trail)
    return Stores(
        prices=market,
        reference=market,
        facts=market,
        imports=market.imports,
        quality=FakeQualityFlags(market),
        indexes=indexes,
        builds=FakeBuildStore(log, clock, trail=trail, indexes=indexes, trials=trials, risk=risk),
        risk=risk,
        trials=trials,
        events=log,
        trail=trail,
    )


@pytest.fixture
async def jobs(backing_url: str | None) -> AsyncIterator[JobHouse]:
    """Jobs, events, schedules and workers over an empty state."""
    async with a_house(backing_url) as made:
        yield made
