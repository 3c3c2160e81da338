"""What the HTTP adapter is told from outside."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from waardhaven.domain.market.imports import LARGEST_FILE

MEBIBYTE = 1024 * 1024
VENDORED = Path(__file__).parent / "static" / "vendor"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    """Settings of the HTTP adapter.

    ``frontend_url``: the one foreign origin allowed by CORS; None allows none.
    ``metrics_token``: bearer token of ``/metrics``; without it only direct local callers see it.
    ``cache_namespace``: tells the databases (and shapes) of answers in a shared cache apart.
    ``cache_ttl_seconds``: an upper bound for cached bytes, beyond the generation they belong to.
    ``local_cache_bytes``: bound of the bytes kept in this process; 0 switches the local cache off.
    ``access_log_stream``: where request lines go as JSON, one write a batch; None sends each through
    structlog, which costs ten times as much.
    ``register_per_minute``, ``login_per_minute``: how often one address may try to open an account, to
    log in; ``login_name_per_minute``: how often one login may be tried, from wherever;
    ``mails_per_quarter_hour``: how often anybody may have a mail sent to one address. 0: no limit.
    ``rate_limit_per_minute``: anonymous requests of one address; ``rate_limit_authenticated``: requests of
    one user or API key that has no limit of its own. 0: no limit.
    ``allowed_networks``: who may call, all when empty; ``denied_networks``: who may not;
    ``admin_networks``: who may administer, all when empty.
    ``body_timeout_seconds``: within which a body has to arrive; ``request_timeout_seconds``: within which
    a handler has to answer; ``upload_timeout_seconds``: the former for a file. ``max_json_depth``: levels
    of nesting in a body.
    ``quiet_seconds``: within which answers that must not tell whether an account exists are all given.
    ``csrf_keys``: prove that a CSRF token is ours; the first makes new ones. The same in all processes.
    ``vendored``: folder that ``scripts/vendor_assets.py`` filled.
    """

    version: str
    frontend_url: str | None = None
    metrics_token: str | None = field(default=None, repr=False)
    cache_namespace: str = "default"
    cache_ttl_seconds: int = 3600
    local_cache_bytes: int = 64 * MEBIBYTE
    max_body_bytes: int = MEBIBYTE
    max_upload_bytes: int = LARGEST_FILE
    upload_timeout_seconds: float = 120.0
    access_log_stream: TextIO | None = None
    register_per_minute: int = 10
    login_per_minute: int = 20
    login_name_per_minute: int = 10
    mails_per_quarter_hour: int = 3
    rate_limit_per_minute: int = 100
    rate_limit_authenticated: int = 1000
    allowed_networks: tuple[str, ...] = ()
    denied_networks: tuple[str, ...] = ()
    admin_networks: tuple[str, ...] = ()
    body_timeout_seconds: float = 10.0
    request_timeout_seconds: float = 30.0
    max_json_depth: int = 64
    quiet_seconds: float = 0.25
    csrf_keys: tuple[bytes, ...] = field(default_factory=lambda: (secrets.token_bytes(32),), repr=False)
    vendored: Path = VENDORED
