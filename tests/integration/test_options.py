"""Options over the published sample market: spot and volatility from stored closes."""

from collections.abc import Callable

import pytest
from tests.integration.test_http_over_real_servers import running

from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.quant.options.contracts import Options
from waardhaven.domain.quant.options.valuation import evaluate

PATH = "/api/v1/blackscholes"


async def test_spot_and_volatility_left_out_come_from_the_sample_market(
    published_url: str, valkey_url: str, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(published_url, redis_url=valkey_url)
    asked = {
        "option_type": "call",
        "strike_price": 150.0,
        "time_to_expiry": 0.5,
        "risk_free_rate": 0.04,
        "symbol": "AAPL",
    }
    async with running(settings, cache_namespace=published_url) as api:
        answered = await api.client.post(PATH, json=asked)
        unknown = await api.client.post(PATH, json=asked | {"symbol": "NOPE"})
        closes = (await api.client.get("/api/v1/index/assets/AAPL/history")).json()
        catalogue = await api.client.get("/api/v1/option-models")
    assert answered.status_code == 200, answered.text
    body = answered.json()
    spot, volatility = body["stored_spot"], body["estimated_volatility"]
    assert (spot["symbol"], spot["day"]) == ("AAPL", closes["dates"][-1])
    assert (volatility["estimator"], volatility["window"]) == ("close_to_close", 252)
    assert 0.1 < volatility["volatility"] < 1.0
    options = Options.of(
        spot=spot["close"], strike=150.0, time=0.5, volatility=volatility["volatility"], rate=0.04
    )
    expected = evaluate(options).values["price"][0]
    assert body["figures"]["price"]["values"] == [pytest.approx(expected, rel=1e-14)]
    assert unknown.status_code == 404
    assert catalogue.status_code == 200
