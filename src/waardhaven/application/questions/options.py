"""Options to value as a job."""

from typing import Annotated, Literal

from msgspec import Meta

from waardhaven.application.questions.question import Question

MOST = 10_000
Number = Annotated[float, Meta(ge=-1e16, le=1e16)] | None
Column = Number | Annotated[tuple[Number, ...], Meta(min_length=1, max_length=MOST)]
Kind = Literal["call", "put"]


class OptionsQuestion(Question, frozen=True, kw_only=True):
    """Options, each field a number, the same for all, or an array with a value for each; null is unknown.

    The same as the body of `POST /blackscholes`, for at most 10,000 options.
    """

    option_type: Annotated[
        Kind | Annotated[tuple[Kind, ...], Meta(min_length=1, max_length=MOST)],
        Meta(description="`call` or `put`.", examples=["call"]),
    ] = "call"
    strike_price: Annotated[Column, Meta(description="Above 0; required.", examples=[100.0])] = None
    time_to_expiry: Annotated[Column, Meta(description="Years, 0 to 100; required.", examples=[0.5])] = None
    spot_price: Annotated[
        Column, Meta(description="Above 0; a forward with `black_76`; without it the last close of `symbol`.")
    ] = None
    volatility: Annotated[
        Column, Meta(description="A fraction a year; without it implied by `price`, or estimated.")
    ] = None
    price: Annotated[Column, Meta(description="Of the options, for their implied volatility.")] = None
    risk_free_rate: Annotated[Column, Meta(description="A fraction a year, compounded continuously.")] = 0.0
    dividend_yield: Annotated[Column, Meta(description="The same, of the underlying.")] = None
    cash: Annotated[Column, Meta(description="What a cash-or-nothing option pays; without it 1.")] = None
    model: Annotated[
        Literal["black_scholes_merton", "black_76", "garman_kohlhagen"],
        Meta(description="What the spot and the yield are: see `/option-models`."),
    ] = "black_scholes_merton"
    payoff: Annotated[
        Literal["vanilla", "cash_or_nothing", "asset_or_nothing"], Meta(description="What is paid.")
    ] = "vanilla"
    exercise: Annotated[
        Literal["european", "american"], Meta(description="American: vanilla options, at most 5,000.")
    ] = "european"
    greeks: Annotated[
        Annotated[tuple[Annotated[str, Meta(max_length=40)], ...], Meta(max_length=32)] | None,
        Meta(description="Names of `/option-models`; without it delta, gamma, vega, theta, rho."),
    ] = None
    symbol: Annotated[
        Annotated[str, Meta(min_length=1, max_length=60)] | None,
        Meta(description="SYM, SYM:MIC or id of a stored asset, for what is left out."),
    ] = None
    volatility_estimator: Annotated[
        Literal["close_to_close", "exponentially_weighted"],
        Meta(description="How volatility is estimated where it is left out."),
    ] = "close_to_close"
    volatility_window: Annotated[int, Meta(ge=1, le=5_000, description="Returns it is estimated over.")] = 252
