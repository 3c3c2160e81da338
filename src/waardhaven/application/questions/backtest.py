"""What to run a strategy over."""

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from waardhaven.application.questions.question import Question

Symbol = Annotated[str, Meta(min_length=1, max_length=60)]


class BacktestQuestion(Question, frozen=True, kw_only=True):
    """A registered strategy over stored closes of symbols, with costs on what is traded.

    The index engine computes it: weights are selected from closes up to ``lag`` sessions before they take
    effect, units drift in between, and costs are charged on the value traded at each review after the first.
    """

    symbols: Annotated[
        tuple[Symbol, ...],
        Meta(max_length=500, description="SYM, SYM:MIC or asset ids, all different.", examples=[["AAPL"]]),
    ] = ()
    strategy: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=60,
            description="Name of a strategy, see `/strategies`.",
            examples=["momentum"],
        ),
    ] = "equal_weight"
    params: Annotated[
        dict[str, Any],
        Meta(max_length=50, description="Parameters of the strategy, see `/strategies`; weights by symbol."),
    ] = field(default_factory=dict)
    start: Annotated[
        date | None,
        Meta(
            description="Base date: the first session on or after it. Without it, the first session at "
            "which every symbol has closes for the strategy to look back on."
        ),
    ] = None
    end: Annotated[date | None, Meta(description="Last day; without it the newest with a close.")] = None
    frequency: Annotated[
        Literal["daily", "weekly", "monthly", "quarterly", "yearly"],
        Meta(description="How often weights are reviewed; at the first session of each period."),
    ] = "monthly"
    lag: Annotated[int, Meta(ge=1, le=250, description="Sessions from selection to the effective close.")] = 1
    initial_value: Annotated[float, Meta(ge=1e-6, le=1e12, description="Level on the base date.")] = 100.0
    transaction_cost: Annotated[
        float, Meta(ge=0.0, le=0.1, description="Fraction of the value traded.", examples=[0.001])
    ] = 0.0
    slippage: Annotated[
        float,
        Meta(
            ge=0.0,
            le=0.1,
            description="Fraction of the value traded, on top; both together at most 0.1.",
            examples=[0.0005],
        ),
    ] = 0.0
    max_weight: Annotated[float, Meta(gt=0.0, le=1.0, description="Largest weight of a name.")] = 1.0
    max_names: Annotated[
        Annotated[int, Meta(ge=1, le=500)] | None,
        Meta(description="Only so many of the highest weights are held."),
    ] = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="Of the level.")] = "USD"
    calendar: Annotated[str, Meta(pattern="^[A-Z0-9]{4}$", description="MIC of its sessions.")] = "XNYS"
    source: Annotated[
        Annotated[str, Meta(max_length=40)] | None,
        Meta(description="Of the closes; without it one that has all symbols."),
    ] = None
    benchmark: Annotated[
        Symbol | None, Meta(description="What metrics compare with: a symbol with stored closes.")
    ] = None
    risk_free_rate: Annotated[float, Meta(gt=-1.0, le=10.0, description="A fraction a year.")] = 0.0
