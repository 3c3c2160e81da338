"""What the HTTP adapter is told from outside."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

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
    log in; ``login_name_per_minute``: how often one login may be tried, from wherever. 0: no limit.
    ``vendored``: folder that ``scripts/vendor_assets.py`` filled.
    """

    version: str
    frontend_url: str | None = None
    metrics_token: str | None = field(default=None, repr=False)
    cache_namespace: str = "default"
    cache_ttl_seconds: int = 3600
    local_cache_bytes: int = 64 * MEBIBYTE
    max_body_bytes: int = MEBIBYTE
    access_log_stream: TextIO | None = None
    register_per_minute: int = 10
    login_per_minute: int = 20
    login_name_per_minute: int = 10
    vendored: Path = VENDORED
