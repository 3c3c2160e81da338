"""Settings: one frozen object, read once from the environment.

Every name is the upper-case form of its field; every secret may also be given as ``NAME_FILE``, a
file that holds it. A malformed value stops the start with one line for each setting at fault.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from platformdirs import user_data_path

from waardhaven.adapters.outbound.http_session.addresses import is_loopback_host
from waardhaven.adapters.outbound.postgres.engine import InvalidDatabaseUrl, parse_url
from waardhaven.adapters.outbound.security.keys import MIN_SECRET, pem_keys
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.market.asset import InvalidSymbol, SymbolRef

Secret = Annotated[str, Meta(min_length=32)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
CacheSeconds = Annotated[int, Meta(ge=60, le=3600)]
Port = Annotated[int, Meta(ge=0, le=65_535)]

SECRETS = frozenset(
    {
        "database_url",
        "redis_url",
        "secret_key",
        "previous_secret_keys",
        "token_private_key",
        "token_previous_keys",
        "admin_token",
        "metrics_token",
        "twelvedata_api_key",
        "eodhd_api_key",
        "marketaux_api_key",
        "github_client_secret",
        "oidc_client_secret",
        "smtp_url",
    }
)
TOGETHER = (
    ("oidc_issuer", "oidc_client_id"),
    ("oidc_client_id", "oidc_issuer"),
    ("oidc_client_secret", "oidc_client_id"),
    ("github_client_id", "github_client_secret"),
    ("github_client_secret", "github_client_id"),
)
"""The first means nothing without the second."""
NETWORKS = ("trusted_proxies", "allowed_networks", "denied_networks", "admin_networks")
SCHEMES = {
    "database_url": ("postgresql://", "postgresql+asyncpg://", "postgres://"),
    "redis_url": ("redis://", "rediss://", "unix://"),
    "frontend_url": ("http://", "https://"),
    "oidc_issuer": ("https://", "http://"),
    "smtp_url": ("smtp://", "smtps://"),
    "twelvedata_url": ("https://", "http://"),
    "eodhd_url": ("https://", "http://"),
}


class InvalidSettings(Invalid):
    """Settings that break rules; ``errors`` names every one of them."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set. Times are seconds unless the name says otherwise.

    ``database_url`` and ``redis_url`` unset: a private PostgreSQL and Valkey are started. The pool
    defaults to 20 + 40 connections, 5 + 10 a process on the private server.
    """

    host: str = "127.0.0.1"
    port: Port = 8000
    data_dir: Path = msgspec.field(default_factory=lambda: user_data_path("waardhaven"))
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    debug: bool = False

    database_url: str | None = None
    database_pool_size: Count | None = None
    database_max_overflow: Annotated[int, Meta(ge=0)] | None = None
    database_pool_recycle: Seconds = 3600.0
    database_pool_timeout: Seconds = 10.0
    database_connect_timeout: Seconds = 5.0
    database_command_timeout: Seconds = 120.0
    redis_url: str | None = None
    redis_timeout: Seconds = 0.25
    connect_tries: Count = 30
    shutdown_timeout: Seconds = 5.0

    job_lease_seconds: Annotated[float, Meta(ge=0.5, le=300)] = 10.0
    job_grace_seconds: Annotated[float, Meta(ge=0.1, le=300)] = 2.0
    worker_concurrency: Annotated[int, Meta(ge=1, le=1000)] = 10
    worker_drain_seconds: Annotated[float, Meta(ge=0, le=3600)] = 10.0
    compute_processes: Annotated[int, Meta(ge=1, le=64)] = 2
    compute_memory_mb: Annotated[int, Meta(ge=64, le=1 << 20)] = 1024
    compute_seconds: Seconds = 240.0
    model_processes: Annotated[int, Meta(ge=1, le=64)] = 2
    model_memory_mb: Annotated[int, Meta(ge=64, le=1 << 20)] = 512
    model_seconds: Seconds = 10.0
    models_waiting: Annotated[int, Meta(ge=0, le=1000)] = 4

    secret_key: Secret | None = None
    previous_secret_keys: str = ""
    token_private_key: str | None = None
    token_previous_keys: str | None = None
    admin_token: Secret | None = None
    metrics_token: Secret | None = None
    access_token_expire_minutes: Annotated[int, Meta(ge=1, le=1440)] = 15
    refresh_token_expire_days: Annotated[int, Meta(ge=1, le=365)] = 30
    email_verification: bool = True
    registration_open: bool = True
    google_client_id: str | None = None
    github_client_id: str | None = None
    github_client_secret: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = None

    frontend_url: str | None = None
    rate_limit_per_minute: Count = 100
    rate_limit_authenticated: Count = 1000
    trusted_proxies: str = ""
    allowed_networks: str = ""
    denied_networks: str = ""
    admin_networks: str = ""
    body_timeout: Seconds = 10.0
    request_timeout: Seconds = 30.0
    cache_ttl_seconds: Count = 3600

    twelvedata_api_key: str | None = None
    twelvedata_plan: Literal["free", "grow", "pro", "ultra", "enterprise"] = "free"
    twelvedata_rate_limit: Count | None = None
    twelvedata_url: str | None = None
    eodhd_api_key: str | None = None
    eodhd_url: str | None = None
    ecb_rates: str | None = None
    quote_cache_seconds: CacheSeconds = 60
    rate_cache_seconds: CacheSeconds = 300
    search_cache_seconds: CacheSeconds = 3600
    marketaux_api_key: str | None = None
    asset_universe: str = ""
    skip_startup_refresh: bool = False

    smtp_url: str | None = None
    mail_from: str | None = None

    @property
    def former_secrets(self) -> tuple[str, ...]:
        """Secret keys that still open what they sealed: one a line."""
        return _lines(self.previous_secret_keys)

    @property
    def embedded_database(self) -> bool:
        """Whether PostgreSQL is ours to start."""
        return self.database_url is None

    @property
    def embedded_cache(self) -> bool:
        """Whether Valkey is ours to start."""
        return self.redis_url is None


def listed(text: str) -> tuple[str, ...]:
    """Return the items of a comma-separated list."""
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _lines(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.splitlines() if one.strip())


def read_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Return the settings; raise InvalidSettings naming every setting at fault.

    An empty value counts as not set. ``overrides`` (from the command line) win over the environment.
    """
    errors: list[FieldError] = []
    values: dict[str, object] = {}
    types = get_type_hints(Settings, include_extras=True)
    for name in Settings.__struct_fields__:
        text = _text(environ, name, errors)
        if text is None:
            continue
        try:
            values[name] = msgspec.convert(text, types[name], strict=False, dec_hook=_path)
        except msgspec.ValidationError as error:
            errors.append(FieldError(field=name.upper(), rule=_rule(error)))
    values |= {name: value for name, value in overrides.items() if value is not None}
    errors.extend(_text_errors(values))
    errors.extend(_key_errors(values))
    errors.extend(_sign_in_errors(values, {one.field for one in errors}))
    errors.extend(_market_errors(values))
    if errors:
        lines = "; ".join(f"{one.field}: {one.rule}" for one in errors)
        raise InvalidSettings(f"Settings are not valid. {lines}.", errors=errors)
    return Settings(**values)  # type: ignore[arg-type]


