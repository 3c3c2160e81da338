"""Simulations over HTTP: what is answered, what is refused, and that the document says so."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from httpx import AsyncClient
from tests.fakes.compute_pool import FakeModelPool
from tests.unit.adapters.http.asking import asking
from tests.unit.adapters.http.expect import fields, problem
from tests.unit.adapters.http.shapes import body_schema, deviations
from tests.unit.adapters.http.world import World
from tests.unit.application.quant.simulations import CALL, MIXED, STORED

from waardhaven.adapters.inbound.http.negotiation import JSON
from waardhaven.adapters.inbound.http.openapi import document
from waardhaven.adapters.inbound.http.routes.monte_carlo import LARGEST_BODY
from waardhaven.application.jobs.ask_model import AskModel
from waardhaven.application.quant.read_returns import ReturnsOrder, StoredReturns
from waardhaven.application.quant.run_monte_carlo import answered
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.application.questions.reading import read_question

PATH = "/api/v1/montecarlo"


class Stored:
    """Has returns of two names, whatever is asked."""

    async def __call__(self, order: ReturnsOrder) -> StoredReturns:
        return STORED


@pytest.fixture
def pool() -> FakeModelPool:
    return FakeModelPool()


@pytest.fixture
def world(vendored: Path, pool: FakeModelPool) -> World:
    return World(vendored=vendored, asked={AskModel: asking(pool, Stored())})


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        opened.timeout = 60
        yield opened


@pytest.mark.parametrize(
    "asked", [MIXED | {"goal": 1100.0}, CALL, {"symbols": ["AAA", "BBB"], "seed": 1, "model": "student_t"}]
)
async def test_the_answer_has_the_documented_shape_and_says_the_same_again(
    client: AsyncClient, world: World, asked: dict[str, Any]
) -> None:
    first, second = [await client.post(PATH, json=asked) for _ in range(2)]
    assert first.status_code == 200, first.text
    assert first.headers["cache-control"] == "no-store"
    assert first.content == second.content
    described = json.loads(json.dumps(document(world.app)))
    assert [
        *deviations(described, body_schema(described, PATH, "post", 200, "application/json"), first.json())
    ] == []
    expected = answered(read_question(MonteCarloQuestion, asked), STORED if "symbols" in asked else None)
    assert first.json()["convergence"][-1]["estimate"] == expected.convergence[-1].estimate


async def test_value_at_risk_is_a_loss_beside_everything_else_of_a_portfolio(client: AsyncClient) -> None:
    """The origin told a low level of the end for it, of the first asset alone (D-Q8)."""
    asked = MIXED | {"flows": [{"amount": 10.0, "timing": "begin"}], "goal": 1200.0}
    body = (await client.post(PATH, json=asked)).json()
    portfolio = body["portfolio"]
    assert body["derivative"] is None
    assert (
        0.0
        < portfolio["loss"]["value_at_risk"]["value"]
        < portfolio["loss"]["expected_shortfall"]["estimate"]
    )
    assert portfolio["loss"]["invested"] == 1120.0
    assert portfolio["fan"]["paid_in"][0] == 1000.0
    assert portfolio["goal"]["low"] < portfolio["goal"]["estimate"] < portfolio["goal"]["high"]
    assert {one["name"] for one in portfolio["assets"]} == {"asset 1", "asset 2"}


async def test_a_seed_is_told_where_none_was_sent(client: AsyncClient) -> None:
    asked = {name: one for name, one in CALL.items() if name != "seed"}
    first = (await client.post(PATH, json=asked)).json()
    assert (await client.post(PATH, json=asked)).json()["seed"] != first["seed"]
    assert (await client.post(PATH, json=asked | {"seed": first["seed"]})).json() == first


@pytest.mark.parametrize(
    ("asked", "named", "told"),
    [
        ({}, "symbols", "must be given"),
        ({"kind": "derivative"}, "payoff", "must be given"),
        (MIXED | {"simulations": 10**9, "time_steps": 252}, "simulations", "100000000"),
        (MIXED | {"simulations": 10**8, "time_steps": 252}, "simulations", "30000000000"),
        (MIXED | {"weights": [0.6, 0.6]}, "weights", "sum to 1"),
        (MIXED | {"correlation": [[1.0, 2.0], [2.0, 1.0]]}, "correlation", "from -1 to 1"),
        (MIXED | {"expected_returns": ["x", 0.1]}, "expected_returns.0", "must be a number"),
        (MIXED | {"spot": 3}, "spot", "not known"),
        (MIXED | {"flows": [{"amount": 1, "when": 3}]}, "flows.0", "unknown field"),
        (MIXED | {"flows": [{"amount": 1, "every": 0}]}, "flows.0.every", ">= 1"),
        (MIXED | {"model": "cauchy"}, "model", "gbm"),
        (CALL | {"time_to_expiry": -1.0}, "time_to_expiry", ">= 0"),
        (
            CALL | {"payoff": {"type": "barrier", "strike_price": 1.0}},
            "payoff.barrier",
            "must be given for barrier",
        ),
        (CALL | {"goal": 1.0}, "goal", "a derivative has none"),
    ],
)
async def test_what_can_not_be_simulated_is_told_with_its_field_and_limit(
    client: AsyncClient, asked: dict[str, Any], named: str, told: str
) -> None:
    body = problem(await client.post(PATH, json=asked), 422)
    rules = {one["field"]: one["rule"] for one in body["errors"]}
    assert told in rules[named]


async def test_every_broken_rule_of_a_body_is_told_at_once(client: AsyncClient) -> None:
    body = problem(await client.post(PATH, json=MIXED | {"seed": -1, "bins": 0, "x": 1}), 422)
    assert fields(body) == {"seed", "bins", "x"}


async def test_a_past_as_large_as_may_be_is_read_and_a_larger_one_refused(client: AsyncClient) -> None:
    rows = np.random.default_rng(1).normal(0.0, 0.01, (10_000, 25)).tolist()
    asked = {"returns": rows, "periods_per_year": 12, "seed": 1, "simulations": 500}
    content = json.dumps(asked)
    assert 2**22 < len(content) < LARGEST_BODY
    headers = {"Content-Type": "application/json"}
    assert (await client.post(PATH, content=content, headers=headers)).status_code == 200
    problem(await client.post(PATH, content=content + " " * LARGEST_BODY, headers=headers), 413)


@pytest.mark.parametrize("is_large", [True, False])
async def test_what_is_large_or_comes_while_others_wait_becomes_a_job(
    client: AsyncClient, world: World, pool: FakeModelPool, is_large: bool
) -> None:
    pool.busy = not is_large
    asked = MIXED | {"simulations": 1_000_000, "time_steps": 252} if is_large else CALL
    response = await client.post(PATH, json=asked)
    assert response.status_code == 202, response.text
    body = response.json()
    assert response.headers["location"] == f"/api/v1/jobs/{body['id']}"
    assert body["params"]["simulations"] == (1_000_000 if is_large else 10_000)
    found = document(world.app)
    assert [*deviations(found, body_schema(found, PATH, "post", 202, JSON), body)] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weights": [0.6, 0.6]}, "weights"),
        ({"covariance": [[0.04, 0.09], [0.09, 0.04]]}, "covariance"),
        ({"simulations": 10_000_000, "time_steps": 12}, "simulations"),
        ({"keep_paths": 100_000}, "keep_paths"),
    ],
)
async def test_no_job_is_made_of_a_large_question_that_can_not_be_answered(
    client: AsyncClient, changes: dict[str, Any], field: str
) -> None:
    asked = {**MIXED, "simulations": 1_000_000, "time_steps": 252, **changes}
    if "covariance" in changes:
        asked = {name: one for name, one in asked.items() if name not in {"volatilities", "correlation"}}
    assert field in fields(problem(await client.post(PATH, json=asked), 422))


async def test_nobody_simulates_without_a_credential(world: World) -> None:
    async with world.client() as client:
        problem(await client.post(PATH, json=CALL), 401)


def test_the_document_tells_the_bounds_of_every_part(world: World) -> None:
    schemas = json.loads(json.dumps(document(world.app)))["components"]["schemas"]
    question = schemas["MonteCarloQuestion"]["properties"]
    assert all(
        one["description"]
        for name in ("MonteCarloQuestion", "FlowPart", "PayoffPart")
        for one in schemas[name]["properties"].values()
    )
    assert question["quantiles"]["items"] == {"type": "number", "minimum": 0.0, "maximum": 1.0}
    assert question["simulations"]["maximum"] == 10**8
