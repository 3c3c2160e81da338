"""PostgreSQL's providers. Needs a DatabaseUrl, PoolSettings and a TokenLifetime from outside."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NewType

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.postgres.archive import PostgresArchive
from waardhaven.adapters.outbound.postgres.audit_trail import PostgresAuditTrail
from waardhaven.adapters.outbound.postgres.builds import PostgresBuildStore
from waardhaven.adapters.outbound.postgres.engine import Database, PoolSettings
from waardhaven.adapters.outbound.postgres.event_log import PostgresEventLog
from waardhaven.adapters.outbound.postgres.facts import PostgresMarketFacts
from waardhaven.adapters.outbound.postgres.generation import PostgresGeneration
from waardhaven.adapters.outbound.postgres.imports import PostgresPriceImports
from waardhaven.adapters.outbound.postgres.indexes import PostgresIndexStore
from waardhaven.adapters.outbound.postgres.job_ledger import PostgresJobLedger
from waardhaven.adapters.outbound.postgres.prices import PostgresPriceStore
from waardhaven.adapters.outbound.postgres.probe import PostgresProbe
from waardhaven.adapters.outbound.postgres.quality import PostgresQualityFlags
from waardhaven.adapters.outbound.postgres.reference import PostgresReferenceStore
from waardhaven.adapters.outbound.postgres.revocations import PostgresRevocations
from waardhaven.adapters.outbound.postgres.risk_sets import PostgresRiskStore
from waardhaven.adapters.outbound.postgres.statistics import PostgresReport
from waardhaven.adapters.outbound.postgres.trials import PostgresTrialLog
from waardhaven.adapters.outbound.postgres.unit_of_work import PostgresUnitOfWork
from waardhaven.adapters.outbound.postgres.workers import PostgresWorkers
from waardhaven.application.ports.archive import Archive
from waardhaven.application.ports.audit_trail import AuditTrail
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.event_log import EventLog
from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.jobs import JobLedger, Workers
from waardhaven.application.ports.market_facts import MarketFacts
from waardhaven.application.ports.price_imports import PriceImports
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.quality_flags import QualityFlags
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.ports.revocations import Revocations
from waardhaven.application.ports.risk_store import RiskStore
from waardhaven.application.ports.statistics import DatabaseReport
from waardhaven.application.ports.trial_log import TrialLog
from waardhaven.application.ports.unit_of_work import UnitOfWork

DatabaseUrl = NewType("DatabaseUrl", str)
TokenLifetime = NewType("TokenLifetime", timedelta)
"""How long an access token lives at most."""


class PostgresProvider(Provider):
    """One pool a process and the adapters over it."""

    scope = Scope.APP

    prices = provide(PostgresPriceStore, provides=PriceStore)
    facts = provide(PostgresMarketFacts, provides=MarketFacts)
    reference = provide(PostgresReferenceStore, provides=ReferenceStore)
    imports = provide(PostgresPriceImports, provides=PriceImports)
    quality = provide(PostgresQualityFlags, provides=QualityFlags)
    builds = provide(PostgresBuildStore, provides=BuildStore)
    indexes = provide(PostgresIndexStore, provides=IndexStore)
    risk = provide(PostgresRiskStore, provides=RiskStore)
    trials = provide(PostgresTrialLog, provides=TrialLog)
    archive = provide(PostgresArchive, provides=Archive)
    report = provide(PostgresReport, provides=DatabaseReport)
    workers = provide(PostgresWorkers, provides=Workers)
    trail = provide(PostgresAuditTrail, provides=AuditTrail)
    uow = provide(PostgresUnitOfWork, provides=UnitOfWork)

    @provide
    async def database(self, url: DatabaseUrl, pool: PoolSettings) -> AsyncIterator[Database]:
        """Open the pool; it connects on first use."""
        database = Database(url, pool)
        yield database
        await database.close()

    @provide
    async def generation(self, database: Database) -> AsyncIterator[Generation]:
        """Listen for commits as long as the process lives."""
        generation = PostgresGeneration(database)
        await generation.start()
        yield generation
        await generation.stop()

    @provide
    async def events(self, database: Database) -> AsyncIterator[EventLog]:
        """Lend the events; listening begins with the first who wants notices."""
        events = PostgresEventLog(database)
        yield events
        await events.stop()

    @provide
    async def ledger(self, database: Database) -> AsyncIterator[JobLedger]:
        """Lend the jobs of workers; what was asked is finished before the pool closes."""
        ledger = PostgresJobLedger(database)
        yield ledger
        await ledger.close()

    @provide
    async def revocations(self, database: Database, lifetime: TokenLifetime) -> AsyncIterator[Revocations]:
        """Listen for ended sessions as long as the process lives."""
        revocations = PostgresRevocations(database, lifetime=lifetime)
        await revocations.start()
        yield revocations
        await revocations.stop()

    @provide
    def probe(self, database: Database) -> PostgresProbe:
        """Give the readiness probe."""
        return PostgresProbe(database)
