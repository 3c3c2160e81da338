"""Every store twice: in memory and in PostgreSQL, behind the same ports."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.fakes.audit_trail import FakeAuditTrail
from tests.fakes.indexes import FakeBuildStore, FakeIndexStore
from tests.fakes.market import FakeMarket
from tests.fakes.outbox import FakeOutbox

from waardhaven.adapters.outbound.clock import SystemClock
from waardhaven.adapters.outbound.postgres.audit_trail import PostgresAuditTrail
from waardhaven.adapters.outbound.postgres.builds import PostgresBuildStore
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.facts import PostgresMarketFacts
from waardhaven.adapters.outbound.postgres.indexes import PostgresIndexStore
from waardhaven.adapters.outbound.postgres.outbox import PostgresOutbox
from waardhaven.adapters.outbound.postgres.prices import PostgresPriceStore
from waardhaven.adapters.outbound.postgres.reference import PostgresReferenceStore
from waardhaven.adapters.outbound.security.pseudonyms import KeyedPseudonyms
from waardhaven.application.ports.audit_trail import AuditFilter, AuditTrail
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.market_facts import MarketFacts
from waardhaven.application.ports.outbox import Outbox
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.audit import AuditEntry

PSEUDONYMS = KeyedPseudonyms("a key for tests only, of 32 letters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores over one empty state, fake or real."""

    prices: PriceStore
    reference: ReferenceStore
    facts: MarketFacts
    indexes: IndexStore
    builds: BuildStore
    outbox: Outbox
    trail: AuditTrail

    async def vintage(self) -> int:
        """Return the newest vintage, 0 in an empty store."""
        point = await self.reference.latest_vintage()
        return 0 if point is None else point.id

    async def kinds(self) -> list[str]:
        """Return the kinds of all events so far."""
        return [one.kind for one in await self.outbox.pending(limit=1_000)]

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
        indexes=PostgresIndexStore(database, PSEUDONYMS),
        builds=PostgresBuildStore(database, PSEUDONYMS),
        outbox=PostgresOutbox(database),
        trail=PostgresAuditTrail(database),
    )
    await database.close()


def fake_stores() -> Stores:
    outbox, trail = FakeOutbox(), FakeAuditTrail()
    market = FakeMarket(outbox, trail)
    return Stores(
        prices=market,
        reference=market,
        facts=market,
        indexes=FakeIndexStore(outbox, trail=trail),
        builds=FakeBuildStore(outbox, SystemClock(), trail=trail),
        outbox=outbox,
        trail=trail,
    )
