"""What to simulate: the future of a portfolio, or the price of a derivative."""

from datetime import date
from typing import Annotated, Final, Literal

from msgspec import Meta, structs

from waardhaven.application.questions.question import Question

SEEDS: Final = 1 << 53
"""Seeds are whole numbers below this, which JSON carries exactly."""
Amount = Annotated[float, Meta(ge=-1e12, le=1e12)]
Positive = Annotated[float, Meta(ge=0.0, le=1e12)]
Rate = Annotated[float, Meta(ge=-10.0, le=10.0)]
Volatility = Annotated[float, Meta(ge=0.0, le=10.0)]
Row = Annotated[tuple[Annotated[float, Meta(ge=-100.0, le=100.0)], ...], Meta(max_length=200)]
Matrix = Annotated[tuple[Row, ...], Meta(max_length=200)]
Past = Annotated[tuple[Amount, ...], Meta(max_length=200)]
Level = Annotated[float, Meta(ge=0.5, le=0.9999)]


class FlowPart(Question, frozen=True, kw_only=True):
    """Payments into the portfolio or out of it, in periods `first`, `first` + `every`, … `last`."""

    amount: Annotated[Amount, Meta(description="Paid in; below 0 it is taken out.", examples=[100.0])] = 0.0
    every: Annotated[int, Meta(ge=1, le=100_000, description="Periods from one payment to the next.")] = 1
    first: Annotated[int, Meta(ge=1, le=100_000, description="Period of the first one; 1 is the first.")] = 1
    last: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(description="Period that none comes after; left out, the last of all."),
    ] = None
    growth: Annotated[
        float,
        Meta(
            ge=-0.99, le=1.0, description="By how much payments grow a year, as a fraction.", examples=[0.02]
        ),
    ] = 0.0
    timing: Annotated[
        Literal["begin", "end"], Meta(description="Whether it is paid at the beginning or end of its period.")
    ] = "end"


class PayoffPart(Question, frozen=True, kw_only=True):
    """Terms of a derivative; `type` says which of them it has, and others must be left out."""

    type: Annotated[
        Literal[
            "european", "digital", "arithmetic_asian", "geometric_asian", "barrier", "basket", "american"
        ],
        Meta(description="What is paid when."),
    ] = "european"
    option_type: Annotated[Literal["call", "put"], Meta(description="The right to buy, or to sell.")] = "call"
    strike_price: Annotated[Positive | None, Meta(description="Must be given.", examples=[100.0])] = None
    cash: Annotated[Positive | None, Meta(description="What a digital pays; left out, 1.")] = None
    weights: Annotated[
        Annotated[tuple[Annotated[float, Meta(ge=-1e6, le=1e6)], ...], Meta(max_length=200)] | None,
        Meta(description="Of a basket: units of each asset."),
    ] = None
    barrier: Annotated[Positive | None, Meta(description="Price that knocks an option in or out.")] = None
    direction: Annotated[
        Literal["up", "down"] | None, Meta(description="From where the price comes to the barrier.")
    ] = None
    effect: Annotated[Literal["in", "out"] | None, Meta(description="What touching the barrier does.")] = None
    rebate: Annotated[
        Positive | None,
        Meta(description="Paid at maturity where no barrier option exists then; left out, 0."),
    ] = None
    monitoring: Annotated[
        Literal["fixings", "continuous"] | None,
        Meta(description="When a barrier is watched: at the end of every step (usual), or always."),
    ] = None
    degree: Annotated[
        Annotated[int, Meta(ge=1, le=8)] | None,
        Meta(description="Of the polynomials of an American option; left out, 4."),
    ] = None
    pilot: Annotated[
        Annotated[int, Meta(ge=1_024, le=65_536)] | None,
        Meta(description="Paths that fit when an American option is exercised; left out, 32,768 or fewer."),
    ] = None


