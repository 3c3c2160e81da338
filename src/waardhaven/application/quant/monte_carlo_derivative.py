"""From a question about a derivative to the problem that is simulated."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from waardhaven.application.quant.monte_carlo_rules import (
    Rule,
    array,
    foreign,
    left_out,
    square,
    told_as_sent,
)
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion, PayoffPart
from waardhaven.domain.quant.monte_carlo.barriers import Direction, Effect, Monitoring
from waardhaven.domain.quant.monte_carlo.market import Market
from waardhaven.domain.quant.monte_carlo.payoff import Kind, Payoff
from waardhaven.domain.quant.monte_carlo.payoffs import PAYOFFS
from waardhaven.domain.quant.monte_carlo.pricing import AUTOMATIC, PricingProblem
from waardhaven.domain.quant.monte_carlo.sampling import Draws

NEEDED: Final = ("payoff", "spot_price", "volatility", "time_to_expiry")
USUAL_SAMPLING: Final = "sobol"
USUAL_REPLICATES: Final = 16
SENT_AS: Final[Mapping[str, str]] = MappingProxyType({"kind": "option_type", "strike": "strike_price"})
"""Terms of payoffs that a caller knows by other names."""
CHOICES: Final[Mapping[str, Any]] = MappingProxyType(
    {"kind": Kind, "direction": Direction, "effect": Effect, "monitoring": Monitoring}
)
"""Terms that are one of several words."""
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "paths": "simulations",
        "steps": "time_steps",
        "assets": "spot_price",
        "maturity": "time_to_expiry",
        "confidence": "interval",
        "scrambles": "replicates",
        "market.spot": "spot_price",
        "market.volatility": "volatility",
        "market.dividend_yield": "dividend_yield",
        "market.rate": "risk_free_rate",
        "market.correlation": "correlation",
        "payoff.strike": "payoff.strike_price",
    }
)
"""What the fields of a problem were sent as."""


def derivative_rules(question: MonteCarloQuestion) -> Iterator[Rule]:
    """Yield every rule that the question alone decides."""
    yield from foreign(question)
    for name in NEEDED:
        yield name, "must be given", getattr(question, name) is None
    if question.payoff is not None:
        yield from _of_payoff(question.payoff)
        steps = PAYOFFS[question.payoff.type].monitored and question.time_steps is None
        yield "time_steps", f"must be given: {question.payoff.type} looks at every step", steps
    if sampling_of(question) != USUAL_SAMPLING:
        yield from left_out(question, ("replicates",), f"{USUAL_SAMPLING} alone has them")
    count = underlyings_of(question)
    yield from square(question, "correlation", count)
    for name in ("volatility", "dividend_yield"):
        sent = getattr(question, name)
        is_wrong = isinstance(sent, tuple) and len(sent) != count
        yield name, f"must be one number, or {count}, one for each asset", is_wrong


def _of_payoff(part: PayoffPart) -> Iterator[Rule]:
    terms = {SENT_AS.get(one.name, one.name): one for one in fields(PAYOFFS[part.type])}
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if name == "type":
            continue
        if name not in terms:
            yield f"payoff.{name}", f"must be left out: {part.type} has none", value is not None
        elif terms[name].default is MISSING:
            yield f"payoff.{name}", f"must be given for {part.type}", value is None


def underlyings_of(question: MonteCarloQuestion) -> int:
    """Return how many assets there are; 1 where nothing tells."""
    return len(question.spot_price) if isinstance(question.spot_price, tuple) else 1


def sampling_of(question: MonteCarloQuestion) -> str:
    """Return how paths are drawn."""
    return question.sampling or USUAL_SAMPLING


def draws_of(question: MonteCarloQuestion) -> Draws:
    """Return what a run would draw, whatever its seed."""
    return Draws(
        paths=question.simulations,
        steps=question.time_steps or 1,
        assets=underlyings_of(question),
        seed=question.seed or 0,
        scrambles=question.replicates or USUAL_REPLICATES,
    )


def pricing_problem(question: MonteCarloQuestion, seed: int) -> PricingProblem:
    """Return the problem; raise UnusableSimulation under the names of the question."""
    draws = draws_of(question)
    with told_as_sent(NAMES):
        return PricingProblem(
            payoff=_payoff(question.payoff or PayoffPart()),
            market=_market(question),
            maturity=question.time_to_expiry or 0.0,
            steps=draws.steps,
            paths=draws.paths,
            seed=seed,
            sampling=sampling_of(question),
            control=question.control or AUTOMATIC,
            scrambles=draws.scrambles,
            confidence=question.interval,
        )


def _payoff(part: PayoffPart) -> Payoff:
    kind = PAYOFFS[part.type]
    terms = {one.name: getattr(part, SENT_AS.get(one.name, one.name)) for one in fields(kind)}
    given = {
        name: CHOICES[name](one) if name in CHOICES else one for name, one in terms.items() if one is not None
    }
    return kind(**given)


def _market(question: MonteCarloQuestion) -> Market:
    count = underlyings_of(question)
    yields, correlation = question.dividend_yield, question.correlation
    return Market(
        spot=array(question.spot_price, count),
        volatility=array(question.volatility, count),
        rate=question.risk_free_rate or 0.0,
        dividend_yield=None if yields is None else array(yields, count),
        correlation=None if correlation is None else np.array(correlation, dtype=np.float64),
        repair=question.repair,
    )
