"""The market of a derivative: assets that follow correlated geometric Brownian motions."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from waardhaven.domain.quant.monte_carlo.correlation import examined, factor
from waardhaven.domain.quant.monte_carlo.refusals import AMOUNT, GROWTH, VARIANCE, Rules, insist, within
from waardhaven.domain.types import Floats

LEAST: Final = 1e-12
"""Smallest price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Prices today and their risk-neutral laws; all rates continuous and per year.

    ``spot``, ``volatility`` and ``dividend_yield`` are (n,); ``correlation`` (n, n) is the identity when
    left out. E[S_T] = S_0 exp((rate - dividend yield) T). Raises UnusableSimulation, also for a correlation
    that is not positive semi-definite, unless ``repair`` asks for the nearest: ``repairs`` then tells.
    """

    spot: Floats
    volatility: Floats
    rate: float
    dividend_yield: Floats | None = None
    correlation: Floats | None = None
    repair: bool = False
    repairs: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        """Check and complete the fields."""
        spot = np.array(self.spot, dtype=np.float64)
        count = len(spot)
        given = np.zeros(count) if self.dividend_yield is None else self.dividend_yield
        correlation = np.eye(count) if self.correlation is None else self.correlation
        object.__setattr__(self, "spot", spot)
        object.__setattr__(self, "volatility", np.array(self.volatility, dtype=np.float64))
        object.__setattr__(self, "dividend_yield", np.array(given, dtype=np.float64))
        insist(self._rules(np.asarray(correlation, dtype=np.float64)))
        kept, repairs = examined(
            np.array(correlation, dtype=np.float64), "market.correlation", repair=self.repair
        )
        object.__setattr__(self, "correlation", kept)
        object.__setattr__(self, "repairs", repairs)

    def _rules(self, correlation: Floats) -> Rules:
        count = len(self.spot)
        same = f"must have one number for each of the {count} assets"
        ones = correlation.ndim == 2 and within(correlation.diagonal(), 1.0 - 1e-9, 1.0 + 1e-9)
        return {
            "market.spot": (
                count > 0 and within(self.spot, LEAST, AMOUNT),
                f"must be from {LEAST:g} to {AMOUNT:g}",
            ),
            "market.volatility": (
                self.volatility.shape == (count,) and within(self.volatility, 0.0, 10.0),
                f"{same}, from 0 to 10 a year",
            ),
            "market.dividend_yield": (
                self.yields.shape == (count,) and within(self.yields, -10.0, 10.0),
                f"{same}, from -10 to 10 a year",
            ),
            "market.rate": (within(self.rate, -10.0, 10.0), "must be from -10 to 10 a year"),
            "market.correlation": (
                correlation.shape == (count, count) and ones and within(correlation, -1 - 1e-9, 1 + 1e-9),
                f"must be {count} × {count}, from -1 to 1, with ones on its diagonal",
            ),
        }

    @property
    def assets(self) -> int:
        """How many assets there are."""
        return len(self.spot)

    @property
    def yields(self) -> Floats:
        """Dividend yields (n,)."""
        return np.asarray(self.dividend_yield, dtype=np.float64)

    def forward(self, maturity: float) -> Floats:
        """Return E[S_T] (n,)."""
        grown: Floats = self.spot * np.exp((self.rate - self.yields) * maturity)
        return grown


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A market seen at ``steps`` equal steps up to ``maturity`` in years; the fixings are their ends.

    log(S_t / S_0) after k steps is ``drift`` k + ``loading`` W_k, with W (n,) a Brownian motion whose
    variance grows by 1 a step.
    """

    market: Market
    maturity: float
    steps: int

    def __post_init__(self) -> None:
        """Check that nothing leaves double precision."""
        market = self.market
        rates = max(abs(market.rate), float(np.abs(market.rate - market.yields).max()))
        variance = float(market.volatility.max()) ** 2 * self.maturity
        is_time = within(self.maturity, 0.0, 200.0)
        insist({"maturity": (is_time, "must be from 0 to 200 years")})
        insist(
            {
                "market.rate": (rates * self.maturity <= GROWTH, f"rate × years must be at most {GROWTH:g}"),
                "market.volatility": (
                    variance <= VARIANCE,
                    f"volatility squared × years must be at most {VARIANCE:g}",
                ),
            }
        )

    @property
    def step(self) -> float:
        """Length of a step in years."""
        return self.maturity / self.steps

    @property
    def drift(self) -> Floats:
        """Mean of the log growth of a step (n,): (r - q - sigma^2 / 2) dt."""
        market = self.market
        mean: Floats = (market.rate - market.yields - 0.5 * market.volatility**2) * self.step
        return mean

    @property
    def loading(self) -> Floats:
        """Lower-triangular (n, n): sigma sqrt(dt) times the factor of the correlation."""
        spread = self.market.volatility * np.sqrt(self.step)
        lower: Floats = spread[:, None] * factor(np.asarray(self.market.correlation, dtype=np.float64))
        return lower

    @property
    def discount(self) -> float:
        """Worth today of 1 at maturity."""
        return float(np.exp(-self.market.rate * self.maturity))
