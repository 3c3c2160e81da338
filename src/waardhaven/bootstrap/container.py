"""The one composition root of HTTP, worker, command line and tests."""

import sys
from datetime import timedelta

from dishka import STRICT_VALIDATION, AsyncContainer, Provider, Scope, make_async_container, provide

import waardhaven
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.outbound.arq_queue.di import QueueProvider, QueueSettings
from waardhaven.adapters.outbound.clock import SystemClock
from waardhaven.adapters.outbound.market_data.di import MarketDataProvider
from waardhaven.adapters.outbound.postgres.di import DatabaseUrl, PostgresProvider
from waardhaven.adapters.outbound.postgres.engine import PoolSettings
from waardhaven.adapters.outbound.postgres.probe import PostgresProbe
from waardhaven.adapters.outbound.security.access_tokens import TokenSettings
from waardhaven.adapters.outbound.security.di import SecurityProvider
from waardhaven.adapters.outbound.security.passwords import Argon2Parameters
from waardhaven.adapters.outbound.valkey.di import ValkeyProvider, ValkeySettings
from waardhaven.adapters.outbound.valkey.probe import ValkeyProbe
from waardhaven.application import diagnostics, identity, indexes, jobs, market
from waardhaven.application.diagnostics.queries import Probes
from waardhaven.application.ports.clock import Clock
from waardhaven.bootstrap.code_version import code_version
from waardhaven.bootstrap.settings import InvalidSettings, Settings
from waardhaven.domain.provenance import CodeVersion

USE_CASES = (
    *market.USE_CASES,
    *indexes.USE_CASES,
    *identity.USE_CASES,
    *diagnostics.USE_CASES,
    *jobs.USE_CASES,
)
EXTERNAL_POOL = (20, 40)


class SettingsProvider(Provider):
    """What adapters are told of the settings, and the values that belong to no adapter."""

    scope = Scope.APP

    def __init__(self, settings: Settings) -> None:
        """Hold the settings the container is made from."""
        super().__init__()
        self._settings = settings

    clock = provide(SystemClock, provides=Clock)

    @provide
    def settings(self) -> Settings:
        """Give the settings themselves."""
        return self._settings

    @provide
    def code(self) -> CodeVersion:
        """Give the version of the running code."""
        return code_version()

    @provide
    def database_url(self) -> DatabaseUrl:
        """Give the address of the database."""
        if self._settings.database_url is None:
            raise InvalidSettings("DATABASE_URL is not set and no private server runs.")
        return DatabaseUrl(self._settings.database_url)

    @provide
    def pool(self) -> PoolSettings:
        """Give the bounds of the pool."""
        return pool_settings(self._settings)

    @provide
    def valkey(self) -> ValkeySettings:
        """Give the address of Valkey."""
        if self._settings.redis_url is None:
            raise InvalidSettings("REDIS_URL is not set and no private server runs.")
        return ValkeySettings(url=self._settings.redis_url, timeout_seconds=self._settings.redis_timeout)

    @provide
    def queue(self, valkey: ValkeySettings) -> QueueSettings:
        """Give the queue the same Valkey."""
        return QueueSettings(url=valkey.url)

    @provide
    def tokens(self) -> TokenSettings:
        """Give what access tokens are signed with."""
        if self._settings.secret_key is None:
            raise InvalidSettings("SECRET_KEY is not set. Set it to at least 32 random characters.")
        return TokenSettings(
            secret=self._settings.secret_key,
            lifetime=timedelta(minutes=self._settings.access_token_expire_minutes),
        )

    @provide
    def passwords(self) -> Argon2Parameters:
        """Give the cost of password hashes."""
        return Argon2Parameters()

    @provide
    def http(self) -> HttpConfig:
        """Give the HTTP adapter its settings."""
        return HttpConfig(
            version=waardhaven.__version__,
            frontend_url=self._settings.frontend_url,
            metrics_token=self._settings.metrics_token,
            cache_ttl_seconds=self._settings.cache_ttl_seconds,
            access_log_stream=sys.stderr if self._settings.log_level in {"DEBUG", "INFO"} else None,
        )

    @provide
    def probes(self, postgres: PostgresProbe, valkey: ValkeyProbe) -> Probes:
        """Give everything readiness asks."""
        return Probes((postgres, valkey))


class UseCaseProvider(Provider):
    """Every use case, made anew for each request."""

    scope = Scope.REQUEST

    def __init__(self) -> None:
        """Provide the use cases each area lists."""
        super().__init__()
        self.provide_all(*USE_CASES)


def pool_settings(settings: Settings) -> PoolSettings:
    """Return the pool of one process."""
    size, overflow = EXTERNAL_POOL
    return PoolSettings(
        size=settings.database_pool_size or size,
        overflow=overflow if settings.database_max_overflow is None else settings.database_max_overflow,
        recycle=int(settings.database_pool_recycle),
        checkout_timeout=settings.database_pool_timeout,
        connect_timeout=settings.database_connect_timeout,
        command_timeout=settings.database_command_timeout,
    )


def make_container(settings: Settings, *overrides: Provider) -> AsyncContainer:
    """Return the container; ``overrides`` replace ports with ``override=True`` (tests)."""
    return make_async_container(
        SettingsProvider(settings),
        PostgresProvider(),
        ValkeyProvider(),
        QueueProvider(),
        MarketDataProvider(),
        SecurityProvider(),
        UseCaseProvider(),
        *overrides,
        validation_settings=STRICT_VALIDATION,
    )
