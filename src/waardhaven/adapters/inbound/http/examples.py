"""What answers look like, by operation: shortened answers of the sample market."""

from typing import Any, Final

from waardhaven.adapters.inbound.http.analytics_examples import ANALYTICS_ANSWERS
from waardhaven.adapters.inbound.http.comparison_examples import (
    BENCHMARK,
    COMPARISON,
    RISK_METRICS,
    STORED_METRICS,
)
from waardhaven.adapters.inbound.http.definition_examples import definition_answers
from waardhaven.adapters.inbound.http.job_examples import JOB_ANSWERS
from waardhaven.adapters.inbound.http.market_examples import MARKET_ANSWERS
from waardhaven.adapters.inbound.http.markowitz_examples import MARKOWITZ_ANSWERS
from waardhaven.adapters.inbound.http.money_examples import SIMULATION, TARGETS
from waardhaven.adapters.inbound.http.monte_carlo_examples import MONTE_CARLO_ANSWERS
from waardhaven.adapters.inbound.http.option_examples import OPTION_ANSWERS
from waardhaven.adapters.inbound.http.working_examples import WORKING_ANSWERS

NOTE = "Market capitalisation is a proxy in the sample market."
USER = {
    "id": "7ec64d09-c987-41d0-a1d2-fdc1bc6610a9",
    "email": "ada@example.org",
    "username": "ada",
    "role": "viewer",
    "is_active": True,
    "is_verified": True,
    "created_at": "2024-06-03T09:30:00Z",
    "updated_at": "2024-06-03T09:30:00Z",
    "deleted_at": None,
}
ME = {
    "id": USER["id"],
    "email": "ada@example.org",
    "username": "ada",
    "role": "viewer",
    "permissions": ["indices:read"],
    "is_verified": True,
    "has_password": True,
    "providers": ["google"],
    "created_at": "2024-06-03T09:30:00Z",
    "updated_at": "2024-06-03T09:30:00Z",
}
SIGNED_IN = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3ZWM2NGQwOSJ9.f_L8g1qwmrgefal1",
    "token_type": "bearer",
    "expires_in": 900,
    "expires_at": "2024-06-03T09:45:00Z",
    "refresh_token": "Vq1pXk0Zr7mB2nC8sD4tF6gH9jL3wE5yU0iO1aR_xQ-",
    "refresh_expires_in": 2_592_000,
    "session": "0d4c8b60-7f0a-4a55-9d4e-2f6b6a1f2c11",
    "user": USER,
}
SENT = {"detail": "If the address can be used, a mail is on its way to it."}
SESSION = {
    "id": "0d4c8b60-7f0a-4a55-9d4e-2f6b6a1f2c11",
    "created_at": "2024-06-03T09:30:00Z",
    "last_used_at": "2024-06-03T11:05:00Z",
    "expires_at": "2024-07-03T09:30:00Z",
    "device": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0",
    "address": "203.0.113.9",
    "current": True,
}
API_KEY = {
    "id": "b1f6ce0f-4f44-4b8c-a5b7-6f3f0f7d0b11",
    "name": "nightly report",
    "prefix": "k3v9x0q2ab",
    "scopes": ["indices:read"],
    "requests_per_minute": None,
    "created_at": "2024-06-03T09:30:00Z",
    "expires_at": "2030-01-01T00:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
}
PUBLIC_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "kid": "f2b1c6d05a7e4f39",
    "alg": "EdDSA",
    "use": "sig",
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
    "variant": "price",
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
ACCESS = {
    "index": "my-index",
    "owner": "ada",
    "visibility": "shared",
    "shared_with": [{"username": "grace", "right": "read"}],
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
            "choices": [],
            "optional": False,
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
AUDIT_ENTRY = {
    "id": 1042,
    "at": "2024-06-03T09:30:00Z",
    "actor": "7ec64d09-c987-41d0-a1d2-fdc1bc6610a9",
    "credential": "session",
    "action": "user.role_changed",
    "target": "user:1c301005-f096-48c3-bbe7-d17392e68542",
    "before": "6f5902ac237024bdd0c176cb93063dc4f1d2a1e7d3a9b0c54e8f7a6b5c4d3e2f",
    "after": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "occurrences": 1,
    "detail": {"role": "analyst"},
    "correlation_id": "4f1c0d9e",
    "position": 1040,
}
AUDIT_HEAD = {
    "position": 1040,
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
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


STREAMED = (
    "retry: 2000\nid: 1042.1717430400000-0\n\n\n"
    "id: 1043.1717430400000-0\nevent: job.changed\n"
    'data: {"kind":"job.changed","at":"2024-06-03T16:00:00Z","job":"01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77",'
    '"type":"compute","state":"running","attempt":1,"owner":null,"parent":null,"code":null}\n\n'
    "id: 1043.1717430405000-0\nevent: progress\n"
    'data: {"kind":"progress","at":"2024-06-03T16:00:05Z","job":"01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77",'
    '"type":"compute","stage":"build","done":3,"total":10,"message":""}\n\n'
)
PUBLICATION = {
    "id": 12,
    "index": 1,
    "build": "5d0c1e0a-6a8f-5b52-9c1d-2f60c1a7e011",
    "kind": "restate",
    "from_day": "2022-06-01",
    "through_day": "2022-12-28",
    "announced_at": "2024-06-03T16:00:00Z",
    "effective_at": "2024-06-03T16:00:00Z",
    "reason": "A split was entered late.",
}
REVISION = {
    "id": 3,
    "index": 1,
    "publication": 12,
    "vintage": 9,
    "checked_at": "2024-06-03T16:00:00Z",
    "found": {
        "first_day": "2022-06-01",
        "days": 146,
        "largest": 0.0031,
        "published": 312.402114,
        "known": 312.400901,
    },
    "decision": "left",
}
KNOWN_NOW = {
    "dates": ["2024-01-02", "2024-01-03"],
    "published": [100.0, 100.42],
    "known": [100.0, 100.4],
    "difference": [0.0, -0.000199],
    "index": "autoindex",
    "vintage": 9,
    "provenance": PROVENANCE,
}


def _of_build(name: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer with where it comes from, in those that tell it."""
    told = name in {"compositionFile", "contributions", "explain", "proForma"}
    return {**answer, "provenance": PROVENANCE} if told else answer


ANSWERS: Final[dict[str, Any]] = {
    **ANALYTICS_ANSWERS,
    **OPTION_ANSWERS,
    **MARKOWITZ_ANSWERS,
    **MONTE_CARLO_ANSWERS,
    **JOB_ANSWERS,
    **MARKET_ANSWERS,
    **{name: _of_build(name, answer) for name, answer in WORKING_ANSWERS.items()},
    "stream": STREAMED,
    "jobEvents": STREAMED,
    "info": {
        "name": "Waardhaven AutoIndex",
        "version": "0.1.0",
        "documentation": "/docs",
        "openapi": "/openapi.json",
        "health": "/health",
    },
    "health": {"status": "ok"},
    "readiness": READY,
    "register": SENT,
    "verifyEmail": USER,
    "login": SIGNED_IN,
    "refresh": SIGNED_IN,
    "forgotPassword": SENT,
    "me": ME,
    "updateMe": USER,
    "sessions": _page(SESSION),
    "apiKeys": _page(API_KEY),
    "createApiKey": {"secret": "whk_k3v9x0q2ab_Vq1pXk0Zr7mB2nC8sD4tF6gH9jL3wE5yU0iO1aR_xQ-", "key": API_KEY},
    "providers": {"items": ["google", "github"]},
    "nonce": {"nonce": "AQAAAABmXb5Yt3Kc0Zr7mB2nC8sD4tF6gH9jL3wE5yU0iO1aR", "expires_in": 600},
    "google": SIGNED_IN,
    "startLink": {"location": "https://github.com/login/oauth/authorize?client_id=…&state=…"},
    "jwks": {"keys": [PUBLIC_KEY]},
    "users": _page(USER),
    "user": USER,
    "manageUser": USER,
    "indexCurrent": CURRENT,
    "indexHistory": HISTORY,
    "indexCurrencies": _page({"code": "EUR", "name": "Euro"}),
    "assetHistory": ASSET_HISTORY,
    "indices": _page(INDEX),
    "index": INDEX,
    "indicesCurrent": CURRENT,
    "indicesHistory": HISTORY,
    "builds": _page(BUILD),
    "buildIndex": BUILD,
    "publishBuild": PUBLICATION,
    "revisions": _page(REVISION),
    "knownNow": KNOWN_NOW,
    **dict.fromkeys(("simulate", "simulateIndex"), SIMULATION | {"provenance": PROVENANCE}),
    **dict.fromkeys(("targets", "indexTargets"), TARGETS | {"provenance": PROVENANCE}),
    **dict.fromkeys(("benchmark", "benchmarkSp500"), BENCHMARK | {"provenance": PROVENANCE}),
    "benchmarkCompare": COMPARISON | {"provenance": PROVENANCE},
    "riskMetrics": RISK_METRICS | {"provenance": PROVENANCE},
    **dict.fromkeys(("riskMetricsHistory", "strategyRiskMetrics"), STORED_METRICS),
    "indexAccess": ACCESS,
    "changeIndexAccess": ACCESS,
    "strategies": _page(STRATEGY),
    "audit": _page(AUDIT_ENTRY),
    "auditHead": AUDIT_HEAD,
    "strategyConfig": CONFIG,
    **definition_answers(CONFIG),
}
"""Successful answers, by ``operationId``."""

DETAILS: Final = {
    400: "The body is not well-formed JSON.",
    401: "Send an access token: Authorization: Bearer <token>.",
    403: "This needs a permission your role does not have.",
    404: "There is no index 'nope'.",
    405: "This address does not take this method.",
    406: "On offer: application/json; encodings br, gzip, identity.",
    408: "The body did not arrive in time.",
    409: "An account with that e-mail address exists already.",
    413: "The body is larger than this server takes.",
    415: "Send the body as application/json.",
    422: "The request breaks a rule.",
    429: "Too many attempts in a short time. Try again in 40 s.",
    500: "Something went wrong here. The log has the details under the correlation id.",
    503: "The database is out of reach.",
}
BROKEN: Final = [{"field": "limit", "rule": "must be <= 200"}]
"""What ``errors`` of a refused request names."""
