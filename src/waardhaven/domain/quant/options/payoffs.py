"""What options pay at expiry, each with its formulas in closed form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from waardhaven.domain.quant.options import digitals, vanilla
from waardhaven.domain.quant.options.terms import Terms
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Payoff:
    """A payoff: what a call and a put pay, its value in words, and ``formulas`` of price and Greeks."""

    name: str
    title: str
    call: str
    put: str
    formula: str
    source: str
    formulas: Mapping[str, Callable[[Terms], Floats]]


VANILLA = Payoff(
    name="vanilla",
    title="Call or put",
    call="max(S - strike, 0)",
    put="max(strike - S, 0)",
    formula="phi (S e^(-q T) N(phi d1) - K e^(-r T) N(phi d2))",
    source="Haug (2007) chapter 1",
    formulas=MappingProxyType(vanilla.FORMULAS),
)
CASH_OR_NOTHING = Payoff(
    name="cash_or_nothing",
    title="Cash or nothing",
    call="cash if S >= strike, else 0",
    put="cash if S < strike, else 0",
    formula="cash e^(-r T) N(phi d2)",
    source="M. Rubinstein, E. Reiner, Risk 4 (1991); Haug (2007) chapter 4",
    formulas=MappingProxyType(digitals.CASH),
)
ASSET_OR_NOTHING = Payoff(
    name="asset_or_nothing",
    title="Asset or nothing",
    call="S if S >= strike, else 0",
    put="S if S < strike, else 0",
    formula="S e^(-q T) N(phi d1)",
    source="Cox & Rubinstein, Options Markets (1985); Haug (2007) chapter 4",
    formulas=MappingProxyType(digitals.ASSET),
)

PAYOFFS: Mapping[str, Payoff] = MappingProxyType(
    {one.name: one for one in (VANILLA, CASH_OR_NOTHING, ASSET_OR_NOTHING)}
)
