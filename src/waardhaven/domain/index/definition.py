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


class Weekday(StrEnum):
    """Days on which a review can be due."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"


@dataclass(frozen=True, slots=True, kw_only=True)
class NthWeekday:
    """The ``nth`` ``weekday`` of a month: 1 to 4, or -1 for the last one.

    ``month`` counts within the period: 3 is the last month of a quarter; 1 in a monthly schedule. A review
    due on a day without a session takes effect at the first session after it.
    """

    nth: int
    weekday: Weekday
    month: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When weights are selected and take effect.

    ``lag``: sessions between selection (data up to that close) and the effective close, at least 1.
    ``daily_drop_threshold``: a session return of the index at or below it forces a review that takes
    effect at the next session's close; None switches it off. ``on``: the day within a monthly, quarterly
    or yearly period; None: the period's first session. ``drift_band``: a review takes effect at the next
    session's close when the weight of a name has drifted from that of the last review by more than this
    (a fraction of the index); None: never for that.
    """

    frequency: Frequency = Frequency.WEEKLY
    lag: int = 1
    daily_drop_threshold: float | None = -0.05
    on: NthWeekday | None = field(default=None, metadata={LATER: True})
    drift_band: float | None = field(default=None, metadata={LATER: True})


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


class Grouping(StrEnum):
    """What names are grouped by. A name of which it is not known belongs to a group of its own kind."""

    SECTOR = "sector"
    COUNTRY = "country"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCap:
    """The largest joint weight of a group, e.g. one sector; ``group`` None: of every group of its kind."""

    by: Grouping
    maximum: float
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightBounds:
    """Bounds of one name's weight; ``asset`` is our id."""

    asset: int
    minimum: float = 0.0
    maximum: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What the weights of a review must keep; fractions of the index, long only.

    ``min_weight``, ``max_weight``: of every name held. ``bounds``: of single names, instead of those.
    ``group_caps``: joint weights. ``max_names``: only so many of the highest weights are held; with
    ``buffer`` a name held before stays while its rank is at most ``max_names + buffer``. ``min_position``:
    a weight below it is not held at all. ``max_turnover``: largest sum of absolute changes of weight at a
    review, from the weights drifted to the selection day.
    """

    min_weight: float = 0.0
    max_weight: float = 1.0
    bounds: tuple[WeightBounds, ...] = ()
    group_caps: tuple[GroupCap, ...] = ()
    max_names: int | None = None
    buffer: int = 0
    min_position: float = 0.0
    max_turnover: float | None = None


class Variant(StrEnum):
    """What a level earns: prices alone, distributions in full, or distributions after withholding."""

    PRICE = "price"
    GROSS = "gross"
    NET = "net"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithholdingRate:
    """The share of a distribution that is withheld, by the country of the name; ``*`` for every other."""

    country: str
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDefinition:
    """Immutable rules of one version of an index.

    ``base_value`` is the level on ``base_date``, which is an effective date. ``calendar`` is the MIC
    whose sessions the index follows. ``fixing`` names the FX source and fixing used for assets in
    another currency. ``decimals`` rounds published levels at the edge only. ``variant`` is the level shown
    unless another is asked for; ``withholding`` makes the net variant, which is unknown without it.
    ``cost_rate``: charged at each review after the base on the traded value, as a fraction of it.
    """

    slug: str
    name: str
    base_date: date
    base_value: float = 100.0
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
    constraints: Constraints = field(default=Constraints(), metadata={LATER: True})
    variant: Variant = field(default=Variant.PRICE, metadata={LATER: True})
    withholding: tuple[WithholdingRate, ...] = field(default=(), metadata={LATER: True})
    cost_rate: float = field(default=0.0, metadata={LATER: True})
