"""What a caller sends to have figures computed, without anything being stored."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from waardhaven.application.metrics.risk_question import MOST_SERIES, Calendar, Kind, RiskQuestion
from waardhaven.domain.metrics.uncertainty import IntervalMethod, Resampling
from waardhaven.domain.types import Days, Floats

Number = Annotated[float, Meta(ge=-1e15, le=1e15)] | None
Numbers = Annotated[list[Number], Meta(max_length=1_000_000)]
Series = Numbers | Annotated[dict[str, Numbers], Meta(max_length=MOST_SERIES)]
Dates = Annotated[
    list[date],
    Meta(max_length=1_000_000, description="Of the rows, increasing.", examples=[["2024-01-02"]]),
]


class IntervalBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """How intervals are made: by the stationary bootstrap, blocks of returns drawn with replacement."""

    draws: Annotated[int, Meta(ge=100, le=5_000)] = 1000
    level: Annotated[float, Meta(ge=0.5, lt=1.0, description="Confidence, a fraction.")] = 0.95
    method: Literal["percentile", "basic", "bias_corrected"] = "percentile"
    block_length: (
        Annotated[float, Meta(ge=1.0, le=10_000.0, description="Mean rows of a block; without it found out.")]
        | None
    ) = None
    seed: Annotated[int, Meta(ge=0, le=2**53, description="The same seed gives the same interval.")] = 0


class RiskSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """How series are measured."""

    risk_free_rate: (
        Annotated[float, Meta(gt=-1.0, le=10.0, description="A fraction a year, compounded to the period.")]
        | None
    ) = None
    periods_per_year: Annotated[float, Meta(gt=0.0, le=1e6, examples=[252])] | None = None
    calendar: (
        Annotated[
            Literal["daily", "weekly", "monthly", "quarterly", "yearly", "continuous"],
            Meta(description="How many periods a year has: 252, 52, 12, 4, 1, 365; dates tell it too."),
        ]
        | None
    ) = None
    metrics: Annotated[
        list[Annotated[str, Meta(max_length=64)]],
        Meta(max_length=200, description="Names of the catalogue; without any, all.", examples=[["sharpe"]]),
    ] = []
    confidence: Annotated[float, Meta(gt=0.5, lt=1.0, description="Of VaR and expected shortfall.")] = 0.95
    target: Annotated[
        float, Meta(ge=-1.0, le=10.0, description="Return per period below which one falls short.")
    ] = 0.0
    threshold: Annotated[float, Meta(ge=-1.0, le=10.0, description="Return per period of Omega.")] = 0.0
    kappa_order: Annotated[float, Meta(gt=0.0, le=10.0)] = 3.0
    trials: (
        Annotated[int, Meta(ge=1, le=10**9, description="Variants tried before (deflated Sharpe ratio).")]
        | None
    ) = None
    trial_variance: (
        Annotated[float, Meta(ge=0.0, le=1e6, description="Variance of their Sharpe ratios per period.")]
        | None
    ) = None
    annualise_short: Annotated[bool, Meta(description="Compound less than a year to a year too.")] = False
    interval: IntervalBody | None = None

    def asked(
        self,
        *,
        kind: Kind,
        names: tuple[str, ...],
        values: Floats,
        dates: Days | None,
        benchmark: Floats | None,
        risk_free_series: Floats | None,
    ) -> RiskQuestion:
        """Return what the use case is asked about the columns that came with these settings."""
        return RiskQuestion(
            names=names,
            values=values,
            kind=kind,
            dates=dates,
            benchmark=benchmark,
            risk_free_rate=self.risk_free_rate,
            risk_free_series=risk_free_series,
            periods_per_year=self.periods_per_year,
            calendar=None if self.calendar is None else Calendar(self.calendar),
            metrics=tuple(dict.fromkeys(self.metrics)),
            confidence=self.confidence,
            target=self.target,
            threshold=self.threshold,
            kappa_order=self.kappa_order,
            trials=self.trials,
            trial_variance=self.trial_variance,
            annualise_short=self.annualise_short,
            interval=None if self.interval is None else _resampling(self.interval),
            seed=0 if self.interval is None else self.interval.seed,
        )


class RiskBody(RiskSettings, kw_only=True, forbid_unknown_fields=True):
    """Series, as `returns` or as `levels`: one array, or arrays of equal length by name. Null is unknown."""

    returns: (
        Annotated[
            Series,
            Meta(
                description="Fractions per period: 0.01 is one per cent.",
                examples=[[0.01, -0.02, None, 0.015]],
            ),
        ]
        | None
    ) = None
    levels: (
        Annotated[Series, Meta(description="Values; the first is the base of the first return.")] | None
    ) = None
    dates: Dates | None = None
    benchmark: Annotated[Numbers, Meta(description="Of the same kind, row by row.")] | None = None
    risk_free_series: Annotated[Numbers, Meta(description="A fraction per period, row by row.")] | None = None


class TableSettings(RiskSettings, kw_only=True, forbid_unknown_fields=True):
    """How the series of a table are measured, and what they are."""

    kind: Literal["returns", "levels"]


def _resampling(body: IntervalBody) -> Resampling:
    return Resampling(
        draws=body.draws,
        level=body.level,
        method=IntervalMethod(body.method),
        block_length=body.block_length,
    )
