"""Derivatives of the price: what each measures, in which unit, and by which formula.

Units: volatility and rates are fractions a year, so that vega and rho are per 1.00 (one hundred per cent);
time is in years, so that theta is per year. The same per percentage point, and per calendar day (1 / 365 of
a year), are Greeks of their own. Time derivatives are with respect to passing calendar time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

DAYS_OF_A_YEAR: Final = 365.0
_HAUG: Final = "Haug (2007) chapter 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Greek:
    """A derivative of the price; ``figure`` names its formula, which is divided by ``divisor``.

    ``formula`` is of a vanilla option; those of other payoffs are in docs/methodology/options.md.
    """

    name: str
    title: str
    derivative: str
    unit: str
    formula: str
    source: str
    figure: str
    divisor: float = 1.0


def _greek(name: str, title: str, derivative: str, unit: str, formula: str) -> Greek:
    return Greek(
        name=name,
        title=title,
        derivative=derivative,
        unit=unit,
        formula=formula,
        source=_HAUG,
        figure=name,
    )


def _per(greek: Greek, name: str, unit: str, divisor: float) -> Greek:
    return replace(
        greek,
        name=name,
        title=f"{greek.title} {unit.removeprefix('price ').removeprefix('delta ')}",
        unit=unit,
        formula=f"{greek.name} / {divisor:g}",
        divisor=divisor,
    )


DELTA = _greek("delta", "Delta", "dV/dS", "price per 1 of spot", "phi e^(-q T) N(phi d1)")
GAMMA = _greek("gamma", "Gamma", "d2V/dS2", "delta per 1 of spot", "e^(-q T) n(d1) / (S v)")
VEGA = _greek("vega", "Vega", "dV/dsigma", "price per 1.00 of volatility", "S e^(-q T) n(d1) sqrt(T)")
THETA = _greek(
    "theta",
    "Theta",
    "dV/dt = -dV/dT",
    "price per year",
    "-S e^(-q T) n(d1) sigma / (2 sqrt(T)) + phi (q S e^(-q T) N(phi d1) - r K e^(-r T) N(phi d2))",
)
RHO = _greek("rho", "Rho", "dV/dr", "price per 1.00 of rate", "phi K T e^(-r T) N(phi d2)")
PHI = _greek(
    "phi",
    "Phi (rho of the dividend yield)",
    "dV/dq",
    "price per 1.00 of dividend yield",
    "-phi S T e^(-q T) N(phi d1)",
)
VANNA = _greek(
    "vanna", "Vanna", "d2V/(dS dsigma)", "delta per 1.00 of volatility", "-e^(-q T) n(d1) d2 / sigma"
)
VOLGA = _greek("volga", "Volga", "d2V/dsigma2", "vega per 1.00 of volatility", "vega d1 d2 / sigma")
CHARM = _greek(
    "charm",
    "Charm",
    "d2V/(dS dt)",
    "delta per year",
    "phi q e^(-q T) N(phi d1) - e^(-q T) n(d1) (b / v - d2 / (2 T))",
)
SPEED = _greek("speed", "Speed", "d3V/dS3", "gamma per 1 of spot", "-gamma (1 + d1 / v) / S")
COLOUR = _greek(
    "colour", "Colour", "d3V/(dS2 dt)", "gamma per year", "gamma (q + d1 (b / v - d2 / (2 T)) + 1 / (2 T))"
)
ZOMMA = _greek(
    "zomma", "Zomma", "d3V/(dS2 dsigma)", "gamma per 1.00 of volatility", "gamma (d1 d2 - 1) / sigma"
)

GREEKS: Mapping[str, Greek] = MappingProxyType(
    {
        one.name: one
        for one in (
            DELTA,
            GAMMA,
            VEGA,
            _per(VEGA, "vega_per_point", "price per percentage point of volatility", 100.0),
            THETA,
            _per(THETA, "theta_per_day", "price per calendar day", DAYS_OF_A_YEAR),
            RHO,
            _per(RHO, "rho_per_point", "price per percentage point of rate", 100.0),
            PHI,
            VANNA,
            VOLGA,
            CHARM,
            _per(CHARM, "charm_per_day", "delta per calendar day", DAYS_OF_A_YEAR),
            SPEED,
            COLOUR,
            ZOMMA,
        )
    }
)
