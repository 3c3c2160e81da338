"""What the settings mean to each part: one value for every adapter and use case that needs to be told."""

import hmac
import sys
from datetime import timedelta
from urllib.parse import urlsplit

from dishka import Provider, Scope, provide

import waardhaven
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.outbound.arq_queue.di import QueueSettings
from waardhaven.adapters.outbound.audit_files.di import HeadFile
from waardhaven.adapters.outbound.clock import SystemClock
from waardhaven.adapters.outbound.compute_pool.pools import ComputeSettings, ModelSettings
from waardhaven.adapters.outbound.files.di import FileRoot
from waardhaven.adapters.outbound.http_session.addresses import Reach, is_loopback_host
from waardhaven.adapters.outbound.identity_providers.registry import ProviderSettings
from waardhaven.adapters.outbound.market_data.cached import KeepFor
from waardhaven.adapters.outbound.market_data.registry import MarketSettings
from waardhaven.adapters.outbound.notify.di import NotifySettings
from waardhaven.adapters.outbound.postgres.di import DatabaseUrl, TokenLifetime
from waardhaven.adapters.outbound.postgres.engine import PoolSettings
from waardhaven.adapters.outbound.postgres.probe import PostgresProbe
from waardhaven.adapters.outbound.security.access_tokens import TokenSettings
from waardhaven.adapters.outbound.security.di import PseudonymKey
from waardhaven.adapters.outbound.security.passwords import Argon2Parameters
from waardhaven.adapters.outbound.security.sealing import SealingSettings
from waardhaven.adapters.outbound.valkey.di import ValkeySettings
from waardhaven.adapters.outbound.valkey.probe import ValkeyProbe
from waardhaven.application.diagnostics.queries import Probes
from waardhaven.application.identity.authenticate import Authenticate, BreakGlass
from waardhaven.application.identity.mails import Links
from waardhaven.application.identity.signing_in import SessionRules
from waardhaven.application.identity.verification import VerificationRule
from waardhaven.application.jobs.registry import JOBS
from waardhaven.application.jobs.rules import JobRules
from waardhaven.application.jobs.specs import JobTypes
from waardhaven.application.market.refresh_rules import RefreshRules
from waardhaven.application.ports.clock import Clock
from waardhaven.bootstrap.code_version import code_version
from waardhaven.bootstrap.redaction import RedactedStream
from waardhaven.bootstrap.settings import InvalidSettings, Settings, listed
from waardhaven.domain.provenance import CodeVersion

