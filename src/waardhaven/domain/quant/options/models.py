"""Models of lognormal prices: what ``spot`` and ``dividend_yield`` of options mean in each of them.

All are one formula with the cost of carry b = rate - yield: the underlying is expected to grow at b under
the measure the option is priced in (Haug 2007, *The Complete Guide to Option Pricing Formulas*, 2nd ed.,
chapter 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from waardhaven.domain.quant.options.contracts import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model: its name, what its variables mean, and where it is published.

    ``yield_is_rate``: the underlying costs nothing to carry, so the yield is the rate and moves with it.
    """

    name: str
    title: str
    spot: str
    dividend_yield: str
    carry: str
    source: str
    yield_is_rate: bool = False

    def priced(self, options: Options) -> Options:
        """Return the options with the yield that the model has."""
        return replace(options, dividend_yield=options.rate) if self.yield_is_rate else options


BLACK_SCHOLES_MERTON = Model(
    name="black_scholes_merton",
    title="Black-Scholes-Merton",
    spot="price of the underlying",
    dividend_yield="continuous dividend yield of the underlying",
    carry="rate - dividend_yield",
    source="F. Black, M. Scholes, Journal of Political Economy 81 (1973); R. Merton, Bell Journal of"
    " Economics 4 (1973); Haug (2007) chapter 1",
)
BLACK_76 = Model(
    name="black_76",
    title="Black 1976",
    spot="forward or futures price of the underlying for the day of expiry",
    dividend_yield="not used: a forward costs nothing to carry",
    carry="0",
    source="F. Black, Journal of Financial Economics 3 (1976); Haug (2007) chapter 1",
    yield_is_rate=True,
)
GARMAN_KOHLHAGEN = Model(
    name="garman_kohlhagen",
    title="Garman-Kohlhagen",
    spot="price of one unit of the foreign currency in domestic currency",
    dividend_yield="interest rate of the foreign currency",
    carry="rate - foreign rate",
    source="M. Garman, S. Kohlhagen, Journal of International Money and Finance 2 (1983); Haug (2007)"
    " chapter 1",
)

MODELS: Mapping[str, Model] = MappingProxyType(
    {one.name: one for one in (BLACK_SCHOLES_MERTON, BLACK_76, GARMAN_KOHLHAGEN)}
)
