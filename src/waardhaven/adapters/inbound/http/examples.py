"""What answers look like, by operation: shortened answers of the sample market."""

from typing import Any, Final

NOTE = "Market capitalisation is a proxy in the sample market."
USER = {
    "id": "7ec64d09-c987-41d0-a1d2-fdc1bc6610a9",
    "email": "ada@example.org",
    "username": "ada",
    "role": "viewer",
    "is_active": True,
    "is_verified": False,
    "created_at": "2024-06-03T09:30:00Z",
}
SIGNED_IN = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3ZWM2NGQwOSJ9.f_L8g1qwmrgefal1",
    "token_type": "bearer",
    "expires_in": 900,
    "expires_at": "2024-06-03T09:45:00Z",
    "user": USER,
}
MADE_FROM = {
    "definition_version": 1,
    "vintage": 8,
    "vintage_at": "2024-06-03T04:00:00Z",
    "code": {"package": "0.1.0", "digest": "26961dd6fd5a0854", "fingerprint": "78b94b108b1c2a01"},
    "input_hash": "b8b752439956dd65",
}
BUILD_ID = "1c301005-f096-58c3-bbe7-d17392e68542"
PROVENANCE = {
    "index": "autoindex",
    "build": BUILD_ID,
    "publication": 1,
    "published_at": "2024-06-03T04:00:02Z",
    "made_from": MADE_FROM,
    "notes": [NOTE],
}
HISTORY = {
    "dates": ["2022-12-23", "2022-12-27", "2022-12-28"],
    "values": [1228.753067, 1229.312538, 1215.601849],
    "index": "autoindex",
    "name": "Waardhaven AutoIndex",
    "currency": "USD",
    "base_date": "2000-01-03",
    "base_value": 100.0,
    "provenance": PROVENANCE,
}
CURRENT = {
    "date": "2022-12-28",
    "level": 1215.601849,
    "currency": "USD",
    "effective": "2022-12-27",
    "selection": "2022-12-23",
    "allocations": [
        {
            "symbol": "PFE",
            "name": "Pfizer Inc.",
            "sector": "Health Care",
            "weight": 0.1397,
            "units": 3.449,
            "daily_return": -0.0065,
            "ytd_return": -0.1118,
        }
    ],
    "total_assets": 1,
    "provenance": PROVENANCE,
}
INDEX = {
    "slug": "autoindex",
    "name": "Waardhaven AutoIndex",
    "description": "A weekly blend of momentum, market capitalisation and inverse volatility.",
    "currency": "USD",
    "base_date": "2000-01-03",
    "base_value": 100.0,
    "benchmark": "SPX",
    "version": 1,
    "visibility": "public",
    "first_day": "2000-01-03",
    "last_day": "2022-12-28",
    "level": 1215.601849,
}
BUILD = {
    "id": BUILD_ID,
    "provenance": MADE_FROM,
    "start": "2000-01-03",
    "through": "2022-12-28",
    "sessions": 5785,
    "restates": False,
    "opened_from": None,
    "created_at": "2024-06-03T04:00:01Z",
    "published": True,
}
ASSET_HISTORY = {
    "dates": ["2022-12-23", "2022-12-27", "2022-12-28"],
    "values": [100.0, 98.612, 95.586],
    "close": [131.477, 129.652, 125.674],
    "symbol": "AAPL",
    "mic": "XNAS",
    "name": "Apple Inc.",
    "currency": "USD",
    "source": "sample",
    "adjustment": "all",
    "vintage": 8,
}
STRATEGY = {
    "name": "inverse_volatility",
    "title": "Inverse volatility",
    "description": "Weights in proportion to 1 / volatility of session returns.",
    "parameters": [
        {
            "name": "lookback",
            "type": "integer",
            "default": 60,
            "minimum": 2.0,
            "maximum": 756.0,
            "description": "Sessions over which the sample deviation is measured.",
        }
    ],
}
CONFIG = {
    "momentum_weight": 0.4,
    "market_cap_weight": 0.3,
    "risk_parity_weight": 0.3,
    "min_price_threshold": 1.0,
    "max_daily_return": 0.5,
    "min_daily_return": -0.5,
    "max_forward_fill_days": 2,
    "outlier_std_threshold": 3.0,
    "rebalance_frequency": "weekly",
    "daily_drop_threshold": -0.05,
    "version": 1,
    "last_rebalance": "2022-12-27",
    "updated_at": "2024-06-03T04:00:00Z",
    "notes": [NOTE],
}
READY = {
    "ready": True,
    "dependencies": [
        {"name": "postgres", "ready": True, "required": True, "detail": "schema 0002", "latency_ms": 1.2},
        {"name": "valkey", "ready": True, "required": False, "detail": "answers", "latency_ms": 0.4},
    ],
}


def _page(item: object) -> dict[str, object]:
    return {"items": [item], "next_cursor": None}


ANSWERS: Final[dict[str, Any]] = {
    "info": {
        "name": "Waardhaven AutoIndex",
        "version": "0.1.0",
        "documentation": "/docs",
        "openapi": "/openapi.json",
        "health": "/health",
    },
    "health": {"status": "ok"},
    "readiness": READY,
    "register": SIGNED_IN,
    "login": SIGNED_IN,
    "me": USER,
    "indexCurrent": CURRENT,
    "indexHistory": HISTORY,
    "indexCurrencies": _page({"code": "EUR", "name": "Euro"}),
    "assetHistory": ASSET_HISTORY,
    "indices": _page(INDEX),
    "index": INDEX,
    "indicesCurrent": CURRENT,
    "indicesHistory": HISTORY,
    "builds": _page(BUILD),
    "strategies": _page(STRATEGY),
    "strategyConfig": CONFIG,
}
"""Answers with status 200 or 201, by ``operationId``."""

DETAILS: Final = {
    400: "The body is not well-formed JSON.",
    401: "Send an access token: Authorization: Bearer <token>.",
    403: "This needs a permission your role does not have.",
    404: "There is no index 'nope'.",
    405: "This address does not take this method.",
    406: "On offer: application/json; encodings br, gzip, identity.",
    409: "An account with that e-mail address exists already.",
    413: "The body is larger than this server takes.",
    415: "Send the body as application/json.",
    422: "The request breaks a rule.",
    429: "Too many attempts in a short time. Try again in 40 s.",
    500: "Something went wrong here. The log has the details under the correlation id.",
    503: "The database is out of reach.",
}
BROKEN: Final = [{"field": "limit", "rule": "Expected `int` <= 200"}]
"""What ``errors`` of a refused request names."""
