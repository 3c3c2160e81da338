"""The versioned rules of an index: everything a build needs besides the data."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.provenance import LATER


class Adjustment(StrEnum):
    """What a series' closes were adjusted for: nothing, splits, or splits and distributions."""

    RAW = "raw"
    SPLITS = "splits"
    ALL = "all"


class RestatementPolicy(StrEnum):
    """What a correction of past data does to published levels, unless a person decides otherwise."""

    LEAVE = "leave"
    RESTATE = "restate"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPolicy:
    """Which series of an asset the index reads. A provider's data never extends a sample series."""

    source: str
    adjustment: Adjustment


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySpec:
    """A strategy of the registry by name, with its parameters by name."""

    name: str
    params: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When weights are selected and take effect.

    ``lag``: sessions between selection (data up to that close) and the effective close, at least 1.
    ``daily_drop_threshold``: a session return of the index at or below it forces a review that takes
    effect at the next session's close; None switches it off.
    """

    frequency: Frequency = Frequency.WEEKLY
    lag: int = 1
    daily_drop_threshold: float | None = -0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """Data rules in front of the signals. Returns and thresholds are fractions.

    ``min_price``: raw prices below it can not enter; off (and said so) on adjusted series.
    ``max_forward_fill_days``: sessions a last price may be carried before a name is out.
    ``min_daily_return``, ``max_daily_return``: bound what the signals see, never what a level earns.
    ``outlier_std_threshold``: trailing z-score beyond which a return is flagged (and used).
    ``held_out``: kinds of findings whose bars are not used until somebody accepted them; by default none.
    """

    min_price: float = 1.0
    max_forward_fill_days: int = 2
    min_daily_return: float = -0.5
    max_daily_return: float = 0.5
    outlier_std_threshold: float = 3.0
    held_out: tuple[str, ...] = field(default=(), metadata={LATER: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDefinition:
    """Immutable rules of one version of an index.

    ``base_value`` is the level on ``base_date``, which is an effective date. ``calendar`` is the MIC
    whose sessions the index follows. ``fixing`` names the FX source and fixing used for assets in
    another currency. ``decimals`` rounds published levels at the edge only.
    """

    slug: str
    name: str
    base_date: date
    base_value: float
    currency: str
    universe: str
    strategy: StrategySpec
    series: SeriesPolicy
    calendar: str = "XNYS"
    schedule: Schedule = field(default_factory=Schedule)
    guards: Guards = field(default_factory=Guards)
    benchmark: str | None = None
    fixing: str = "ECB"
    decimals: int = 6
    restatement: RestatementPolicy = RestatementPolicy.LEAVE
    restatement_threshold: float = 0.0
    description: str = ""
