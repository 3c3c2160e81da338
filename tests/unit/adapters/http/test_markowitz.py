"""Optimal portfolios over HTTP: what is answered, what is refused, and within which bounds."""

import json
from collections.abc import AsyncIterator
from datetime import date
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

from waardhaven.adapters.inbound.http.negotiation import JSON
from waardhaven.adapters.inbound.http.openapi import document
from waardhaven.adapters.inbound.http.routes.markowitz import LARGEST_BODY
from waardhaven.application.jobs.ask_model import AskModel
from waardhaven.application.quant.markowitz_catalogue import ListMarkowitzObjectives
from waardhaven.application.quant.optimise_portfolio import answered
from waardhaven.application.quant.read_returns import ReturnsOrder, SourceOfReturns, StoredReturns
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.application.questions.reading import read_question
from waardhaven.domain.quant.markowitz.objectives import OBJECTIVES

PATH = "/api/v1/markowitz"
GIVEN: dict[str, Any] = {
    "names": ["bonds", "shares", "gold"],
    "expected_returns": [0.03, 0.08, 0.05],
    "covariance": [[0.0025, 0.001, 0.0], [0.001, 0.04, 0.004], [0.0, 0.004, 0.0225]],
}
MOVES = np.random.default_rng(5).normal(0.0005, 0.01, (250, 2))


class Returns:
    """What is stored of every symbol."""

    async def __call__(self, order: ReturnsOrder) -> StoredReturns:
        sources = tuple(
            SourceOfReturns(
                name=one,
                symbol=one,
                mic="XNAS",
                source="sample",
                currency="USD",
                adjust="all",
                first=date(2023, 1, 3),
                last=date(2023, 12, 29),
            )
            for one in order.symbols
        )
        return StoredReturns(
            names=order.symbols,
            days=np.datetime64("2023-01-04") + np.arange(len(MOVES)),
            values=MOVES,
            periods_per_year=252.0,
            first=date(2023, 1, 3),
            last=date(2023, 12, 29),
            frequency=str(order.frequency),
            currency=order.currency,
            sources=sources,
            left_out=0,
            notes=("a note",),
        )


@pytest.fixture
def pool() -> FakeModelPool:
    return FakeModelPool()


@pytest.fixture
def world(vendored: Path, pool: FakeModelPool) -> World:
    return World(
        vendored=vendored,
        asked={
            AskModel: asking(pool, Returns()),
            ListMarkowitzObjectives: ListMarkowitzObjectives(),
        },
    )


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        yield opened


def shaped(world: World, path: str, method: str, body: dict[str, Any]) -> list[str]:
    """Return how an answer differs from what the document says of it."""
    found = document(world.app)
    return [*deviations(found, body_schema(found, path, method, 200, JSON), body)]


async def test_moments_that_are_sent_are_optimised_and_not_kept(client: AsyncClient, world: World) -> None:
    response = await client.post(PATH, json=GIVEN | {"frontier": 4})
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    view = answered(read_question(MarkowitzQuestion, GIVEN))
    assert body["weights"] == dict(view.weights)
    assert body["duals"]["max_weight"] == {}
    assert len(body["frontier"]["points"]["weights"]) == 4
    assert shaped(world, PATH, "post", body) == []


async def test_symbols_are_optimised_over_their_stored_returns(client: AsyncClient, world: World) -> None:
    asked = {"symbols": ["AAPL", "MSFT"], "objective": "minimum_cvar", "with_covariance": True}
    body = (await client.post(PATH, json=asked)).json()
    assert body["weights"].keys() == {"AAPL", "MSFT"}
    assert body["past"]["sources"][0]["mic"] == "XNAS"
    assert body["notes"] == ["a note"]
    assert body["measure"] == "cvar"
    assert shaped(world, PATH, "post", body) == []


