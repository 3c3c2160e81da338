"""What answers about optimal portfolios look like, shortened."""

from typing import Any, Final

POINTS: Final = {
    "expected_returns": [0.0417, 0.055],
    "volatilities": [0.0604, 0.1055],
    "sharpe": [0.5253, 0.4266],
    "weights": [[0.6, 0.1248, 0.2752], [0.5, 0.5, 0.0]],
}
MARKOWITZ_ANSWERS: Final[dict[str, Any]] = {
    "markowitz": {
        "objective": "maximum_sharpe",
        "names": ["bonds", "shares", "gold"],
        "weights": {"bonds": 0.6, "shares": 0.1881, "gold": 0.2119},
        "expected_return": 0.0436,
        "volatility": 0.0622,
        "sharpe": 0.5408,
        "risk_free_rate": 0.01,
        "risk_contributions": {"bonds": 0.0163, "shares": 0.0271, "gold": 0.0188},
        "measure": "sharpe",
        "value": 0.5408,
        "figures": {"lambda": 0.115},
        "turnover": None,
        "method": "critical_line",
        "residual": 9.4e-17,
        "duals": {
            "programme": "minimise w'Sw / 2 - lambda m'w, lambda as in figures",
            "budget": -0.00023,
            "target_return": None,
            "turnover": None,
            "min_weight": {},
            "max_weight": {"bonds": -0.00153},
            "groups": [{"group": "risky", "side": "most", "value": 0.0}],
        },
        "active": ["bonds at its upper bound"],
        "moments": {
            "made": "supplied",
            "expected_returns": {"bonds": 0.03, "shares": 0.08, "gold": 0.05},
            "volatilities": {"bonds": 0.05, "shares": 0.2, "gold": 0.15},
            "repair": None,
            "covariance": None,
        },
        "past": None,
        "frontier": {
            "method": "critical_line",
            "residual": 2.9e-16,
            "points": POINTS | {"prices": None},
            "corners": POINTS | {"prices": [0.0, 0.6167]},
        },
        "notes": [],
    },
    "markowitzObjectives": {
        "objectives": [
            {
                "name": "target_return",
                "title": "Least variance at an expected return",
                "parameters": ["target_return"],
                "formula": "minimise w'Sw / 2 with m'w = target_return",
                "source": 'Markowitz (1952), "Portfolio selection", Journal of Finance 7',
                "measure": "variance",
                "most_names": True,
            }
        ],
        "covariance_methods": [
            {
                "name": "sample",
                "title": "Sample",
                "formula": "sum of (r - mean)(r - mean)' / (T - 1)",
                "source": "Markowitz (1959)",
                "needs_market": False,
                "few_periods": False,
            }
        ],
        "expected_return_methods": [
            {
                "name": "implied_equilibrium",
                "title": "Implied by equilibrium",
                "formula": "r_f + risk_aversion S market_weights",
                "source": "Black & Litterman (1992); He & Litterman (1999), equation 12",
                "needs_market": True,
                "few_periods": True,
            }
        ],
    },
}
