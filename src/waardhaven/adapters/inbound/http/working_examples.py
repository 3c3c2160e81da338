"""What answers that show the working of an index look like, shortened, without where they come from."""

from typing import Any, Final

BUILD: Final = "1c301005-f096-58c3-bbe7-d17392e68542"
DAY: Final = "2022-12-28"
NAMES: Final = {"symbols": ["AAPL", "PFE"], "weights": [0.8, 0.2], "units": [7.6, 3.449]}
REVIEW: Final = {"selection": "2022-12-23", "effective": "2022-12-27", "reason": "scheduled"}
COMPOSITION: Final[dict[str, Any]] = {
    **REVIEW,
    "divisor": 1.0,
    "turnover": 0.0712,
    "cost": 0.0,
    "total_names": 2,
    "names": NAMES,
}
REBALANCE: Final[dict[str, Any]] = {
    **REVIEW,
    "turnover": 0.0712,
    "cost": 0.0,
    "names_before": 2,
    "names_after": 2,
    "entered": [],
    "left": [],
    "changes": {
        "symbols": ["AAPL", "PFE"],
        "before": [0.8356, 0.1644],
        "after": [0.8, 0.2],
        "change": [-0.0356, 0.0356],
    },
}
FILE: Final[dict[str, Any]] = {
    "symbols": ["AAPL", "PFE"],
    "names": ["Apple Inc.", "Pfizer Inc."],
    "units": [7.6, 3.449],
    "close": [125.674, 49.231],
    "quote_units": ["USD", "USD"],
    "fx": [1.0, 1.0],
    "value": [955.1224, 169.797719],
    "weight": [0.849058, 0.150942],
    "stale": [False, False],
    "ids": [f"{BUILD}.weight.{DAY}.1", f"{BUILD}.weight.{DAY}.17"],
    "index": "autoindex",
    "at": "closing",
    "date": DAY,
    "closed_on": DAY,
    "currency": "USD",
    "level": 1124.920119,
    "level_id": f"{BUILD}.level.{DAY}",
    "divisor": 1.0,
    "market_value": 1124.920119,
    "reproduced": True,
    "actions": [],
}


def _figure(name: str, value: float | None, asset: int | None = None) -> dict[str, Any]:
    suffix = "" if asset is None else f".{asset}"
    return {"value": value, "id": f"{BUILD}.{name}.{DAY}{suffix}"}


