"""Bodies that carry rules of indices: what is left out is not changed, null is what it says."""

from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from waardhaven.domain.index.definition import (
    Adjustment,
    Grouping,
    RestatementPolicy,
    Variant,
    Weekday,
)
from waardhaven.domain.market.calendar import Frequency

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Asset = Annotated[str, Meta(min_length=1, max_length=64, description="SYM, SYM:MIC or an asset id.")]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Reason = Annotated[str, Meta(min_length=1, max_length=500, description="Kept with the version.")]


class StrategyBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A strategy of the catalogue (`GET /strategies`) with its parameters by name."""

    name: Annotated[str, Meta(max_length=60, examples=["equal_weight"])] | UnsetType = UNSET
    params: Annotated[dict[str, Any], Meta(max_length=50, examples=[{}])] | UnsetType = UNSET


class SeriesBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which prices are read."""

    source: Annotated[str, Meta(max_length=40, examples=["sample"])] | UnsetType = UNSET
    adjustment: Adjustment | UnsetType = UNSET


class ReviewDayBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The n-th weekday of a month of the period: 1 to 4, or -1 for the last one."""

    nth: int | UnsetType = UNSET
    weekday: Weekday | UnsetType = UNSET
    month: int | UnsetType = UNSET


class ReviewScheduleBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """When weights are reviewed."""

    frequency: Frequency | UnsetType = UNSET
    lag: int | UnsetType = UNSET
    daily_drop_threshold: float | UnsetType | None = UNSET
    on: ReviewDayBody | UnsetType | None = UNSET
    drift_band: float | UnsetType | None = UNSET


class GuardsBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Data rules before the signals; fractions."""

    min_price: float | UnsetType = UNSET
    max_forward_fill_days: int | UnsetType = UNSET
    min_daily_return: float | UnsetType = UNSET
    max_daily_return: float | UnsetType = UNSET
    outlier_std_threshold: float | UnsetType = UNSET
    held_out: Annotated[list[str], Meta(max_length=50)] | UnsetType = UNSET


class BoundsBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Bounds of the weight of one name."""

    asset: Asset
    minimum: float = 0.0
    maximum: float = 1.0


class GroupCapBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The largest joint weight of a group; without ``group``: of every group of its kind."""

    by: Grouping
    maximum: float
    group: str | None = None


class ConstraintsBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the weights of a review keep; fractions of the index."""

    min_weight: float | UnsetType = UNSET
    max_weight: float | UnsetType = UNSET
    bounds: Annotated[list[BoundsBody], Meta(max_length=1000)] | UnsetType = UNSET
    group_caps: Annotated[list[GroupCapBody], Meta(max_length=1000)] | UnsetType = UNSET
    max_names: int | UnsetType | None = UNSET
    buffer: int | UnsetType = UNSET
    min_position: float | UnsetType = UNSET
    max_turnover: float | UnsetType | None = UNSET


class WithholdingBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The share of distributions that is withheld, by country; `*` for every other."""

    country: Annotated[str, Meta(max_length=2, examples=["US"])]
    rate: Fraction


class IndexPartBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Rules of an index, or a part of them: objects are merged, lists are replaced."""

    slug: Annotated[str, Meta(max_length=63, examples=["my-index"])] | UnsetType = UNSET
    name: Text | UnsetType = UNSET
    base_date: Annotated[date, Meta(examples=["2015-01-02"])] | UnsetType = UNSET
    base_value: float | UnsetType = UNSET
    currency: Annotated[str, Meta(max_length=3, examples=["USD"])] | UnsetType = UNSET
    universe: (
        Annotated[str, Meta(max_length=63, description="A stored universe.", examples=["sample-us20"])]
        | UnsetType
    ) = UNSET
    members: (
        Annotated[
            list[Asset],
            Meta(
                min_length=1,
                max_length=3000,
                description="In place of a universe.",
                examples=[["AAPL:XNAS", "JPM:XNYS"]],
            ),
        ]
        | UnsetType
    ) = UNSET
    strategy: StrategyBody | UnsetType = UNSET
    series: SeriesBody | UnsetType = UNSET
    calendar: Annotated[str, Meta(max_length=4, examples=["XNYS"])] | UnsetType = UNSET
    schedule: ReviewScheduleBody | UnsetType = UNSET
    guards: GuardsBody | UnsetType = UNSET
    benchmark: Annotated[str, Meta(max_length=80)] | UnsetType | None = UNSET
    fixing: Annotated[str, Meta(max_length=40, examples=["ECB"])] | UnsetType = UNSET
    decimals: int | UnsetType = UNSET
    restatement: RestatementPolicy | UnsetType = UNSET
    restatement_threshold: Fraction | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=10_000)] | UnsetType = UNSET
    constraints: ConstraintsBody | UnsetType = UNSET
    variant: Variant | UnsetType = UNSET
    withholding: Annotated[list[WithholdingBody], Meta(max_length=300)] | UnsetType = UNSET
    cost_rate: Fraction | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET

    def rules(self) -> dict[str, Any]:
        """Return what was given of the rules, as a document."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        found.pop("reason", None)
        return found

    def why(self) -> str | None:
        """Return the reason, None without one."""
        return None if self.reason is UNSET else self.reason


class IndexBody(IndexPartBody, kw_only=True, forbid_unknown_fields=True):
    """The rules of a new index, with its universe by name or its members one by one."""

    slug: Annotated[str, Meta(max_length=63, examples=["my-index"])]
    name: Text
    base_date: Annotated[date, Meta(examples=["2015-01-02"])]
    currency: Annotated[str, Meta(max_length=3, examples=["USD"])]
    strategy: StrategyBody
    series: SeriesBody


class StrategyConfigBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the default index to change; those left out stay as they are stored."""

    momentum_weight: float | UnsetType = UNSET
    market_cap_weight: float | UnsetType = UNSET
    risk_parity_weight: float | UnsetType = UNSET
    min_price_threshold: float | UnsetType = UNSET
    max_daily_return: float | UnsetType = UNSET
    min_daily_return: float | UnsetType = UNSET
    max_forward_fill_days: int | UnsetType = UNSET
    outlier_std_threshold: float | UnsetType = UNSET
    rebalance_frequency: Frequency | UnsetType = UNSET
    daily_drop_threshold: float | UnsetType | None = UNSET
    reason: Reason | UnsetType = UNSET

    def changes(self) -> dict[str, object]:
        """Return the parameters that were given, by name."""
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "reason"}
        return {name: value for name, value in given.items() if value is not UNSET}

    def why(self) -> str | None:
        """Return the reason, None without one."""
        return None if self.reason is UNSET else self.reason


class ForcedReviewBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why weights are reviewed out of the schedule."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
