"""Shapes of answers about benchmarks, for the API document."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from waardhaven.application.indexes.metric_views import BenchmarkView, ComparedMetricView
from waardhaven.application.indexes.views import ProvenanceView

Column = list[float | None]


class BenchmarkDocument(Struct, kw_only=True):
    """A benchmark beside an index on the days that both have; all columns are of equal length.

    Rolling figures end on each day and are null until there are enough returns before it.
    """

    dates: Annotated[list[date], Meta(description="Common days.", examples=[["2022-12-27", "2022-12-28"]])]
    values: Annotated[
        list[float], Meta(description="The benchmark, 100 on the first day.", examples=[[100.0, 98.8]])
    ]
    index_values: Annotated[
        list[float], Meta(description="The index, 100 on the first day.", examples=[[100.0, 98.88]])
    ]
    relative: Annotated[list[float], Meta(description="Index over benchmark.", examples=[[1.0, 1.0008]])]
    beta: Annotated[Column, Meta(description="Slope of the index on the benchmark, rolling.")]
    alpha: Annotated[Column, Meta(description="Its intercept, a fraction a year, rolling.")]
    tracking_error: Annotated[
        Column, Meta(description="Deviation of the difference, a fraction a year, rolling.")
    ]

    index: Annotated[str, Meta(description="Short name of the index.", examples=["autoindex"])]
    name: str
    currency: Annotated[str, Meta(description="What both are in (ISO 4217).", examples=["USD"])]
    variant: str
    benchmark: BenchmarkView
    window: Annotated[int, Meta(description="Returns in each rolling figure.", examples=[252])]
    periods_per_year: float
    risk_free_rate: Annotated[float, Meta(description="A fraction a year.")]
    left_out: Annotated[int, Meta(description="Days of the index in between that the benchmark lacks.")]
    notes: list[str]
    provenance: ProvenanceView


class ComparisonDocument(BenchmarkDocument, kw_only=True):
    """The same with the figures of both over these days, by name; null has a reason."""

    confidence: Annotated[float, Meta(description="Of VaR and expected shortfall.")]
    figures: dict[str, ComparedMetricView]
