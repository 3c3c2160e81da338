"""What answers about market data look like, by operation."""

from typing import Any, Final

SERIES: Final = {
    "source": "sample",
    "adjustment": "all",
    "currency": "USD",
    "quote_unit": "USD",
    "bars": 8313,
    "first": "1990-01-02",
    "last": "2022-12-28",
}
ASSET: Final = {
    "id": 1,
    "symbol": "AAPL",
    "mic": "XNAS",
    "name": "Apple Inc.",
    "asset_type": "equity",
    "currency": "USD",
    "sector": "Information Technology",
    "country": "US",
    "archived": False,
    "series": [SERIES],
    "names": [{"symbol": "AAPL", "mic": "XNAS", "since": None, "until": None}],
}
SYMBOL: Final = {
    "id": 1,
    "symbol": "AAPL",
    "mic": "XNAS",
    "name": "Apple Inc.",
    "asset_type": "equity",
    "currency": "USD",
    "sources": ["sample"],
    "first": "1990-01-02",
    "last": "2022-12-28",
    "bars": 8313,
}
ACTION: Final = {
    "source": "sample",
    "key": "split-2005-02-28",
    "kind": "split",
    "status": "confirmed",
    "ex_date": "2005-02-28",
    "record_date": None,
    "pay_date": None,
    "ratio": "2",
    "amount": None,
    "currency": None,
    "other_asset": None,
}
PRICES: Final = {
    "symbols": ["AAPL", "AAPL"],
    "mics": ["XNAS", "XNAS"],
    "dates": ["2005-02-25", "2005-02-28"],
    "open": [None, None],
    "high": [None, None],
    "low": [None, None],
    "close": [44.495, 44.86],
    "volume": [None, None],
    "adjust": "splits",
    "frequency": "daily",
    "vintage": 8,
    "series": [
        {
            "symbol": "AAPL",
            "mic": "XNAS",
            "asset": 1,
            "name": "Apple Inc.",
            "source": "sample",
            "currency": "USD",
            "method": "computed",
            "actions": 2,
            "bars": 2,
            "first": "2005-02-25",
            "last": "2005-02-28",
            "reason": None,
        }
    ],
    "missing": [{"symbol": "NOPE", "code": "unknown_asset", "detail": "There is no asset NOPE."}],
}
QUOTE: Final = {
    "symbol": "AAPL",
    "mic": "XNAS",
    "price": 189.98,
    "currency": "USD",
    "live": True,
    "source": "twelvedata",
    "at": "2024-06-03T15:59:00Z",
    "previous_close": 192.25,
    "age_seconds": 60.0,
    "reason": None,
}
IMPORT: Final = {
    "id": "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77",
    "state": "checked",
    "name": "closes.csv",
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "size": 48213,
    "created_at": "2024-06-03T16:00:00Z",
    "mapping": {"format": "csv", "layout": "long", "numbers": "us", "dates": "iso", "source": "file"},
    "report": {
        "rows": 1250,
        "symbols": [{"symbol": "ACME", "mic": "XNYS", "asset": None, "bars": 1250}],
        "issues": [],
        "issue_count": 0,
        "notes": ["Rows were not in order of days."],
        "would": {"inserted": 1250, "changed": 0, "unchanged": 0},
    },
    "vintage": None,
    "undone_vintage": None,
    "job": None,
}
FRESHNESS: Final = {
    "timestamp": "2024-06-03T22:00:00Z",
    "universe": "configured",
    "providers": ["twelvedata"],
    "total": 1,
    "fresh": 0,
    "stale": 1,
    "empty": 0,
    "unknown": 0,
    "latest": "2024-05-31",
    "needs_update": True,
    "recommendation": "1 of 1 assets lack a session that is over: run a smart refresh.",
    "assets": [
        {
            "symbol": "AAPL",
            "mic": "XNAS",
            "state": "stale",
            "source": "twelvedata",
            "last": "2024-05-31",
            "expected": "2024-06-03",
            "behind": 1,
        }
    ],
}
PROVIDERS: Final = {
    "timestamp": "2024-06-03T22:00:00Z",
    "refresh_mode": "smart",
    "providers": [
        {
            "name": "twelvedata",
            "capabilities": ["bars", "quotes", "search"],
            "needs_key": True,
            "plan": "free",
            "credits_per_minute": 8,
            "credits_left_minute": 6,
            "credits_per_day": 800,
            "credits_left_day": 741,
            "breaker": "closed",
            "failures": 0,
            "open_until": None,
            "last_error": None,
        }
    ],
}
TRIAL: Final = {
    "timestamp": "2024-06-03T22:00:00Z",
    "overall_status": "ok",
    "steps": [
        {
            "step": "prices",
            "status": "ok",
            "detail": "twelvedata delivered 6 bars since 2024-05-24.",
            "seconds": 0.4,
        }
    ],
}
FLAG: Final = {
    "id": 1042,
    "series": 3,
    "asset": 1,
    "symbol": "AAPL",
    "mic": "XNAS",
    "source": "sample",
    "adjustment": "all",
    "day": "2000-09-29",
    "kind": "outlier",
    "detail": "log return -0.73124; before: median 0.00190, scale 0.03410",
    "state": "open",
    "found_at": "2024-06-03T16:00:00Z",
    "reviewed_at": None,
    "note": None,
}
QUALITY: Final = {
    "counts": [{"kind": "outlier", "state": "open", "count": 12, "latest": "2016-04-22"}],
    "items": [FLAG],
    "next_cursor": None,
}
MARKET_ANSWERS: Final[dict[str, Any]] = {
    "symbols": {"items": [SYMBOL], "next_cursor": None},
    "prices": PRICES,
    "assets": {"items": [ASSET], "next_cursor": None},
    "asset": ASSET,
    "createAsset": ASSET,
    "changeAsset": ASSET,
    "archiveAsset": ASSET | {"archived": True},
    "assetActions": {"items": [ACTION], "next_cursor": None},
    "enterAction": {"items": [ACTION], "next_cursor": None},
    "quotes": {"items": [QUOTE], "next_cursor": None},
    "uploadPrices": IMPORT | {"state": "uploaded", "report": None},
    "imports": {"items": [IMPORT], "next_cursor": None},
    "import": IMPORT,
    "undoImport": IMPORT | {"state": "undone", "vintage": 9, "undone_vintage": 10},
    "refreshStatus": FRESHNESS,
    "marketProviders": PROVIDERS,
    "testRefresh": TRIAL,
    "dataQuality": QUALITY,
    "reviewFlag": FLAG | {"state": "accepted", "note": "A profit warning."},
}
"""Successful answers, by ``operationId``."""