class SimulationFields(Question, frozen=True, kw_only=True):
    """What both kinds of questions have."""

    kind: Annotated[
        Literal["portfolio", "derivative"],
        Meta(description="What is simulated. It decides which of the other fields there are."),
    ] = "portfolio"
    simulations: Annotated[
        int,
        Meta(
            ge=128,
            le=100_000_000,
            description="Paths, at least; pairs and powers of 2 round those of derivatives up.",
            examples=[10_000],
        ),
    ] = 10_000
    time_steps: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(
            description="Of a portfolio: periods, instead of `horizon_years`. Of a derivative: equal steps "
            "up to maturity, whose ends are the fixings; without it 1, where the payoff looks there alone."
        ),
    ] = None
    seed: Annotated[
        Annotated[int, Meta(ge=0, lt=SEEDS)] | None,
        Meta(description="The same seed gives the same answer; without it one is drawn, and told."),
    ] = None
    interval: Annotated[Level, Meta(description="Confidence of the intervals of all estimates.")] = 0.95
    keep_paths: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="Whole paths, the first of the run, to keep as `paths.arrow`; a question that asks "
            "for some is always a job.",
        ),
    ] = 0
    correlation: Annotated[
        Matrix | None,
        Meta(description="Row by row, ones on its diagonal; without it assets are independent."),
    ] = None
    repair: Annotated[
        bool,
        Meta(
            description="Take the nearest correlation matrix in place of one that is not positive "
            "semi-definite, which is refused otherwise; the answer tells by how much entries moved."
        ),
    ] = False


class PortfolioFields(SimulationFields, frozen=True, kw_only=True):
    """What a portfolio has besides: where its returns come from, what is held, paid and asked."""

    model: Annotated[
        Literal["gbm", "student_t", "stationary_bootstrap"],
        Meta(description="Law of returns: lognormal, heavy-tailed, or blocks of the past drawn anew."),
    ] = "gbm"
    symbols: Annotated[
        Annotated[
            tuple[Annotated[str, Meta(min_length=1, max_length=60)], ...], Meta(min_length=1, max_length=200)
        ]
        | None,
        Meta(
            description="Stored assets whose past the returns follow: SYM, SYM:MIC or ids, all different.",
            examples=[["AAPL", "MSFT"]],
        ),
    ] = None
    start: Annotated[date | None, Meta(description="First day of the past of `symbols`.")] = None
    end: Annotated[date | None, Meta(description="Last day of the past of `symbols`.")] = None
    frequency: Annotated[
        Literal["daily", "weekly", "monthly"] | None,
        Meta(description="Of the returns of `symbols`, and so of the periods; daily unless told."),
    ] = None
    currency: Annotated[
        Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None,
        Meta(description="What returns of `symbols` are measured in; left out, each in its own."),
    ] = None
    returns: Annotated[
        Annotated[tuple[Past, ...], Meta(max_length=10_000)] | None,
        Meta(
            description="A past of simple returns as fractions: a row a period, a column an asset. Never "
            "prices.",
            examples=[[[0.01, -0.004], [0.002, 0.011]]],
        ),
    ] = None
    expected_returns: Annotated[
        Annotated[tuple[Rate, ...], Meta(min_length=1, max_length=200)] | None,
        Meta(description="A year, as fractions, instead of a past.", examples=[[0.06, 0.03]]),
    ] = None
    covariance: Annotated[
        Matrix | None, Meta(description="A year, row by row, beside `expected_returns`.")
    ] = None
    volatilities: Annotated[
        Annotated[tuple[Volatility, ...], Meta(max_length=200)] | None,
        Meta(description="A year, instead of `covariance`; with `correlation`.", examples=[[0.18, 0.07]]),
    ] = None
    convention: Annotated[
        Literal["simple", "continuous", "logarithmic"] | None,
        Meta(
            description="What `expected_returns` and their covariance are of: simple returns (usual), "
            "logarithms with mean growth exp(mu T), or logarithms with median growth exp(mu T)."
        ),
    ] = None
    names: Annotated[
        Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=60)], ...], Meta(max_length=200)] | None,
        Meta(description="What the assets are called in the answer, where there are no `symbols`."),
    ] = None
    degrees: Annotated[
        Annotated[float, Meta(ge=2.05, le=1e6)] | None,
        Meta(description="Degrees of freedom of student_t; left out, fitted to the past."),
    ] = None
    block_length: Annotated[
        Annotated[float, Meta(ge=1.0, le=10_000.0)] | None,
        Meta(description="Mean periods of a block of stationary_bootstrap; left out, automatic."),
    ] = None
    periods_per_year: Annotated[
        Annotated[float, Meta(ge=1.0, le=366.0)] | None,
        Meta(description="Must be given with `returns`; 252 with `expected_returns`; told by `symbols`."),
    ] = None
    horizon_years: Annotated[
        Annotated[float, Meta(gt=0.0, le=1_000.0)] | None,
        Meta(description="How far ahead, in whole periods; left out, 1 year, or `time_steps` periods."),
    ] = None
    weights: Annotated[
        Annotated[tuple[Annotated[float, Meta(ge=-10.0, le=10.0)], ...], Meta(max_length=200)] | None,
        Meta(description="Sum to 1; below 0 is short. Left out, equal.", examples=[[0.6, 0.4]]),
    ] = None
    initial_value: Annotated[
        float, Meta(ge=1e-6, le=1e12, description="Worth today.", examples=[10_000.0])
    ] = 1.0
    rebalance_every: Annotated[
        int,
        Meta(ge=0, le=100_000, description="Periods after which weights are restored; 0: they drift."),
    ] = 1
    flows: Annotated[
        tuple[FlowPart, ...], Meta(max_length=32, description="Payments in and out over time.")
    ] = ()
    goal: Annotated[
        Annotated[float, Meta(ge=0.0, le=1e18)] | None,
        Meta(description="Worth that is hoped for at the end."),
    ] = None
    confidence_level: Annotated[
        Level, Meta(description="Of value at risk and expected shortfall, which are losses.")
    ] = 0.95
    quantiles: Annotated[
        tuple[Annotated[float, Meta(ge=0.0, le=1.0)], ...],
        Meta(min_length=1, max_length=32, description="Levels that are told, growing."),
    ] = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
    fan_dates: Annotated[
        int, Meta(ge=2, le=64, description="Dates of the fan, equally far apart, today and the end included.")
    ] = 13
    bins: Annotated[int, Meta(ge=1, le=200, description="Bins of the histogram of worth.")] = 40