@pytest.mark.parametrize(
    ("asked", "broken"),
    [
        ({}, {"symbols"}),
        (GIVEN | {"max_weight": 0.2}, {"max_weight"}),
        (GIVEN | {"max_weight": 1e9, "nonsense": 1}, {"max_weight", "nonsense"}),
        (GIVEN | {"objective": "best"}, {"objective"}),
        (GIVEN | {"covariance": [[1, 2, 0], [2, 1, 0], [0, 0, 1]]}, {"covariance"}),
        (GIVEN | {"covariance": [[1, 2, 0], [2, None, 0], [0, 0, 1]]}, {"covariance.1.1"}),
        (GIVEN | {"groups": [{"members": ["gold"], "most": "all"}]}, {"groups.0.most"}),
        (GIVEN | {"objective": "target_return", "target_return": 0.5}, {"target_return"}),
        (GIVEN | {"objective": "risk_aversion", "risk_aversion": 5e-324}, {"risk_aversion"}),
        (
            GIVEN | {"objective": "hierarchical_risk_parity", "covariance": (1e-300 * np.eye(3)).tolist()},
            {"covariance"},
        ),
    ],
)
async def test_what_breaks_a_rule_is_named(
    client: AsyncClient, asked: dict[str, Any], broken: set[str]
) -> None:
    body = problem(await client.post(PATH, json=asked), 422)
    assert set(fields(body)) == broken


@pytest.mark.parametrize("content", ["", "{", "[]", '{"covariance": [[1e999]]}', '{"covariance": [[NaN]]}'])
async def test_no_body_breaks_it(client: AsyncClient, content: str) -> None:
    response = await client.post(PATH, content=content, headers={"Content-Type": "application/json"})
    problem(response, response.status_code)
    assert response.status_code in {400, 422}


async def test_many_figures_are_taken_and_more_bytes_than_they_need_are_not(client: AsyncClient) -> None:
    rows = np.round(np.random.default_rng(1).normal(0.0, 0.01, (1_250, 200)), 17).tolist()
    content = json.dumps({"returns": rows, "periods_per_year": 252}).encode()
    kind = {"Content-Type": "application/json"}
    assert 5 << 20 < len(content) < LARGEST_BODY
    response = await client.post(PATH, content=content, headers=kind)
    assert response.status_code == 200, response.text
    assert len(response.json()["weights"]) == 200
    problem(await client.post(PATH, content=b" " * (LARGEST_BODY + 1), headers=kind), 413)
    over = await client.post(PATH, json={"returns": [*rows, rows[0]], "periods_per_year": 252})
    assert set(fields(problem(over, 422))) == {"returns"}


async def test_a_busy_pool_makes_a_job_of_the_question(
    client: AsyncClient, world: World, pool: FakeModelPool
) -> None:
    pool.busy = True
    response = await client.post(PATH, json=GIVEN)
    assert response.status_code == 202
    body = response.json()
    assert (body["type"], body["state"]) == ("markowitz", "queued")
    assert response.headers["location"] == f"/api/v1/jobs/{body['id']}"
    found = document(world.app)
    assert [*deviations(found, body_schema(found, PATH, "post", 202, JSON), body)] == []


async def test_a_large_question_that_nothing_answers_is_no_job(client: AsyncClient) -> None:
    rows = np.random.default_rng(2).normal(0.0, 0.01, (8_000, 3))
    large = {"returns": rows.tolist(), "periods_per_year": 252}
    cvar = large | {"objective": "minimum_cvar"}
    assert (await client.post(PATH, json=cvar)).status_code == 202
    body = problem(await client.post(PATH, json=cvar | {"max_weight": 0.2}), 422)
    assert set(fields(body)) == {"max_weight"}
    many = {"expected_returns": [0.1] * 21, "covariance": np.eye(21).tolist(), "most_names": 5}
    assert set(fields(problem(await client.post(PATH, json=many), 422))) == {"most_names"}


async def test_it_is_for_those_who_may_read(world: World) -> None:
    async with world.client() as anonymous:
        problem(await anonymous.post(PATH, json=GIVEN), 401)


async def test_the_catalogue_is_listed(client: AsyncClient, world: World) -> None:
    body = (await client.get("/api/v1/markowitz-objectives")).json()
    assert [one["name"] for one in body["objectives"]] == list(OBJECTIVES)
    assert shaped(world, "/api/v1/markowitz-objectives", "get", body) == []


def test_every_field_of_the_question_is_described(world: World) -> None:
    schemas = document(world.app)["components"]["schemas"]
    for name in ("MarkowitzQuestion", "WeightBounds", "GroupLimit", "ReturnView"):
        assert schemas[name]["description"], name
        for field, told in schemas[name]["properties"].items():
            assert told.get("description"), (name, field)
