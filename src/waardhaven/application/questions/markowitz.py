"""What portfolio to look for: a market, limits of its weights, an objective, and views."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from waardhaven.application.questions.question import Question

MOST_NAMES = 500
MOST_ROWS = 20_000
Name = Annotated[str, Meta(min_length=1, max_length=60)]
Weight = Annotated[float, Meta(ge=-100.0, le=100.0)]
Figure = Annotated[float, Meta(ge=-1e6, le=1e6)]
Rate = Annotated[float, Meta(ge=-10.0, le=10.0)]
Weights = Annotated[dict[Name, Weight], Meta(max_length=MOST_NAMES)]
Rows = Annotated[
    tuple[Annotated[tuple[Annotated[float, Meta(ge=-1e15, le=1e15)], ...], Meta(max_length=MOST_NAMES)], ...],
    Meta(max_length=MOST_ROWS),
]


class WeightBounds(Question, frozen=True, kw_only=True):
    """Bounds of the weight of one name; what is left out is that of all names."""

    min_weight: Annotated[Weight | None, Meta(description="Least weight, a fraction.", examples=[0.05])] = (
        None
    )
    max_weight: Annotated[Weight | None, Meta(description="Largest weight, a fraction.", examples=[0.2])] = (
        None
    )


class GroupLimit(Question, frozen=True, kw_only=True):
    """A joint limit of the weights of some names: `least` <= their sum <= `most`."""

    name: Annotated[
        str, Meta(max_length=60, description="What errors and dual values call it.", examples=["tech"])
    ] = ""
    members: Annotated[
        tuple[Name, ...],
        Meta(max_length=MOST_NAMES, description="Names in it, at least one.", examples=[["AAPL", "MSFT"]]),
    ] = ()
    least: Annotated[Weight | None, Meta(description="Least sum of their weights.", examples=[0.1])] = None
    most: Annotated[Weight | None, Meta(description="Largest sum of their weights.", examples=[0.4])] = None


class ReturnView(Question, frozen=True, kw_only=True):
    """An opinion: the portfolio `weights` earns `expected` a year; how sure, in one of two ways or none."""

    weights: Annotated[
        Weights,
        Meta(
            description="Of the names it is about; 1 and -1 say that one beats another.",
            examples=[{"AAPL": 1.0, "MSFT": -1.0}],
        ),
    ] = field(default_factory=dict)
    expected: Annotated[
        Rate | None, Meta(description="Return a year, a fraction; must be given.", examples=[0.02])
    ] = None
    confidence: Annotated[
        Annotated[float, Meta(gt=0.0, le=1.0)] | None,
        Meta(description="1 is certain. Without it and `variance` one half, the rule of He and Litterman."),
    ] = None
    variance: Annotated[
        Annotated[float, Meta(ge=0.0, le=1e6)] | None,
        Meta(description="Of the opinion, a year, instead of `confidence`."),
    ] = None


class MarkowitzData(Question, frozen=True, kw_only=True):
    """The market: exactly one of `symbols`, `returns`, `levels`, and `expected_returns` with `covariance`."""

    symbols: Annotated[
        Annotated[tuple[Name, ...], Meta(max_length=MOST_NAMES)] | None,
        Meta(
            description="Stored assets whose past returns are read: SYM, SYM:MIC or ids, all different. "
            "Their names are as they are written here.",
            examples=[["AAPL", "MSFT"]],
        ),
    ] = None
    start: Annotated[date | None, Meta(description="First day of the past of `symbols`.")] = None
    end: Annotated[date | None, Meta(description="Last day of the past of `symbols`.")] = None
    frequency: Annotated[
        Literal["daily", "weekly", "monthly"] | None,
        Meta(description="Of the returns of `symbols`; left out, daily."),
    ] = None
    currency: Annotated[
        Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None,
        Meta(description="What returns of `symbols` are measured in; left out, each in its own."),
    ] = None
    returns: Annotated[
        Rows | None,
        Meta(
            description="Simple returns, a row a period and a figure for each name; 0.01 is one per cent. "
            "At most 250,000 figures.",
            examples=[[[0.01, -0.002], [0.004, 0.003], [-0.006, 0.001]]],
        ),
    ] = None
    levels: Annotated[
        Rows | None,
        Meta(description="Prices or levels from 1e-15, a row a day, whose returns are taken; as `returns`."),
    ] = None
    periods_per_year: Annotated[
        Annotated[float, Meta(gt=0.0, le=366.0)] | None,
        Meta(description="252, 52, 12 …; must be given with `returns` and `levels`.", examples=[252]),
    ] = None
    expected_returns: Annotated[
        Annotated[tuple[Rate, ...], Meta(max_length=MOST_NAMES)] | None,
        Meta(
            description="A year, a figure for each name; must be left out with `views`.",
            examples=[[0.05, 0.08]],
        ),
    ] = None
    covariance: Annotated[
        Rows | None,
        Meta(description="Of returns of a year, row by row.", examples=[[[0.04, 0.01], [0.01, 0.09]]]),
    ] = None
    names: Annotated[
        Annotated[tuple[Name, ...], Meta(max_length=MOST_NAMES)] | None,
        Meta(description="Of the columns, all different; left out, 1, 2, …", examples=[["bonds", "shares"]]),
    ] = None


class MarkowitzQuestion(MarkowitzData, frozen=True, kw_only=True):
    """A market, how its moments are estimated, limits of the weights, and what is optimal.

    Everything is annual but returns and levels, and every rate a fraction: 0.05 is 5 %.
    """

    covariance_method: Annotated[
        Literal[
            "ledoit_wolf",
            "sample",
            "exponentially_weighted",
            "oracle_approximating",
            "ledoit_wolf_constant_correlation",
        ],
        Meta(description="How the covariance is estimated of returns."),
    ] = "ledoit_wolf"
    expected_return_method: Annotated[
        Literal["mean", "exponentially_weighted", "capm", "implied_equilibrium", "bayes_stein"],
        Meta(description="How expected returns are estimated; two of them need `market_weights`."),
    ] = "mean"
    half_life: Annotated[
        float, Meta(gt=0.0, le=1e5, description="Periods, of what is exponentially weighted.")
    ] = 63.0
    repair: Annotated[
        bool,
        Meta(
            description="Make a covariance definite by lifting its eigenvalues, and tell what changed, where "
            "it would be refused otherwise."
        ),
    ] = False
    market_weights: Annotated[
        Weights | None,
        Meta(description="Of the market portfolio, for equilibrium returns and views; sum 1."),
    ] = None

    min_weight: Annotated[Weight, Meta(description="Of every name; below 0 allows short positions.")] = 0.0
    max_weight: Annotated[Weight, Meta(description="Of every name.")] = 1.0
    bounds: Annotated[
        dict[Name, WeightBounds],
        Meta(
            max_length=MOST_NAMES,
            description="Of single names, instead of those of all.",
            examples=[{"AAPL": {"max_weight": 0.1}}],
        ),
    ] = field(default_factory=dict)
    groups: Annotated[tuple[GroupLimit, ...], Meta(max_length=100, description="Joint limits.")] = ()
    budget: Annotated[Weight, Meta(description="Sum of the weights.")] = 1.0
    current_weights: Annotated[
        Weights | None, Meta(description="What is held now, for `turnover`; a name left out is not held.")
    ] = None
    turnover: Annotated[
        Annotated[float, Meta(ge=0.0, le=1000.0)] | None,
        Meta(description="Largest sum of absolute changes against `current_weights`, both sides counted."),
    ] = None
    most_names: Annotated[
        Annotated[int, Meta(ge=1, le=MOST_NAMES)] | None,
        Meta(description="How many names are held at most, exactly, of at most 20; without a frontier."),
    ] = None

    objective: Annotated[
        Literal[
            "minimum_variance",
            "target_return",
            "target_risk",
            "maximum_sharpe",
            "risk_aversion",
            "maximum_diversification",
            "risk_parity",
            "risk_budgets",
            "hierarchical_risk_parity",
            "minimum_cvar",
        ],
        Meta(description="What is optimal; see the catalogue."),
    ] = "minimum_variance"
    risk_free_rate: Annotated[Rate, Meta(description="A year, of the Sharpe ratio.")] = 0.0
    target_return: Annotated[Rate | None, Meta(description="A year, for `target_return`.")] = None
    target_risk: Annotated[
        Annotated[float, Meta(ge=0.0, le=100.0)] | None,
        Meta(description="Volatility a year, for `target_risk`."),
    ] = None
    risk_aversion: Annotated[
        Annotated[float, Meta(gt=0.0, le=1e6)] | None,
        Meta(
            description="Delta of m'w - delta w'Sw / 2, at least 1e-12, for `risk_aversion`; of the market, "
            "for equilibrium returns and views, 2.5 left out."
        ),
    ] = None
    risk_budgets: Annotated[
        Weights | None,
        Meta(description="Shares of risk of every name, from 1e-12, sum 1, for `risk_budgets`."),
    ] = None
    confidence: Annotated[
        Annotated[float, Meta(ge=0.5, le=0.9999)] | None,
        Meta(description="Of the CVaR, for `minimum_cvar`; left out, 0.95."),
    ] = None

    views: Annotated[
        tuple[ReturnView, ...],
        Meta(max_length=100, description="Black-Litterman, on top of the equilibrium of `market_weights`."),
    ] = ()
    tau: Annotated[
        Annotated[float, Meta(gt=0.0, le=10.0)] | None,
        Meta(description="Doubt about the equilibrium, for `views`, at least 1e-12; left out, 0.05."),
    ] = None
    frontier: Annotated[
        int,
        Meta(ge=0, le=200, description="Points of the efficient frontier, evenly spaced in return; 0: none."),
    ] = 0
    with_covariance: Annotated[
        bool, Meta(description="Whether the answer tells the covariance that was used.")
    ] = False
