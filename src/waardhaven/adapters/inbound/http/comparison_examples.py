"""What answers about benchmarks and risk metrics look like, shortened, without where they come from."""

from typing import Any, Final

SPX: Final = {
    "name": "SPX:XNYS",
    "parts": [
        {
            "name": "SPX:XNYS",
            "title": "S&P 500 Index",
            "weight": 1.0,
            "kind": "asset",
            "source": "sample",
            "adjust": "all",
            "variant": None,
        }
    ],
}
BENCHMARK: Final[dict[str, Any]] = {
    "dates": ["2022-12-23", "2022-12-27", "2022-12-28"],
    "values": [100.0, 99.59503955971931, 98.39784437242834],
    "index_values": [100.0, 100.04553160465102, 98.9297102614907],
    "relative": [1.0, 1.0045232377729172, 1.005405259560863],
    "beta": [0.7443619477720946, 0.7434119592971816, 0.7440063765212468],
    "alpha": [0.2192435118979795, 0.21850088835041306, 0.21699451108826082],
    "tracking_error": [0.11198585331186672, 0.11203765402174894, 0.11202909107513306],
    "index": "autoindex",
    "name": "Waardhaven AutoIndex",
    "currency": "USD",
    "variant": "price",
    "benchmark": SPX,
    "window": 252,
    "periods_per_year": 252.0,
    "risk_free_rate": 0.0,
    "left_out": 0,
    "notes": [
        "SPX is an index and counts distributions only if its publisher does; the index reinvests them."
    ],
}
COMPARISON: Final[dict[str, Any]] = BENCHMARK | {
    "confidence": 0.95,
    "figures": {
        "volatility": {
            "index": 0.1303045424051203,
            "index_reason": None,
            "benchmark": 0.08947454795867074,
            "benchmark_reason": None,
            "unit": "fraction_per_year",
            "direction": "lower",
            "formula": "sqrt(sum((r - mean(r)) ^ 2) / (n - 1)) x sqrt(f)",
        },
        "tracking_error": {
            "index": 0.04082999444644952,
            "index_reason": None,
            "benchmark": None,
            "benchmark_reason": "no_benchmark",
            "unit": "fraction_per_year",
            "direction": "lower",
            "formula": "s(r - b) x sqrt(f), divisor n - 1",
        },
    },
}
RISK_METRICS: Final[dict[str, Any]] = {
    "index": "autoindex",
    "name": "Waardhaven AutoIndex",
    "currency": "USD",
    "variant": "price",
    "frequency": "daily",
    "base": "2021-12-28",
    "first": "2021-12-29",
    "last": "2022-12-28",
    "returns": 252,
    "coverage": 1.0,
    "common": 252,
    "periods_per_year": 252.0,
    "risk_free_rate": 0.0,
    "confidence": 0.95,
    "benchmark": SPX,
    "metrics": {
        "var_historical": {
            "value": 0.021698852840641356,
            "reason": None,
            "unit": "fraction_per_period",
            "direction": "lower",
            "formula": "-quantile(r, 1 - confidence), linear between order statistics (type 7)",
            "interval": {"low": 0.0187, "high": 0.0249, "verdict": "above_zero"},
        },
        "tracking_error": {
            "value": 0.11202909107513306,
            "reason": None,
            "unit": "fraction_per_year",
            "direction": "lower",
            "formula": "s(r - b) x sqrt(f), divisor n - 1",
            "interval": {"low": 0.0981, "high": 0.1263, "verdict": "above_zero"},
        },
        "sharpe_deflated": {
            "value": None,
            "reason": "no_trials",
            "unit": "probability",
            "direction": "higher",
            "formula": (
                "the probabilistic one with hurdle = sqrt(v) ((1 - g) z(1 - 1 / N) + g z(1 - 1 / (N e))), "
                "N trials, v the variance of their Sharpe ratios of one period, g = 0.5772..., "
                "z normal quantile"
            ),
            "interval": {"low": None, "high": None, "verdict": "unknown"},
        },
    },
    "trials": 3,
    "resampling": {
        "method": "percentile",
        "draws": 1000,
        "level": 0.95,
        "seed": 0,
        "block_length": 4.1,
    },
    "notes": BENCHMARK["notes"],
}
STORED_METRICS: Final = {
    "items": [
        {
            "day": "2022-12-28",
            "publication": 12,
            "measured_at": "2022-12-28T22:46:02Z",
            "base": "2018-01-02",
            "currency": "USD",
            "variant": "price",
            "benchmark": "SPX:XCBO",
            "returns": 1255,
            "common": 1255,
            "coverage": 1.0,
            "periods_per_year": 252.0,
            "risk_free_rate": 0.0,
            "confidence": 0.95,
            "trials": 1,
            "metrics": {
                "volatility": {"value": 0.2214, "unit": "fraction_per_year", "reason": None},
                "sharpe": {"value": 0.61, "unit": "ratio", "reason": None},
            },
            "notes": BENCHMARK["notes"],
            "code": "0.1.0",
        }
    ],
    "next_cursor": "2022-12-28.12",
}