class MonteCarloQuestion(PortfolioFields, frozen=True, kw_only=True):
    """A portfolio or a derivative to simulate, told apart by `kind`; fields of the other are refused.

    A portfolio has its returns from exactly one of `symbols`, `returns` and `expected_returns` (with
    `covariance`, or `volatilities` and `correlation`). A derivative needs `payoff`, `spot_price`,
    `volatility` and `time_to_expiry`. Rates, means and volatilities are fractions a year.
    """

    payoff: Annotated[
        PayoffPart | None,
        Meta(description="Of a derivative.", examples=[{"type": "arithmetic_asian", "strike_price": 100.0}]),
    ] = None
    spot_price: Annotated[
        Positive | Annotated[tuple[Positive, ...], Meta(min_length=1, max_length=200)] | None,
        Meta(description="Today's, of the asset or of each.", examples=[100.0]),
    ] = None
    volatility: Annotated[
        Volatility | Annotated[tuple[Volatility, ...], Meta(max_length=200)] | None,
        Meta(description="A year, of the asset or of each: 0.2 is 20 %.", examples=[0.2]),
    ] = None
    dividend_yield: Annotated[
        Rate | Annotated[tuple[Rate, ...], Meta(max_length=200)] | None,
        Meta(description="Continuous, a year, of the asset or of each; left out, 0."),
    ] = None
    risk_free_rate: Annotated[
        Rate | None, Meta(description="Continuous, a year; left out, 0.", examples=[0.02])
    ] = None
    time_to_expiry: Annotated[
        Annotated[float, Meta(ge=0.0, le=200.0)] | None, Meta(description="Years.", examples=[1.0])
    ] = None
    sampling: Annotated[
        Literal["plain", "antithetic", "sobol"] | None,
        Meta(description="How paths are drawn: independent, in mirrored pairs, or scrambled Sobol (usual)."),
    ] = None
    control: Annotated[
        Literal["automatic", "none", "spot", "european", "geometric"] | None,
        Meta(description="Control variate; the best for the payoff unless told."),
    ] = None
    replicates: Annotated[
        Annotated[int, Meta(ge=8, le=64)] | None,
        Meta(description="Independent scrambles of sobol, which tell its error; left out, 16."),
    ] = None

    @property
    def foreign(self) -> tuple[str, ...]:
        """Fields that are set although questions of this kind do not have them."""
        theirs = OF_DERIVATIVES if self.kind == "portfolio" else OF_PORTFOLIOS
        return tuple(name for name in theirs if getattr(self, name) != USUAL[name])

    def seeded(self, seed: int) -> "MonteCarloQuestion":
        """Return the question with this seed."""
        return structs.replace(self, seed=seed)


OF_PORTFOLIOS: Final = PortfolioFields.__struct_fields__[len(SimulationFields.__struct_fields__) :]
OF_DERIVATIVES: Final = MonteCarloQuestion.__struct_fields__[len(PortfolioFields.__struct_fields__) :]
USUAL: Final = dict(
    zip(MonteCarloQuestion.__struct_fields__, MonteCarloQuestion.__struct_defaults__, strict=True)
)