def _text(environ: Mapping[str, str], name: str, errors: list[FieldError]) -> str | None:
    key = name.upper()
    text, file = environ.get(key), environ.get(f"{key}_FILE") if name in SECRETS else None
    if text and file:
        errors.append(FieldError(field=key, rule=f"is set twice, also by {key}_FILE"))
        return None
    if file:
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            errors.append(FieldError(field=f"{key}_FILE", rule=f"can not be read ({type(error).__name__})"))
            return None
    return text or None


def _path(kind: type, value: object) -> object:
    return kind(value)


def _rule(error: msgspec.ValidationError) -> str:
    """Return msgspec's sentence without ever repeating the value."""
    return str(error).removesuffix(".")


def _text_errors(values: Mapping[str, object]) -> Iterator[FieldError]:
    for name, schemes in SCHEMES.items():
        value = values.get(name)
        if isinstance(value, str) and not value.startswith(schemes):
            yield FieldError(field=name.upper(), rule=f"must start with {' or '.join(schemes)}")
        elif isinstance(value, str) and not _is_address(name, value):
            yield FieldError(field=name.upper(), rule="is not a complete address")
    for name in NETWORKS:
        for part in listed(str(values.get(name, ""))):
            if not _is_network(part):
                yield FieldError(field=name.upper(), rule="must be networks such as 10.0.0.0/8, by commas")


def _key_errors(values: Mapping[str, object]) -> Iterator[FieldError]:
    former = _lines(str(values.get("previous_secret_keys", "")))
    if any(len(one) < MIN_SECRET for one in former):
        yield FieldError(field="PREVIOUS_SECRET_KEYS", rule="each must have at least 32 characters")
    for name in ("token_private_key", "token_previous_keys"):
        text = values.get(name)
        try:
            keys = pem_keys(text) if isinstance(text, str) else []
        except ValueError as error:
            yield FieldError(field=name.upper(), rule=str(error))
            continue
        if name == "token_private_key" and keys and keys[0].sign is None:
            yield FieldError(field=name.upper(), rule="must be a private key")


def _sign_in_errors(values: Mapping[str, object], broken: set[str]) -> Iterator[FieldError]:
    for name, other in TOGETHER:
        known = values.get(other) or broken & {other.upper(), f"{other.upper()}_FILE"}
        if values.get(name) and not known:
            yield FieldError(field=other.upper(), rule=f"must be set together with {name.upper()}")
    issuer = values.get("oidc_issuer")
    if isinstance(issuer, str) and "OIDC_ISSUER" not in broken and not _is_issuer(issuer):
        rule = "must be https:// (http:// on this machine only) without user, query and fragment"
        yield FieldError(field="OIDC_ISSUER", rule=rule)


def _market_errors(values: Mapping[str, object]) -> Iterator[FieldError]:
    for text in listed(str(values.get("asset_universe", ""))):
        try:
            SymbolRef.parse(text)
        except InvalidSymbol:
            rule = f"must be symbols as SYM or SYM:MIC, by commas; {text[:40]!r} is none"
            yield FieldError(field="ASSET_UNIVERSE", rule=rule)
    for name in ("ecb_rates", "twelvedata_url", "eodhd_url"):
        place = values.get(name)
        if isinstance(place, str) and place.startswith(("http://", "https://")) and not _is_issuer(place):
            yield FieldError(field=name.upper(), rule="must be https:// (http:// on this machine only)")


def _is_issuer(text: str) -> bool:
    """Tell whether sign-in may depend on an issuer: OpenID Connect Core §2 asks for https."""
    parts = urlsplit(text)
    safe = parts.scheme == "https" or is_loopback_host(parts.hostname or "")
    return safe and text.isascii() and not set("@?#\\ ") & set(text)


def _is_address(name: str, text: str) -> bool:
    try:
        if name == "database_url":
            return bool(parse_url(text).database)
        parts = urlsplit(text)
        return bool(parts.path if parts.scheme == "unix" else parts.hostname) and parts.port != 0
    except (InvalidDatabaseUrl, ValueError):
        return False


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