EXTERNAL_POOL = (20, 40)
HEAD_FILE = "audit-heads.log"
FILES = "files"
ECB_ADDRESS = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"


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
    def job_rules(self) -> JobRules:
        """Give how patient the machinery of jobs is."""
        return JobRules(
            lease=timedelta(seconds=self._settings.job_lease_seconds),
            grace=timedelta(seconds=self._settings.job_grace_seconds),
        )

    @provide
    def compute(self) -> ComputeSettings:
        """Give what computations may take."""
        return ComputeSettings(
            processes=self._settings.compute_processes,
            memory=self._settings.compute_memory_mb << 20,
            seconds=self._settings.compute_seconds,
        )

    @provide
    def models(self) -> ModelSettings:
        """Give what models may take whose callers wait."""
        return ModelSettings(
            processes=self._settings.model_processes,
            memory=self._settings.model_memory_mb << 20,
            seconds=self._settings.model_seconds,
            waiting=self._settings.models_waiting,
        )

    @provide
    def tokens(self) -> TokenSettings:
        """Give what access tokens are signed with."""
        return TokenSettings(
            secret=_secret_key(self._settings),
            previous=self._settings.former_secrets,
            private_key=self._settings.token_private_key,
            previous_keys=self._settings.token_previous_keys,
            lifetime=timedelta(minutes=self._settings.access_token_expire_minutes),
        )

    @provide
    def sealing(self) -> SealingSettings:
        """Give what leaves the house sealed its keys."""
        return SealingSettings(secret=_secret_key(self._settings), previous=self._settings.former_secrets)

    @provide
    def pseudonym_key(self) -> PseudonymKey:
        """Give what keyed digests of people are made with."""
        return PseudonymKey(_secret_key(self._settings))

    @provide
    def token_lifetime(self) -> TokenLifetime:
        """Give how long a revocation matters."""
        return TokenLifetime(timedelta(minutes=self._settings.access_token_expire_minutes))

    @provide
    def sessions(self) -> SessionRules:
        """Give how long a login lasts."""
        return SessionRules(lifetime=timedelta(days=self._settings.refresh_token_expire_days))

    @provide
    def verification(self) -> VerificationRule:
        """Give who may open an account, and whether its address has to be proved."""
        return VerificationRule(
            required=self._settings.email_verification, registration_open=self._settings.registration_open
        )

    @provide
    def links(self) -> Links:
        """Give where links in mails lead."""
        return Links(frontend_url=self._settings.frontend_url)

    @provide
    def break_glass(self) -> BreakGlass:
        """Give the token that opens everything."""
        return BreakGlass(token=self._settings.admin_token)

    @provide
    def notify(self) -> NotifySettings:
        """Give how people are told something."""
        return NotifySettings(
            folder=self._settings.data_dir / "mail",
            smtp_url=self._settings.smtp_url,
            sender=self._settings.mail_from or "waardhaven@localhost",
        )

    authenticate = provide(Authenticate)

    @provide
    def sign_ins(self) -> ProviderSettings:
        """Give what was registered with providers of identities."""
        return ProviderSettings(
            google_client_id=self._settings.google_client_id,
            oidc_issuer=self._settings.oidc_issuer,
            oidc_client_id=self._settings.oidc_client_id,
            oidc_client_secret=self._settings.oidc_client_secret,
            github_client_id=self._settings.github_client_id,
            github_client_secret=self._settings.github_client_secret,
        )

    @provide
    def head_file(self) -> HeadFile:
        """Give the file that exported heads of the audit chain are kept in."""
        return HeadFile(self._settings.data_dir / HEAD_FILE)

    @provide
    def files(self) -> FileRoot:
        """Give the directory that jobs leave files in."""
        return FileRoot(self._settings.data_dir / FILES)

    @provide
    def market(self) -> MarketSettings:
        """Give what was configured of sources of market data."""
        return market_settings(self._settings)

    @provide
    def refresh_rules(self) -> RefreshRules:
        """Give what a refresh covers."""
        return RefreshRules(universe=listed(self._settings.asset_universe))

    @provide
    def job_types(self) -> JobTypes:
        """Give the types of jobs there are."""
        return JobTypes(JOBS)

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
            access_log_stream=RedactedStream(sys.stderr)
            if self._settings.log_level in {"DEBUG", "INFO"}
            else None,
            rate_limit_per_minute=self._settings.rate_limit_per_minute,
            rate_limit_authenticated=self._settings.rate_limit_authenticated,
            allowed_networks=listed(self._settings.allowed_networks),
            denied_networks=listed(self._settings.denied_networks),
            admin_networks=listed(self._settings.admin_networks),
            body_timeout_seconds=self._settings.body_timeout,
            request_timeout_seconds=self._settings.request_timeout,
            csrf_keys=_csrf_keys(self._settings),
        )

    @provide
    def probes(self, postgres: PostgresProbe, valkey: ValkeyProbe) -> Probes:
        """Give everything readiness asks."""
        return Probes((postgres, valkey))


def _secret_key(settings: Settings) -> str:
    if settings.secret_key is None:
        raise InvalidSettings("SECRET_KEY is not set. Set it to at least 32 random characters.")
    return settings.secret_key


def market_settings(one: Settings) -> MarketSettings:
    """Return what settings mean to the sources of market data."""
    return MarketSettings(
        twelvedata_api_key=one.twelvedata_api_key,
        twelvedata_plan=one.twelvedata_plan,
        twelvedata_rate_limit=one.twelvedata_rate_limit,
        twelvedata_url=one.twelvedata_url,
        eodhd_api_key=one.eodhd_api_key,
        eodhd_url=one.eodhd_url,
        ecb_rates=_ecb_rates(one),
        patience_seconds=RefreshRules().deadline_seconds,
        reach=_provider_reach(one),
        keep=KeepFor(
            quotes=one.quote_cache_seconds,
            rates=one.rate_cache_seconds,
            searches=one.search_cache_seconds,
        ),
    )


def _ecb_rates(settings: Settings) -> str | None:
    """Return where the euro fixing is read from: beside a provider at the ECB, unless said otherwise."""
    if settings.ecb_rates not in (None, "ecb"):
        return settings.ecb_rates
    keyed = settings.twelvedata_api_key or settings.eodhd_api_key
    return ECB_ADDRESS if keyed or settings.ecb_rates == "ecb" else None


def _provider_reach(settings: Settings) -> Reach:
    """Return how far inside providers may be: beyond public addresses only where one was named here."""
    named = (settings.twelvedata_url, settings.eodhd_url, settings.ecb_rates)
    hosts = [urlsplit(one).hostname or "" for one in named if one]
    return Reach.LOOPBACK if any(is_loopback_host(one) for one in hosts) else Reach.PUBLIC


def _csrf_keys(settings: Settings) -> tuple[bytes, ...]:
    """Return keys that can do nothing but prove where a request comes from."""
    secrets = (_secret_key(settings), *settings.former_secrets)
    return tuple(hmac.digest(secret.encode(), b"waardhaven-csrf", "sha256") for secret in secrets)


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
