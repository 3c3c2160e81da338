"""Optimal portfolios over the published sample market: moments of stored returns, in a process of models."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from tests.integration.test_http_over_real_servers import running
from tests.unit.adapters.http.shapes import body_schema, deviations

from waardhaven.bootstrap.settings import Settings

PATH = "/api/v1/markowitz"
SYMBOLS = ["AAPL", "MSFT", "PFE", "SPX"]
PAST = {"symbols": SYMBOLS, "start": "2018-01-02", "end": "2022-12-28"}


@pytest.mark.timeout(180)
async def test_stored_symbols_are_optimised_as_returns_of_the_sample_market(
    published_url: str, valkey_url: str, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(published_url, redis_url=valkey_url)
    async with running(settings, cache_namespace=published_url) as api:
        asked = PAST | {"covariance_method": "sample", "with_covariance": True, "frontier": 20}
        answered = await api.client.post(PATH, json=asked)
        histories = [
            (
                await api.client.get(f"/api/v1/index/assets/{one}/history?start=2018-01-02&end=2022-12-28")
            ).json()
            for one in SYMBOLS
        ]
        refused = await api.client.post(PATH, json=PAST | {"symbols": ["AAPL", "NOPE", "aapl"]})
        infeasible = await api.client.post(PATH, json=PAST | {"max_weight": 0.2})
        few = PAST | {"start": "2022-12-22", "covariance_method": "sample"}
        short = await api.client.post(PATH, json=few)
        weekly = await api.client.post(
            PATH, json=PAST | {"frequency": "weekly", "currency": "EUR", "objective": "risk_parity"}
        )
        catalogue = await api.client.get("/api/v1/markowitz-objectives")
        schema = (await api.client.get("/openapi.json")).json()
    assert answered.status_code == 200, answered.text
    body = answered.json()
    days = histories[0]["dates"]
    assert all(one["dates"] == days for one in histories)
    assert (body["past"]["first"], body["past"]["last"]) == (days[0], days[-1])
    closes = np.array([one["close"] for one in histories]).T
    moves = closes[1:] / closes[:-1] - 1.0
    covariance = np.cov(moves.T, ddof=1) * 252
    np.testing.assert_allclose(body["moments"]["covariance"], covariance, rtol=1e-4)
    expected = list(body["moments"]["expected_returns"].values())
    np.testing.assert_allclose(expected, moves.mean(axis=0) * 252, rtol=1e-3)
    weights = np.array([body["weights"][one] for one in SYMBOLS])
    used = np.array(body["moments"]["covariance"])
    assert body["volatility"] == pytest.approx(np.sqrt(weights @ used @ weights), rel=1e-12)
    assert body["residual"] < 1e-9
    assert len(body["frontier"]["points"]["weights"]) == 20
    assert "NaN" not in answered.text
    assert [*deviations(schema, body_schema(schema, PATH, "post", 200, "application/json"), body)] == []
    assert refused.status_code == infeasible.status_code == short.status_code == 422
    assert [one["field"] for one in refused.json()["errors"]] == ["symbols.1", "symbols.2"]
    assert "raise them by 0.2 in total" in infeasible.json()["errors"][0]["rule"]
    assert short.json()["errors"][0]["field"] == "symbols", short.text
    assert weekly.status_code == 200, weekly.text
    told = weekly.json()
    assert (told["past"]["periods_per_year"], told["past"]["currency"]) == (52.0, "EUR")
    shares = np.array(list(told["risk_contributions"].values())) / told["volatility"]
    np.testing.assert_allclose(shares, 0.25, rtol=1e-8)
    assert catalogue.status_code == 200
    assert json.loads(catalogue.text)["objectives"]
