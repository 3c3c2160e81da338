"""What the answer of a simulation looks like, shortened."""

from typing import Any, Final

MONTE_CARLO_ANSWERS: Final[dict[str, Any]] = {
    "monteCarlo": {
        "kind": "portfolio",
        "method": "lognormal returns, independent from period to period",
        "seed": 42,
        "simulations": 4096,
        "time_steps": 120,
        "numbers": 983040,
        "interval": 0.95,
        "convergence": [
            {
                "simulations": 4096,
                "estimate": 31690.2318,
                "standard_error": 146.3276,
                "low": 31403.435,
                "high": 31977.0287,
            }
        ],
        "notes": [],
        "portfolio": {
            "model": "gbm",
            "assets": [{"name": "stocks", "weight": 0.6}, {"name": "bonds", "weight": 0.4}],
            "periods_per_year": 12.0,
            "years": 10.0,
            "terminal": {
                "mean": {
                    "estimate": 31690.2318,
                    "standard_error": 146.3276,
                    "low": 31403.435,
                    "high": 31977.0287,
                },
                "standard_deviation": 9364.9676,
                "minimum": 11305.7571,
                "maximum": 93972.663,
                "quantiles": [{"level": 0.5, "value": 30283.9455, "low": 29984.0415, "high": 30624.3714}],
            },
            "histogram": {"edges": [11305.7571, 14911.4522, 63433.6656, 93972.663], "counts": [21, 4054, 21]},
            "fan": {
                "steps": [0, 120],
                "years": [0.0, 10.0],
                "levels": [0.5],
                "values": [[10000.0], [30283.9455]],
                "mean": [10000.0, 31690.2318],
                "paid_in": [10000.0, 22000.0],
                "ruined": [0.0, 0.0],
            },
            "loss": {
                "level": 0.95,
                "value_at_risk": {"level": 0.95, "value": 3043.5024, "low": 2749.7062, "high": 3411.6263},
                "expected_shortfall": {
                    "estimate": 4911.7155,
                    "standard_error": 164.0664,
                    "low": 4590.1513,
                    "high": 5233.2796,
                },
                "invested": 22000.0,
                "relative_value_at_risk": 0.1383,
                "relative_expected_shortfall": 0.2233,
            },
            "goal": {"estimate": 0.5144, "low": 0.4991, "high": 0.5297, "count": 2107},
            "ruin": {"estimate": 0.0, "low": 0.0, "high": 0.0009, "count": 0},
            "growth": {
                "mean": {"estimate": 0.6262, "standard_error": 0.0096, "low": 0.6075, "high": 0.645},
                "standard_deviation": 0.6123,
                "minimum": -0.6088,
                "maximum": 5.0405,
                "quantiles": [{"level": 0.5, "value": 0.5238, "low": 0.5052, "high": 0.5422}],
            },
            "drawdown": {
                "mean": {"estimate": -0.2461, "standard_error": 0.0014, "low": -0.2488, "high": -0.2434},
                "standard_deviation": 0.0879,
                "minimum": -0.6437,
                "maximum": -0.0709,
                "quantiles": [{"level": 0.5, "value": -0.2295, "low": -0.2328, "high": -0.2262}],
            },
            "annual_returns": [
                {"level": 0.5, "money_weighted": 0.0437, "time_weighted": 0.043, "reason": None}
            ],
            "past": None,
        },
        "derivative": None,
    }
}
