"""The sources of market data there are: a new one is one file and one entry of SOURCES.

A source is imported where it is set up: a process pays for the sources it asks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.cached import KeepFor
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.fx_rates import FxRates
from waardhaven.application.ports.market_data import MarketData, SourceInfo
from waardhaven.application.ports.provider_gate import ProviderGate

BEYOND_ECB = ("TWD",)
"""Currencies users can choose of which the euro fixing has no rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSettings:
    """What was configured. ``patience_seconds``: the longest that a load waits for credits.

    ``twelvedata_url``, ``eodhd_url``: another address than the service's. ``ecb_rates``: address or path of
    the euro fixing's file; None: no rates are fetched.
    """

    twelvedata_api_key: str | None = field(default=None, repr=False)
    twelvedata_plan: str = "free"
    twelvedata_rate_limit: int | None = None
    twelvedata_url: str | None = None
    eodhd_api_key: str | None = field(default=None, repr=False)
    eodhd_url: str | None = None
    ecb_rates: str | None = None
    patience_seconds: float = 1500.0
    reach: Reach = Reach.PUBLIC
    keep: KeepFor = field(default_factory=KeepFor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What sources are made with."""

    settings: MarketSettings
    http: HttpSession
    gate: ProviderGate
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A source that is set up, with the rates it has besides. ``refresh_mode``: what its plan suggests."""

    source: MarketData
    info: SourceInfo
    refresh_mode: str
    fx: tuple[FxRates, ...] = ()


def twelvedata(around: Surroundings) -> Offer | None:
    """Offer Twelve Data when there is a key."""
    one = around.settings
    if one.twelvedata_api_key is None:
        return None
    from waardhaven.adapters.outbound.market_data.twelvedata.account import BASE_URL, Account
    from waardhaven.adapters.outbound.market_data.twelvedata.fx import TwelveDataFx
    from waardhaven.adapters.outbound.market_data.twelvedata.plans import PLANS
    from waardhaven.adapters.outbound.market_data.twelvedata.source import TwelveDataMarketData

    plan = PLANS[one.twelvedata_plan]
    account = Account(
        key=one.twelvedata_api_key,
        plan=plan,
        rate_limit=one.twelvedata_rate_limit,
        base_url=one.twelvedata_url or BASE_URL,
        reach=one.reach,
        patience_seconds=one.patience_seconds,
    )
    parts = {"http": around.http, "gate": around.gate, "clock": around.clock}
    source = TwelveDataMarketData(account, **parts)  # type: ignore[arg-type]
    info = SourceInfo(
        name=source.name,
        capabilities=source.capabilities,
        keyed=True,
        plan=plan.name,
        per_minute=one.twelvedata_rate_limit or plan.allotment.per_minute,
        per_day=plan.allotment.per_day,
    )
    fx = TwelveDataFx(account, quotes=BEYOND_ECB, **parts)  # type: ignore[arg-type]
    return Offer(source=source, info=info, refresh_mode=plan.refresh, fx=(fx,))


def eodhd(around: Surroundings) -> Offer | None:
    """Offer EODHD when there is a key."""
    one = around.settings
    if one.eodhd_api_key is None:
        return None
    from waardhaven.adapters.outbound.market_data import eodhd as service
    from waardhaven.adapters.outbound.market_data.keyed import KeyedRequests

    requests = KeyedRequests(
        provider=service.EodhdMarketData.name,
        key=one.eodhd_api_key,
        authenticate=service.in_query,
        http=around.http,
        gate=around.gate,
        allotment=service.ALLOTMENT,
        left_header=service.LEFT_HEADER,
        reach=one.reach,
    )
    url, patience = one.eodhd_url or service.BASE_URL, one.patience_seconds
    source = service.EodhdMarketData(requests, base_url=url, patience_seconds=patience)
    info = SourceInfo(
        name=source.name,
        capabilities=source.capabilities,
        keyed=True,
        per_minute=service.ALLOTMENT.per_minute,
        per_day=service.ALLOTMENT.per_day,
    )
    return Offer(source=source, info=info, refresh_mode="smart")


SOURCES: tuple[Callable[[Surroundings], Offer | None], ...] = (twelvedata, eodhd)
"""In the order they are asked."""


def offers(around: Surroundings) -> Sequence[Offer]:
    """Return every source that is set up."""
    return [offer for make in SOURCES if (offer := make(around)) is not None]


def fixings(around: Surroundings, found: Sequence[Offer]) -> tuple[FxRates, ...]:
    """Return the sources of rates: the euro fixing when it is set up, then those of the providers."""
    place = around.settings.ecb_rates
    offered = tuple(one for offer in found for one in offer.fx)
    if place is None:
        return offered
    from waardhaven.adapters.outbound.market_data.ecb import EcbRates

    return (EcbRates(place, around.http, reach=around.settings.reach), *offered)
