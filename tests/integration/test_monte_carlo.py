"""Simulations over the published sample market, in processes of their own."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.integration.test_http_over_real_servers import Begin, running
from tests.unit.adapters.http.shapes import body_schema, deviations
from tests.unit.application.quant.simulations import CALL

from waardhaven.application.quant.run_monte_carlo import answered
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.application.questions.reading import read_question
from waardhaven.bootstrap.settings import Settings

PATH = "/api/v1/montecarlo"
CALLER = """
INSERT INTO app_user (id, email, username, password_hash)
VALUES ('00000000-0000-0000-0000-000000000001', 'ada@x.org', 'ada', '$argon2id$x')
"""
"""Who asks: jobs have an owner."""
STORED: dict[str, Any] = {
    "symbols": ["AAPL", "JPM", "XOM"],
    "start": "2012-01-01",
    "end": "2022-12-28",
    "weights": [0.5, 0.3, 0.2],
    "initial_value": 10_000.0,
    "horizon_years": 2.0,
    "flows": [{"amount": 50.0, "every": 21}],
    "simulations": 4_096,
    "goal": 12_000.0,
    "seed": 11,
}


@pytest.fixture
def begin(published_url: str, valkey_url: str, settings_for: Callable[..., Settings]) -> Begin:
    """Return a function that runs an application over the published sample."""
    return lambda: running(settings_for(published_url, redis_url=valkey_url), cache_namespace=published_url)


@pytest.mark.parametrize("model", ["gbm", "student_t", "stationary_bootstrap"])
async def test_stored_symbols_have_a_future_that_follows_their_common_past(begin: Begin, model: str) -> None:
    async with begin() as api:
        response = await api.client.post(PATH, json=STORED | {"model": model})
        assert response.status_code == 200, response.text
        document = (await api.client.get("/openapi.json")).json()
        closes = [
            (
                await api.client.get(f"/api/v1/index/assets/{one}/history?start=2012-01-01&end=2022-12-28")
            ).json()
            for one in STORED["symbols"]
        ]
    found = response.json()
    schema = body_schema(document, PATH, "post", 200, "application/json")
    assert [*deviations(document, schema, found)] == []
    past, portfolio = found["portfolio"]["past"], found["portfolio"]
    assert (past["first"], past["last"], past["left_out"]) == ("2012-01-03", "2022-12-28", 0)
    assert [one["symbol"] for one in past["sources"]] == STORED["symbols"]
    assert past["returns"] == len(closes[0]["close"]) - 1
    values = np.array([one["close"] for one in closes]).T
    mean = (values[1:] / values[:-1] - 1.0).mean(axis=0) @ np.array(STORED["weights"])
    growth = portfolio["growth"]["mean"]
    assert abs(growth["estimate"] - np.expm1(504 * np.log1p(mean))) < 4 * growth["standard_error"]
    assert found["time_steps"] == 504
    assert portfolio["fan"]["paid_in"][-1] == 10_000.0 + 24 * 50.0


async def test_a_process_of_its_own_gives_the_answer_of_this_one(begin: Begin) -> None:
    asked = CALL | {"time_steps": 12, "payoff": {"type": "arithmetic_asian", "strike_price": 100.0}}
    expected = answered(read_question(MonteCarloQuestion, asked), None)
    async with begin() as api:
        found = (await api.client.post(PATH, json=asked)).json()
    assert expected.derivative is not None
    assert found["derivative"]["price"]["estimate"] == expected.derivative.price.estimate


async def test_what_can_not_be_read_is_told_with_the_symbol(begin: Begin) -> None:
    async with begin() as api:
        response = await api.client.post(PATH, json=STORED | {"symbols": ["AAPL", "NOPE", "XOM"]})
    assert response.status_code == 422
    assert [one["field"] for one in response.json()["errors"]] == ["symbols.1"]


async def test_twenty_at_once_are_answered_or_become_jobs_while_others_are_served(
    begin: Begin,
) -> None:
    asked = CALL | {"simulations": 1 << 20, "time_steps": 32, "sampling": "plain"}
    async with begin() as api:
        async with api.database.acquire() as connection:
            await connection.execute(CALLER)
        simulations = [asyncio.create_task(api.client.post(PATH, json=asked, timeout=120)) for _ in range(20)]
        served = 0
        while not all(one.done() for one in simulations):
            assert (await api.client.get("/health")).status_code == 200
            served += 1
            await asyncio.sleep(0.02)
        answers = [one.result() for one in simulations]
    statuses = {one.status_code for one in answers}
    assert statuses == {200, 202}, "two compute, four wait, the others are jobs"
    queued = [one.json() for one in answers if one.status_code == 202]
    assert {(one["type"], one["state"]) for one in queued} == {("montecarlo", "queued")}
    assert len({one["id"] for one in queued}) == len(queued) > 10
    assert len({one.content for one in answers if one.status_code == 200}) == 1
    assert served > 10
