"""The one composition root of HTTP, worker, command line and tests."""

from dishka import STRICT_VALIDATION, AsyncContainer, Provider, Scope, make_async_container

from waardhaven.adapters.outbound.arq_queue.di import QueueProvider
from waardhaven.adapters.outbound.audit_files.di import AuditFilesProvider
from waardhaven.adapters.outbound.compute_pool.di import ThreadPoolProvider
from waardhaven.adapters.outbound.files.di import FilesProvider
from waardhaven.adapters.outbound.http_session.di import HttpSessionProvider
from waardhaven.adapters.outbound.identity_providers.di import IdentityProvidersProvider
from waardhaven.adapters.outbound.market_data.di import MarketDataProvider
from waardhaven.adapters.outbound.notify.di import NotifyProvider
from waardhaven.adapters.outbound.postgres.di import PostgresProvider
from waardhaven.adapters.outbound.security.di import SecurityProvider
from waardhaven.adapters.outbound.valkey.di import ValkeyProvider
from waardhaven.application import (
    audit,
    diagnostics,
    identity,
    indexes,
    jobs,
    market,
    metrics,
    pricing,
    quant,
)
from waardhaven.bootstrap.settings import Settings
from waardhaven.bootstrap.settings_provider import SettingsProvider

USE_CASES = (
    *pricing.USE_CASES,
    *market.USE_CASES,
    *indexes.USE_CASES,
    *metrics.USE_CASES,
    *quant.USE_CASES,
    *identity.USE_CASES,
    *diagnostics.USE_CASES,
    *audit.USE_CASES,
    *jobs.USE_CASES,
)


class UseCaseProvider(Provider):
    """Every use case, made anew for each request."""

    scope = Scope.REQUEST

    def __init__(self) -> None:
        """Provide the use cases each area lists."""
        super().__init__()
        self.provide_all(*USE_CASES, *identity.SERVICES, *indexes.SERVICES)


def make_container(settings: Settings, *overrides: Provider) -> AsyncContainer:
    """Return the container; ``overrides`` replace ports with ``override=True`` (tests)."""
    return make_async_container(
        SettingsProvider(settings),
        PostgresProvider(),
        ValkeyProvider(),
        QueueProvider(),
        ThreadPoolProvider(),
        AuditFilesProvider(),
        FilesProvider(),
        MarketDataProvider(),
        NotifyProvider(),
        SecurityProvider(),
        HttpSessionProvider(),
        IdentityProvidersProvider(),
        UseCaseProvider(),
        *overrides,
        validation_settings=STRICT_VALIDATION,
    )
