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

from waardhaven.adapters.outbound.postgres.engine import InvalidDatabaseUrl, parse_url
from waardhaven.domain.errors import FieldError, Invalid

Secret = Annotated[str, Meta(min_length=32)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Port = Annotated[int, Meta(ge=0, le=65_535)]

SECRETS = frozenset(
    {
        "database_url",
        "redis_url",
        "secret_key",
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
SCHEMES = {
    "database_url": ("postgresql://", "postgresql+asyncpg://", "postgres://"),
    "redis_url": ("redis://", "rediss://", "unix://"),
    "frontend_url": ("http://", "https://"),
    "oidc_issuer": ("https://", "http://"),
    "smtp_url": ("smtp://", "smtps://"),
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

    secret_key: Secret | None = None
    admin_token: Secret | None = None
    metrics_token: Secret | None = None
    access_token_expire_minutes: Annotated[int, Meta(ge=1, le=1440)] = 15
    refresh_token_expire_days: Annotated[int, Meta(ge=1, le=365)] = 30
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
    cache_ttl_seconds: Count = 3600

    twelvedata_api_key: str | None = None
    twelvedata_plan: Literal["free", "grow", "pro", "ultra", "enterprise"] = "free"
    twelvedata_rate_limit: Count = 8
    eodhd_api_key: str | None = None
    marketaux_api_key: str | None = None
    asset_universe: str = ""
    skip_startup_refresh: bool = False

    smtp_url: str | None = None
    mail_from: str | None = None

    @property
    def embedded_database(self) -> bool:
        """Whether PostgreSQL is ours to start."""
        return self.database_url is None

    @property
    def embedded_cache(self) -> bool:
        """Whether Valkey is ours to start."""
        return self.redis_url is None


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
    for name in ("trusted_proxies", "allowed_networks"):
        for part in str(values.get(name, "")).split(","):
            if part.strip() and not _is_network(part.strip()):
                yield FieldError(field=name.upper(), rule="must be networks such as 10.0.0.0/8, by commas")


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
