"""What is asked about options: one shape for a direct call and for a job."""

from typing import Annotated, Final, Generic, Literal, TypeVar

from msgspec import Meta

from waardhaven.application.questions.question import Question

MOST: Final = 10_000
"""Options of a job."""
Number = float | None
Kind = Literal["call", "put"]
GreekName = Literal[
    "delta",
    "gamma",
    "vega",
    "vega_per_point",
    "theta",
    "theta_per_day",
    "rho",
    "rho_per_point",
    "phi",
    "vanna",
    "volga",
    "charm",
    "charm_per_day",
    "speed",
    "colour",
    "zomma",
]
EstimatorName = Literal[
    "close_to_close",
    "exponentially_weighted",
    "parkinson",
    "garman_klass",
    "rogers_satchell",
    "yang_zhang",
]
Kinds = TypeVar("Kinds")
Column = TypeVar("Column")


class OptionSettings(Question, frozen=True, kw_only=True):
    """How options are valued."""

    model: Annotated[
        Literal["black_scholes_merton", "black_76", "garman_kohlhagen"],
        Meta(description="What `spot_price` and `dividend_yield` are: see `/option-models`."),
    ] = "black_scholes_merton"
    payoff: Annotated[
        Literal["vanilla", "cash_or_nothing", "asset_or_nothing"], Meta(description="What is paid.")
    ] = "vanilla"
    exercise: Annotated[
        Literal["european", "american"], Meta(description="American: vanilla options, at most 5,000.")
    ] = "european"
    greeks: Annotated[
        Annotated[tuple[GreekName, ...], Meta(max_length=32)] | None,
        Meta(description="Beside the price; left out, delta, gamma, vega, theta, rho."),
    ] = None
    symbol: Annotated[
        Annotated[str, Meta(min_length=1, max_length=60)] | None,
        Meta(
            description="Of a stored asset: SYM, SYM:MIC or its id. Without `spot_price` its last close is "
            "the spot; without `volatility` and `price` volatility is estimated from its prices.",
            examples=["AAPL"],
        ),
    ] = None
    volatility_estimator: Annotated[
        EstimatorName,
        Meta(
            description="How volatility is estimated where it is left out; the last four read opens, highs "
            "and lows beside closes."
        ),
    ] = "close_to_close"
    volatility_window: Annotated[
        int, Meta(ge=1, le=5_000, description="Days that volatility is estimated over, the newest.")
    ] = 252


class OptionColumns(OptionSettings, Generic[Kinds, Column], frozen=True, kw_only=True):
    """Options: each field a number, the same for all, or an array with a value for each; null is unknown."""

    option_type: Annotated[
        Kinds | None, Meta(description="`call` or `put`; required.", examples=[["call", "put"]])
    ] = None
    strike_price: Annotated[
        Column | None, Meta(description="Above 0; required.", examples=[[95.0, 105.0]])
    ] = None
    time_to_expiry: Annotated[
        Column | None,
        Meta(description="Years, 0 to 100; 0: the payoff is paid now. Required.", examples=[0.5]),
    ] = None
    spot_price: Annotated[
        Column | None,
        Meta(
            description="Above 0; of a forward with `black_76`. Left out, the last close of `symbol`.",
            examples=[100.0],
        ),
    ] = None
    volatility: Annotated[
        Column | None,
        Meta(
            description="A fraction a year: 0.2 is 20 %; 0 to 10. Left out, implied by `price` or estimated.",
            examples=[0.2],
        ),
    ] = None
    price: Annotated[
        Column | None,
        Meta(description="Of the options, for their implied volatility, without `volatility`."),
    ] = None
    risk_free_rate: Annotated[
        Column | None,
        Meta(
            description="A fraction a year, continuously compounded; left out, 0.",
            examples=[0.02],
        ),
    ] = None
    dividend_yield: Annotated[
        Column | None,
        Meta(description="The same, of the underlying; the foreign rate with `garman_kohlhagen`."),
    ] = None
    cash: Annotated[Column | None, Meta(description="What a cash-or-nothing option pays; left out, 1.")] = (
        None
    )


class OptionsQuestion(
    OptionColumns[
        Kind | Annotated[tuple[Kind, ...], Meta(min_length=1, max_length=MOST)],
        Number | Annotated[tuple[Number, ...], Meta(min_length=1, max_length=MOST)],
    ],
    frozen=True,
    kw_only=True,
):
    """Options, each field a number, the same for all, or an array with a value for each; null is unknown.

    The same as the body of `POST /blackscholes`, for at most 10,000 options.
    """
