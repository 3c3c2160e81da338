"""Shapes of answers that show the working of an index, for the API document."""

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

from waardhaven.application.indexes.preview import PerformanceView, TurnoverView, WeightsView
from waardhaven.application.indexes.views import ProvenanceView


class CompositionFileDocument(Struct, kw_only=True):
    """A composition file by column, in order of asset id; all columns are of equal length.

    Closing: units x close x fx, summed over the names and divided by ``divisor``, is ``level``. Opening: what
    is held into ``date``, after what companies do on that day; ``close`` is the last close, adjusted.
    """

    symbols: Annotated[list[str], Meta(description="CASH for money.", examples=[["AAPL", "PFE"]])]
    names: list[str]
    units: Annotated[list[float], Meta(examples=[[0.52, 3.449]])]
    close: Annotated[list[float | None], Meta(description="In ``quote_units``, carried where ``stale``.")]
    quote_units: Annotated[list[str], Meta(description="GBX is a hundredth of a pound.")]
    fx: Annotated[list[float | None], Meta(description="``currency`` for one quote unit.")]
    value: Annotated[list[float], Meta(description="Units x close x fx, in ``currency``.")]
    weight: Annotated[list[float], Meta(description="Share of ``market_value``.")]
    stale: Annotated[list[bool], Meta(description="No bar that day: an older close is used.")]
    ids: Annotated[list[str], Meta(description="Ids of the weights, for `/provenance/{figure}`.")]

    index: Annotated[str, Meta(description="Short name of the index.", examples=["autoindex"])]
    at: Annotated[str, Meta(description="`closing` or `opening`.", examples=["closing"])]
    date: dt.date
    closed_on: Annotated[dt.date, Meta(description="The session of the closes.")]
    currency: Annotated[str, Meta(examples=["USD"])]
    level: Annotated[float, Meta(description="Full precision.")]
    level_id: str
    divisor: float
    market_value: Annotated[float, Meta(description="Level x divisor.")]
    reproduced: Annotated[
        bool, Meta(description="The level computed again is the published one, bit for bit.")
    ]
    actions: Annotated[list[str], Meta(description="What companies do in the next session, in words.")]
    provenance: ProvenanceView


class PreviewDocument(Struct, kw_only=True):
    """Levels of the changed rules and of the rules as they are, from the same facts; null: none that day."""

    dates: Annotated[
        list[dt.date], Meta(description="Days, increasing.", examples=[["2022-12-27", "2022-12-28"]])
    ]
    own: Annotated[list[float | None], Meta(description="Levels of the changed rules.")]
    live: Annotated[list[float | None], Meta(description="Levels of the rules as they are.")]

    index: Annotated[str, Meta(description="Short name of the index.", examples=["autoindex"])]
    definition_version: Annotated[int, Meta(description="Version of the rules as they are.", examples=[1])]
    vintage: Annotated[int, Meta(description="State of the data both were computed from.", examples=[8])]
    first_difference: Annotated[dt.date | None, Meta(description="First day they differ; null: nowhere.")]
    own_figures: PerformanceView
    live_figures: PerformanceView
    weights: WeightsView
    turnover: TurnoverView
    note: str
