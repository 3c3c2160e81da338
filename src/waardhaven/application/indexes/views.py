"""What the reads of indices answer with."""

import datetime as dt
from dataclasses import dataclass

from waardhaven.domain.provenance import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceView:
    """Where a published figure comes from."""

    index: str
    build: str
    publication: int
    published_at: dt.datetime
    made_from: Provenance
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationView:
    """One name of a composition; returns are fractions, None when unknown."""

    symbol: str
    name: str
    sector: str | None
    weight: float
    units: float
    daily_return: float | None
    ytd_return: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentView:
    """The index at its newest published close, heaviest name first. Weights sum to 1."""

    date: dt.date
    level: float
    currency: str
    effective: dt.date
    selection: dt.date
    allocations: tuple[AllocationView, ...]
    total_assets: int
    provenance: ProvenanceView


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyView:
    """A currency a level can be read in."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexView:
    """An index and what is published of it; dates and level are None before the first publication."""

    slug: str
    name: str
    description: str
    currency: str
    base_date: dt.date
    base_value: float
    benchmark: str | None
    version: int
    visibility: str
    first_day: dt.date | None
    last_day: dt.date | None
    level: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyConfigView:
    """The stored strategy configuration of the default index."""

    momentum_weight: float
    market_cap_weight: float
    risk_parity_weight: float
    min_price_threshold: float
    max_daily_return: float
    min_daily_return: float
    max_forward_fill_days: int
    outlier_std_threshold: float
    rebalance_frequency: str
    daily_drop_threshold: float | None
    version: int
    last_rebalance: dt.date | None
    updated_at: dt.datetime
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterView:
    """A parameter of a strategy: type, default and inclusive bounds.

    ``type``: integer, number, boolean, choice (one of ``choices``), weights (an object of asset to weight),
    strategy ({name, params} of another one) or sleeves (a list of {strategy, weight, params}).
    ``optional``: null is allowed.
    """

    name: str
    type: str
    default: object
    minimum: float | None
    maximum: float | None
    description: str
    choices: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyView:
    """A strategy of the catalogue."""

    name: str
    title: str
    description: str
    parameters: tuple[ParameterView, ...]
