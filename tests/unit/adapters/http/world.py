"""An application over fakes: stub queries that count, real tokens, real use cases of identity."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from dishka import AsyncContainer, Provider, Scope, make_async_container
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from tests.fakes.audit_trail import FakeAuditTrail
from tests.fakes.cache import FakeCache
from tests.fakes.clock import FakeClock
from tests.fakes.failure_delays import FakeFailureDelays
from tests.fakes.file_store import FakeFileStore
from tests.fakes.generation import FakeGeneration
from tests.fakes.identity import FakeNotifier, FakePseudonyms
from tests.fakes.identity_provider import FakeIdentityProvider, FakeIdentityProviders
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.jobs import FakeJobLedger
from tests.fakes.quota import FakeQuotas
from tests.fakes.rate_limit import FakeRateLimiter
from tests.fakes.sealing import FakeSealing
from tests.fakes.security import TOKENS, FakePasswordHasher, FakePasswordStrength
from tests.fakes.statistics import FakeDatabaseReport, FakeSharedCacheReport
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.fakes.workers import FakeWorkers
from tests.unit.application.market_house import MarketHouse

from waardhaven.adapters.inbound.http.app import create_app
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.outbound.security.access_tokens import JwtAccessTokens
from waardhaven.application import diagnostics, market, pricing
from waardhaven.application.answers import Page, SeriesView
from waardhaven.application.audit.queries import ListAudit, ReadAuditHead
from waardhaven.application.audit.record_denials import RecordDenials
from waardhaven.application.diagnostics.queries import Probes
from waardhaven.application.identity import SERVICES, USE_CASES
from waardhaven.application.identity.authenticate import Authenticate
from waardhaven.application.identity.mails import Links
from waardhaven.application.identity.signing_in import SessionRules
from waardhaven.application.identity.verification import VerificationRule
from waardhaven.application.indexes import queries, strategy_queries
from waardhaven.application.indexes.views import (
    AllocationView,
    CurrencyView,
    CurrentView,
    IndexView,
    ProvenanceView,
    StrategyConfigView,
    StrategyView,
)
from waardhaven.application.jobs.background import ListActiveTasks, ReadTaskStatus
from waardhaven.application.jobs.manage_jobs import CancelJob, RequeueJob
from waardhaven.application.jobs.queries import ListJobs, ReadArtifact, ReadJob
from waardhaven.application.jobs.registry import JOBS
from waardhaven.application.jobs.schedules import ChangeSchedule, ListSchedules
from waardhaven.application.jobs.specs import JobTypes
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.ports.audit_trail import AuditTrail
from waardhaven.application.ports.cache import Cache
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.failure_delays import FailureDelays
from waardhaven.application.ports.file_store import FileStore
from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.health import DependencyHealth, Probe
from waardhaven.application.ports.identity_provider import IdentityProviders
from waardhaven.application.ports.job_queue import JobQueue
from waardhaven.application.ports.jobs import JobLedger, Workers
from waardhaven.application.ports.notifier import Notifier
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.application.ports.quota import Quotas
from waardhaven.application.ports.rate_limit import RateLimiter
from waardhaven.application.ports.sealing import Sealing
from waardhaven.application.ports.security import AccessTokens, InvalidToken, PasswordHasher, PasswordStrength
from waardhaven.application.ports.statistics import DatabaseReport, SharedCacheReport
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.identity.roles import Principal, Role
from waardhaven.domain.provenance import CodeVersion, Provenance
from waardhaven.domain.types import SessionId, UserId, Vintage

SOMEBODY = UserId(UUID(int=7))
SESSION = SessionId(UUID(int=8))
DAYS = 600
JOB_USE_CASES = (
    CancelJob,
    ChangeSchedule,
    ListActiveTasks,
    ListJobs,
    ListSchedules,
    ReadArtifact,
    ReadJob,
    ReadTaskStatus,
    RequeueJob,
    SubmitJob,
)


@dataclass
class FakeProbe(Probe):
    """Finds what it is told."""

    ready: bool = True
    required: bool = True

    async def check(self) -> DependencyHealth:
        return DependencyHealth(
            name="postgres", ready=self.ready, required=self.required, detail="", latency_ms=1.0
        )


@dataclass
class Stub:
    """Stands for one query: answers, counts, remembers what it was asked, fails when told to."""

    answer: Callable[[dict[str, Any]], Any]
    calls: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None
    before: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, by: object, **params: Any) -> Any:
        self.calls.append(params)
        if self.before is not None:
            await self.before()
        if self.error is not None:
            raise self.error
        return self.answer(params)


@dataclass
class FakeAuthenticate:
    """Believes access tokens, and whatever a test calls a credential; fails when told to."""

    tokens: JwtAccessTokens
    credentials: dict[str, Principal] = field(default_factory=dict)
    error: Exception | None = None
    hang: Callable[[str], Awaitable[Principal]] | None = None
    asked: list[str] = field(default_factory=list)

    def known(self, token: str) -> Principal | None:
        try:
            claims = self.tokens.read(token)
        except InvalidToken:
            return None
        return Principal(user=claims.user, role=claims.role, session=claims.session)

    async def __call__(self, token: str) -> Principal:
        self.asked.append(token)
        if self.hang is not None:
            return await self.hang(token)
        if self.error is not None:
            raise self.error
        found = self.credentials.get(token) or self.known(token)
        if found is None:
            raise InvalidToken("The access token is not valid.")
        return found


PROVENANCE = ProvenanceView(
    index="autoindex",
    build=str(UUID(int=3)),
    publication=1,
    published_at=datetime(2024, 6, 1, tzinfo=UTC),
    made_from=Provenance(
        definition_version=1,
        vintage=Vintage(9),
        vintage_at=datetime(2024, 6, 1, tzinfo=UTC),
        code=CodeVersion(package="0.1.0", digest="d", fingerprint="f"),
        input_hash="h",
    ),
    notes=(),
)


@dataclass
class World:
    """Everything a test may turn, and the application over it."""

    vendored: Path = Path("/nonexistent")
    config: dict[str, Any] = field(default_factory=dict)
    base: float = 100.0
    cache: FakeCache = field(default_factory=FakeCache)
    generation: FakeGeneration = field(default_factory=FakeGeneration)
    clock: FakeClock = field(default_factory=FakeClock)
    hasher: FakePasswordHasher = field(default_factory=FakePasswordHasher)
    uow: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)
    probe: FakeProbe = field(default_factory=FakeProbe)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    trail: FakeAuditTrail = field(default_factory=FakeAuditTrail)
    queue: FakeJobQueue = field(default_factory=FakeJobQueue)
    files: FakeFileStore = field(default_factory=FakeFileStore)
    database_report: FakeDatabaseReport = field(default_factory=FakeDatabaseReport)
    cache_report: FakeSharedCacheReport = field(default_factory=FakeSharedCacheReport)
    house: MarketHouse = field(default_factory=MarketHouse)
    proves: bool = False
    ports: dict[type, Any] = field(default_factory=dict)
    """Ports of the process that only some tests need."""
    asked: dict[type, Any] = field(default_factory=dict)
    """Queries that only some tests need."""

    def __post_init__(self) -> None:
        self.ledger = FakeJobLedger(self.uow)
        self.workers = FakeWorkers(self.clock)
        self.limiter = FakeRateLimiter(self.clock)
        self.quotas = FakeQuotas(self.clock)
        self.delays = FakeFailureDelays(self.clock)
        self.tokens = JwtAccessTokens(TOKENS, self.clock)
        self.sealing = FakeSealing(self.clock)
        self.google = FakeIdentityProvider("google", self.clock)
        self.github = FakeIdentityProvider("github", self.clock)
        self.providers = FakeIdentityProviders([self.google, self.github])
        self.authenticate = FakeAuthenticate(self.tokens)
        self.stubs: dict[type, Stub] = {
            queries.ReadHistory: Stub(self._history),
            queries.ReadAssetHistory: Stub(self._asset_history),
            queries.ReadCurrent: Stub(self._current),
            queries.ListCurrencies: Stub(lambda _: (CurrencyView(code="USD", name="US dollar"),)),
            queries.ListIndices: Stub(lambda _: Page(items=(_index("autoindex"),), next_cursor="autoindex")),
            queries.ViewIndex: Stub(lambda params: _index(params["slug"])),
            queries.ListBuilds: Stub(lambda _: Page(items=(), next_cursor=None)),
            strategy_queries.ListStrategies: Stub(
                lambda _: (StrategyView(name="equal", title="Equal", description="", parameters=()),)
            ),
            strategy_queries.ReadStrategyConfig: Stub(lambda _: _strategy()),
        }
        self.app: Litestar = create_app(
            self.container(),
            HttpConfig(version="0.1.0", vendored=self.vendored, **{"quiet_seconds": 0.0, **self.config}),
        )

    def container(self) -> AsyncContainer:
        provider = Provider(scope=Scope.APP)
        for port, fake in {
            Cache: self.cache,
            Generation: self.generation,
            Clock: self.clock,
            PasswordHasher: self.hasher,
            UnitOfWork: self.uow,
            AccessTokens: self.tokens,
            RateLimiter: self.limiter,
            Quotas: self.quotas,
            FailureDelays: self.delays,
            Authenticate: self.authenticate,
            PasswordStrength: FakePasswordStrength(),
            Sealing: self.sealing,
            Notifier: self.notifier,
            AuditTrail: self.trail,
            Pseudonyms: FakePseudonyms(),
            IdentityProviders: self.providers,
            Links: Links(frontend_url=None),
            SessionRules: SessionRules(),
            VerificationRule: VerificationRule(required=self.proves),
            Probes: Probes((self.probe,)),
            JobLedger: self.ledger,
            JobQueue: self.queue,
            JobTypes: JobTypes(JOBS),
            FileStore: self.files,
            Workers: self.workers,
            DatabaseReport: self.database_report,
            SharedCacheReport: self.cache_report,
            **self.house.ports(),
            **self.ports,
        }.items():
            provider.provide(_returning(fake), provides=port)
        asking = Provider(scope=Scope.REQUEST)
        asking.provide_all(*USE_CASES, *SERVICES, *diagnostics.USE_CASES, *JOB_USE_CASES)
        asking.provide_all(*market.USE_CASES, *pricing.USE_CASES)
        asking.provide_all(ListAudit, ReadAuditHead, RecordDenials)
        for query, stub in (self.stubs | self.asked).items():
            asking.provide(_returning(stub), provides=query)
        return make_async_container(provider, asking)

    @asynccontextmanager
    async def client(self, address: str = "203.0.113.9") -> AsyncIterator[AsyncClient]:
        """Open a client in this very event loop, with the application started."""
        transport = ASGITransport(self.app, raise_app_exceptions=False, client=(address, 50_000))
        started, stop = asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(self._run(started, stop))
        await started.wait()
        async with AsyncClient(transport=transport, base_url="http://here") as opened:
            yield opened
        stop.set()
        await running

    async def _run(self, started: asyncio.Event, stop: asyncio.Event) -> None:
        """Live in one task from start to end, as under a server."""
        async with self.app.lifespan():
            started.set()
            await stop.wait()

    def bearer(self, role: Role = Role.VIEWER, user: UserId = SOMEBODY) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.issue(user, role, session=SESSION, version=1).value}"}

    def credential(self, principal: Principal) -> dict[str, str]:
        """Return the header of a credential other than an access token."""
        token = f"credential-{len(self.authenticate.credentials)}"
        self.authenticate.credentials[token] = principal
        return {"Authorization": f"Bearer {token}"}

    def stub(self, query: type) -> Stub:
        return self.stubs[query]

    def _history(self, params: dict[str, Any]) -> SeriesView:
        days = np.arange(DAYS).astype("datetime64[D]")
        values = self.base + np.arange(DAYS, dtype=np.float64)
        values[1] = np.nan
        return SeriesView(
            columns={"dates": days, "values": values},
            head={
                "index": params["slug"],
                "name": "An index",
                "currency": params["currency"] or "USD",
                "base_date": date(1970, 1, 1),
                "base_value": 100.0,
                "provenance": PROVENANCE,
            },
        )

    def _asset_history(self, params: dict[str, Any]) -> SeriesView:
        days = np.arange(3).astype("datetime64[D]")
        close = np.array([50.0, np.inf, 55.0])
        return SeriesView(
            columns={"dates": days, "values": 2 * close, "close": close},
            head={
                "symbol": params["symbol"],
                "mic": "XNAS",
                "name": "An asset",
                "currency": "USD",
                "source": "sample",
                "adjustment": "all",
                "vintage": 9,
            },
        )

    def _current(self, params: dict[str, Any]) -> CurrentView:
        return CurrentView(
            date=date(2024, 6, 3),
            level=self.base,
            currency="USD",
            effective=date(2024, 6, 3),
            selection=date(2024, 5, 31),
            allocations=(
                AllocationView(
                    symbol="AAPL",
                    name="Apple",
                    sector=None,
                    weight=1.0,
                    units=0.5,
                    daily_return=None,
                    ytd_return=0.1,
                ),
            ),
            total_assets=1,
            provenance=PROVENANCE,
        )


def _returning(value: Any) -> Callable[[], Any]:
    return lambda: value


def _index(slug: str) -> IndexView:
    return IndexView(
        slug=slug,
        name=slug,
        description="",
        currency="USD",
        base_date=date(2020, 1, 2),
        base_value=100.0,
        benchmark=None,
        version=1,
        visibility="public",
        first_day=None,
        last_day=None,
        level=None,
    )


def _strategy() -> StrategyConfigView:
    return StrategyConfigView(
        momentum_weight=0.4,
        market_cap_weight=0.3,
        risk_parity_weight=0.3,
        min_price_threshold=1.0,
        max_daily_return=0.5,
        min_daily_return=-0.5,
        max_forward_fill_days=2,
        outlier_std_threshold=3.0,
        rebalance_frequency="weekly",
        daily_drop_threshold=-0.05,
        version=1,
        last_rebalance=None,
        updated_at=datetime(2024, 6, 1, tzinfo=UTC),
        notes=(),
    )
