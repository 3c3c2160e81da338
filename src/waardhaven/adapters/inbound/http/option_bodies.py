"""What a caller sends to have options valued: numbers, or arrays of equal length."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Number = Annotated[float, Meta(ge=-1e16, le=1e16)] | None
Column = Number | Annotated[list[Number], Meta(max_length=1_000_000)]
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
Symbol = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=60,
        description=(
            "Of a stored asset: SYM, SYM:MIC or its id. Without `spot_price` its last close is the spot; "
            "without `volatility` and `price` volatility is estimated from its closes."
        ),
        examples=["AAPL"],
    ),
]


class OptionSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """How options are valued."""

    model: Annotated[
        Literal["black_scholes_merton", "black_76", "garman_kohlhagen"],
        Meta(description="What `spot_price` and `dividend_yield` are: see the catalogue."),
    ] = "black_scholes_merton"
    payoff: Literal["vanilla", "cash_or_nothing", "asset_or_nothing"] = "vanilla"
    exercise: Annotated[
        Literal["european", "american"], Meta(description="American: vanilla options, at most 5,000 a call.")
    ] = "european"
    greeks: (
        Annotated[
            list[GreekName],
            Meta(max_length=32, description="Beside the price; without it delta, gamma, vega, theta, rho."),
        ]
        | None
    ) = None
    symbol: Symbol | None = None
    volatility_estimator: Annotated[
        Literal["close_to_close", "exponentially_weighted"],
        Meta(description="How volatility is estimated where it is left out."),
    ] = "close_to_close"
    volatility_window: Annotated[
        int, Meta(ge=1, le=5_000, description="Returns that volatility is estimated over, the newest.")
    ] = 252


class OptionsBody(OptionSettings, kw_only=True, forbid_unknown_fields=True):
    """Options: each field a number, the same for all, or an array with a value for each. Null is unknown."""

    option_type: Kind | Annotated[list[Kind], Meta(max_length=1_000_000, examples=[["call", "put"]])]
    strike_price: Annotated[Column, Meta(description="Above 0.", examples=[[95.0, 105.0]])]
    time_to_expiry: Annotated[
        Column, Meta(description="Years, 0 to 100; 0: the payoff is paid now.", examples=[0.5])
    ]
    spot_price: Annotated[
        Column, Meta(description="Above 0; of a forward with `black_76`.", examples=[100.0])
    ] = None
    volatility: Annotated[
        Column, Meta(description="A fraction a year: 0.2 is 20 %. 0 to 10.", examples=[0.2])
    ] = None
    price: Annotated[
        Column, Meta(description="Of the options, for their implied volatility, without `volatility`.")
    ] = None
    risk_free_rate: Annotated[
        Column, Meta(description="A fraction a year, continuously compounded.", examples=[0.02])
    ] = 0.0
    dividend_yield: Annotated[
        Column, Meta(description="The same, of the underlying; the foreign rate with `garman_kohlhagen`.")
    ] = None
    cash: Annotated[Column, Meta(description="What a cash-or-nothing option pays; without it 1.")] = None


class OptionTableSettings(OptionSettings, kw_only=True, forbid_unknown_fields=True):
    """How the options of a table are valued, and numbers that are the same for all of them."""

    option_type: Kind | None = None
    strike_price: Number = None
    time_to_expiry: Number = None
    spot_price: Number = None
    volatility: Number = None
    price: Number = None
    risk_free_rate: Number = None
    dividend_yield: Number = None
    cash: Number = None
