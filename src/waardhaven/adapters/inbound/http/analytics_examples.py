"""What answers about metrics look like, shortened."""

from typing import Any, Final

ANALYTICS_ANSWERS: Final[dict[str, Any]] = {
    "metricsCatalogue": {
        "items": [
            {
                "name": "sharpe",
                "title": "Sharpe ratio",
                "unit": "ratio",
                "direction": "higher",
                "needs": ["risk_free"],
                "least": 2,
                "formula": "mean(excess) / deviation(excess) x sqrt(f)",
                "source": "W. Sharpe, The Sharpe Ratio, Journal of Portfolio Management 21 (1994)",
                "unknown": "constant_series",
            }
        ],
        "next_cursor": None,
    },
    "analyseRisk": {
        "series": ["series"],
        "periods_per_year": 252.0,
        "periods_told_by": "calendar",
        "first": None,
        "last": None,
        "days": 4,
        "observations": [3],
        "common": None,
        "coverage": [0.75],
        "metrics": {
            "sharpe": {
                "unit": "ratio",
                "direction": "higher",
                "formula": "mean(excess) / deviation(excess) x sqrt(f)",
                "values": [1.399],
                "reasons": [None],
                "intervals": None,
            },
            "annual_return": {
                "unit": "fraction_per_year",
                "direction": "higher",
                "formula": "product(1 + r) ** (f / n) - 1",
                "values": [None],
                "reasons": ["under_a_year"],
                "intervals": None,
            },
        },
        "resampling": None,
        "warnings": [],
    },
    "xirr": {
        "unit": "fraction_per_year",
        "day_count": "actual/365 fixed, from the earliest payment of a set",
        "sets": 2,
        "rates": [0.0964, 0.1],
        "reasons": [None, None],
        "roots": [1, 1],
        "may_be_more": [False, False],
        "warnings": [None, None],
        "explanations": {},
    },
    "twr": {
        "unit": "fraction",
        "annual_unit": "fraction_per_year",
        "day_count": "actual/365 fixed, from the first to the last value of a set",
        "sets": 1,
        "totals": [0.08],
        "reasons": [None],
        "annual": [0.08],
        "annual_reasons": [None],
        "growth": [1.0, 1.0333, 1.0452],
        "explanations": {},
    },
}
