"""The policy, query and path parameters of what measures and compares levels."""

from typing import Annotated, Final

from litestar.params import PathParameter, QueryParameter

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.params import NO_CONTROLS
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.tags import ALSO
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.market.calendar import Frequency

COMPUTES: Final = {
    POLICY: needs(Permission.READ_INDICES, per_minute=120),
    PERSONAL: True,
    ALSO: (409,),
}
"""What may be computed how often; personal, as a benchmark may be somebody's own index."""
WRITTEN: Final = (
    "``SYM``, ``SYM:MIC``, an asset id, ``index:slug``, or a blend with weights that add up to 1, as in "
    "``AAA:0.6,index:slug:0.4``"
)
BenchmarkName = Annotated[
    str,
    PathParameter(max_length=1000, pattern=r"^[^\x00-\x20\x7f/]+$", description=f"{WRITTEN}."),
]
Against = Annotated[
    str | None,
    QueryParameter(
        name="benchmark",
        min_length=1,
        max_length=1000,
        pattern=NO_CONTROLS,
        description=f"{WRITTEN}; without it that of the definition.",
    ),
]
OfIndex = Annotated[
    str,
    QueryParameter(
        name="index", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Short name of the index."
    ),
]
Rolling = Annotated[
    int, QueryParameter(name="window", ge=2, le=2520, description="Returns in each rolling figure.")
]
RiskFree = Annotated[
    float,
    QueryParameter(
        name="risk_free_rate", gt=-1.0, le=10.0, description="A fraction a year, compounded to the period."
    ),
]
Confidence = Annotated[
    float,
    QueryParameter(name="confidence", gt=0.5, lt=1.0, description="Of VaR and expected shortfall."),
]
Sessions = Annotated[
    int | None,
    QueryParameter(
        name="sessions",
        ge=1,
        le=100_000,
        description="Measure the last so many daily returns up to `end`; not together with `start`.",
    ),
]
Periods = Annotated[
    Frequency,
    QueryParameter(name="frequency", description="How long the returns are that metrics are made of."),
]
Interval = Annotated[
    float | None,
    QueryParameter(
        name="interval",
        ge=0.5,
        lt=1.0,
        description="Level of an interval beside every metric, from returns drawn anew in blocks.",
    ),
]
Draws = Annotated[int, QueryParameter(name="draws", ge=100, le=5_000, description="Samples of an interval.")]
Seed = Annotated[
    int,
    QueryParameter(name="seed", ge=0, le=2**53, description="The same seed gives the same intervals."),
]