LEVEL: Final[dict[str, Any]] = {
    "level": _figure("level", 1124.920119),
    "level_before": 1130.1,
    "change": _figure("level_change", -5.179881),
    "parts": {
        "prices": _figure("prices", -5.179881),
        "currencies": _figure("currencies", 0.0),
        "actions": _figure("actions", 0.0),
        "costs": _figure("costs", 0.0),
        "correction": _figure("correction", 0.0),
    },
    "unexplained": 0.0,
    "divisor": _figure("divisor", 1.0),
    "divisor_before": 1.0,
    "gross_points": _figure("gross_points", 0.0),
    "net_points": _figure("net_points", None),
    "contributions": {
        "symbols": ["AAPL"],
        "weight_before": [1.0],
        "contribution": [-5.179881],
        "price_points": [-5.179881],
        "currency_points": [0.0],
        "action_points": [0.0],
        "price_return": [-0.004584],
        "currency_return": [0.0],
        "total_return": [-0.004584],
        "dividend_points": [0.0],
        "ids": [f"{BUILD}.contribution.{DAY}.1"],
    },
    "actions": [],
}
WEIGHT: Final[dict[str, Any]] = {
    "symbol": "AAPL",
    "name": "Apple Inc.",
    "weight": _figure("weight", 0.849058, 1),
    "units": _figure("units", 7.6, 1),
    "price": 125.674,
    "review": {
        **REVIEW,
        "definition_version": 1,
        "build": BUILD,
        "reproduced": True,
        "eligible": True,
        "refusals": [],
        "sleeves": [
            {"strategy": "blend", "share": 1.0, "weight": 0.8, "figures": {}, "covariance": None},
            {
                "strategy": "blend/momentum",
                "share": 0.4,
                "weight": 0.8,
                "figures": {"momentum": 0.021},
                "covariance": None,
            },
            {
                "strategy": "blend/equal_risk",
                "share": 0.3,
                "weight": 0.51,
                "figures": {"volatility": 0.018},
                "covariance": {
                    "estimator": "ledoit_wolf",
                    "sessions": 60,
                    "names": 20,
                    "sessions_per_name": 3.0,
                    "smallest_eigenvalue": 2.1e-05,
                    "condition": 148.2,
                    "reliable": True,
                    "verdict": "Reliable.",
                    "left_out": 0,
                    "missing": 0,
                },
            },
        ],
        "target": _figure("target", 0.8, 1),
        "effects": [],
        "constrained": 0.8,
        "weight": _figure("review_weight", 0.8, 1),
        "held_before": 0.8356,
    },
    "drift": {
        "since": "2022-12-27",
        "weight_then": 0.8,
        "name_growth": 0.9954,
        "index_growth": 0.9379,
        "weight_now": 0.849058,
    },
}
EXPLANATION: Final[dict[str, Any]] = {
    "index": "autoindex",
    "date": DAY,
    "previous": "2022-12-27",
    "reproduced": True,
    "same_code": True,
    "level": LEVEL,
    "weight": WEIGHT,
    "command": f"waardhaven explain autoindex --date {DAY} --symbol AAPL:XNAS",
}
FIGURE: Final[dict[str, Any]] = {
    "id": f"{BUILD}.level.{DAY}",
    "figure": "level",
    "index": "autoindex",
    "date": DAY,
    "symbol": None,
    "value": 1124.920119,
    "formula": "sum over names of (units x close x rate) / divisor, less the cost of a review that day",
    "documentation": "docs/methodology/figures.md#level",
    "build": BUILD,
    "definition_version": 1,
    "inputs": {
        "digest": "b8b752439956dd65",
        "source": "sample",
        "adjustment": "all",
        "fixing": "ECB",
        "calendar": "XNYS",
        "universe": "sample-us20",
        "names": 20,
        "sessions": 5785,
        "first_session": "2000-01-03",
        "last_session": DAY,
        "continues_from": None,
        "vintage": 8,
        "vintage_at": "2024-06-03T04:00:00Z",
    },
    "package": "0.1.0",
    "code_digest": "26961dd6fd5a0854",
    "fingerprint": "78b94b108b1c2a01",
    "command": f"waardhaven explain autoindex --date {DAY}",
    "verify_command": "waardhaven verify autoindex",
}
PRO_FORMA: Final[dict[str, Any]] = {
    "index": "autoindex",
    "date": DAY,
    "selected": DAY,
    "selection": "2022-12-30",
    "effective": "2023-01-03",
    "provisional": True,
    "note": "Provisional: selected from closes up to 2022-12-28; the review itself selects from closes up to "
    "2022-12-30, so these weights will change.",
    "turnover": 0.0981,
    "entered": [],
    "left": [],
    "effects": [],
    "names": {
        "symbols": ["AAPL", "PFE"],
        "current": [0.849058, 0.150942],
        "pro_forma": [0.8, 0.2],
        "change": [-0.049058, 0.049058],
    },
    "definition_version": 1,
    "vintage": 8,
}
_FIGURES = {
    "first_day": "2000-01-03",
    "last_day": DAY,
    "total_return": 11.156,
    "annual_return": 0.1148,
    "volatility": 0.1961,
    "max_drawdown": -0.4327,
    "reviews": 1210,
    "sessions_per_year": 252,
}
PREVIEW: Final[dict[str, Any]] = {
    "dates": ["2022-12-27", DAY],
    "own": [1240.11, 1228.4],
    "live": [1229.312538, 1215.601849],
    "index": "autoindex",
    "definition_version": 1,
    "vintage": 8,
    "first_difference": "2000-01-11",
    "own_figures": _FIGURES,
    "live_figures": _FIGURES,
    "weights": {"symbols": ["AAPL"], "own": [1.0], "live": [1.0], "difference": [0.0]},
    "turnover": {"years": [2022], "own": [3.1], "live": [4.2]},
    "note": "Both series are computed now, from the same facts and the base date on.",
}
CONTRIBUTIONS: Final = {
    "index": "autoindex",
    "name": "Waardhaven AutoIndex",
    "currency": "USD",
    "variant": "price",
    "frequency": "monthly",
    "by": "sector",
    "base": "2022-11-30",
    "last": "2022-12-28",
    "total_return": -0.0512,
    "cost": 0.0,
    "correction": 0.0,
    "groups": [
        {
            "key": "Health care",
            "title": "Health care",
            "asset": None,
            "contribution": 0.0021,
            "price": 0.0021,
            "action": 0.0,
            "distribution": 0.0,
        },
        {
            "key": "Information technology",
            "title": "Information technology",
            "asset": None,
            "contribution": -0.0533,
            "price": -0.0533,
            "action": 0.0,
            "distribution": 0.0,
        },
    ],
    "periods": [
        {
            "first": "2022-12-01",
            "last": "2022-12-28",
            "total_return": -0.0512,
            "contributions": [0.0021, -0.0533],
            "cost": 0.0,
            "correction": 0.0,
        }
    ],
}
WORKING_ANSWERS: Final[dict[str, Any]] = {
    "compositions": {"items": [COMPOSITION], "next_cursor": "2022-12-27"},
    "rebalances": {"items": [REBALANCE], "next_cursor": "2022-12-27"},
    "compositionFile": FILE,
    "explain": EXPLANATION,
    "contributions": CONTRIBUTIONS,
    "provenance": FIGURE,
    "proForma": PRO_FORMA,
    "preview": PREVIEW,
}
