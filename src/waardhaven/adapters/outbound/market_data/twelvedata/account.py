"""A key of Twelve Data with its plan, and how patient its requests are."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.keyed import PATIENCE_SECONDS, Backoff, KeyedRequests, Patience
from waardhaven.adapters.outbound.market_data.twelvedata.plans import Plan
from waardhaven.application.ports.provider_gate import Allotment, ProviderGate

NAME: Final = "twelvedata"
BASE_URL: Final = "https://api.twelvedata.com"
PAGE_ROWS: Final = 5000
"""The most bars the service puts into one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A key with its plan. ``rate_limit``: credits a minute, where a higher step of the plan was bought.

    ``patience_seconds``: the longest that loads wait for credits and a failing server in all.
    ``hurry_seconds``: the same for what a person waits for (quotes, search, spot rates).
    """

    key: str = field(repr=False)
    plan: Plan
    rate_limit: int | None = None
    base_url: str = BASE_URL
    reach: Reach = Reach.PUBLIC
    patience_seconds: float = PATIENCE_SECONDS
    hurry_seconds: float = 3.0
    backoff: Backoff = field(default_factory=Backoff)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    page_rows: int = PAGE_ROWS
    timeout_seconds: float = 30.0

    def requests(self, http: HttpSession, gate: ProviderGate) -> KeyedRequests:
        """Return what asks with this key."""
        allotment = self.plan.allotment
        if self.rate_limit is not None:
            allotment = Allotment(per_minute=self.rate_limit, per_day=allotment.per_day)
        return KeyedRequests(
            provider=NAME,
            key=self.key,
            authenticate=_in_header,
            http=http,
            gate=gate,
            allotment=allotment,
            used_header="api-credits-used",
            left_header="api-credits-left",
            reach=self.reach,
            backoff=self.backoff,
            pause=self.pause,
        )

    def patient(self) -> Patience:
        """Return the patience of a load."""
        return Patience(self.patience_seconds)

    def hurried(self) -> Patience:
        """Return the patience of somebody who waits for the answer."""
        return Patience(min(self.hurry_seconds, self.patience_seconds))


def _in_header(key: str, url: str) -> tuple[str, Mapping[str, str]]:
    return url, {"Authorization": f"apikey {key}"}
