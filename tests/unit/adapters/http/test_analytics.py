"""Metrics of data that a caller sends, over HTTP: what is asked, refused and answered."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from httpx import AsyncClient
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import Stub, World

from waardhaven.application.metrics.analyse_risk import AnalyseRisk, analyse
from waardhaven.application.metrics.cash_flow_returns import (
    MeasureMoneyWeighted,
    MeasureTimeWeighted,
    money_weighted,
    time_weighted,
)
from waardhaven.application.metrics.catalogue import ListMetrics, MetricView
from waardhaven.application.metrics.risk_question import Calendar, Kind
from waardhaven.domain.metrics.uncertainty import IntervalMethod

RISK, CATALOGUE = "/api/v1/analytics/risk", "/api/v1/metrics-catalogue"
XIRR, TWR = "/api/v1/analytics/xirr", "/api/v1/analytics/twr"
RETURNS = [0.01, -0.02, None, 0.015, 0.01, -0.005]
ASKED = {"returns": RETURNS, "calendar": "daily"}
METRIC = MetricView(
    name="sharpe",
    title="Sharpe ratio",
    unit="ratio",
    direction="higher",
    needs=("risk_free",),
    least=2,
    formula="f",
    source="s",
    unknown="constant_series",
)


def asked(params: dict[str, Any]) -> Any:
    """Read a body as the use case has it done, and remember what it asks."""
    params["question"] = params["read"](params["content"])
    return params["question"]


def answer(params: dict[str, Any]) -> bytes:
    return params["write"](analyse(asked(params)))


@pytest.fixture
def stubs() -> dict[type, Stub]:
    return {
        AnalyseRisk: Stub(answer),
        MeasureMoneyWeighted: Stub(lambda params: params["write"](money_weighted(asked(params)))),
        MeasureTimeWeighted: Stub(lambda params: params["write"](time_weighted(asked(params)))),
        ListMetrics: Stub(lambda _: (METRIC,)),
    }


@pytest.fixture
def world(vendored: Path, stubs: dict[type, Stub]) -> World:
    return World(vendored=vendored, asked=stubs)


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        yield opened


async def test_one_array_is_measured_with_null_for_what_is_unknown(client: AsyncClient) -> None:
    response = await client.post(RISK, json=ASKED)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert (body["series"], body["days"], body["observations"]) == (["series"], 6, [5])
    known = np.array([one for one in RETURNS if one is not None])
    assert body["metrics"]["mean_return"]["values"] == [pytest.approx(known.mean())]
    assert body["metrics"]["beta"] | {"formula": ""} == {
        "unit": "ratio",
        "direction": "neither",
        "formula": "",
        "values": [None],
        "reasons": ["no_benchmark"],
        "intervals": None,
    }


async def test_everything_of_a_body_reaches_the_use_case(
    client: AsyncClient, stubs: dict[type, Stub]
) -> None:
    body = {
        "levels": {"a": [1, 1.1, 1.2], "b": [2, None, 2.2]},
        "dates": ["2024-01-02", "2024-01-03", "2024-01-04"],
        "benchmark": [5, 5.5, 5.6],
        "risk_free_series": [0.0, 0.0001, 0.0002],
        "periods_per_year": 250,
        "calendar": "weekly",
        "metrics": ["sharpe", "sharpe", "beta"],
        "confidence": 0.99,
        "target": 0.001,
        "threshold": 0.002,
        "kappa_order": 2,
        "trials": 7,
        "trial_variance": 0.01,
        "annualise_short": True,
        "interval": {"draws": 150, "level": 0.9, "method": "basic", "block_length": 5, "seed": 9},
    }
    assert (await client.post(RISK, json=body)).status_code == 200
    (call,) = stubs[AnalyseRisk].calls
    question = call["question"]
    assert (question.names, question.kind, question.values.shape) == (("a", "b"), Kind.LEVELS, (3, 2))
    assert np.array_equal(question.values[:, 1], [2.0, np.nan, 2.2], equal_nan=True)
    assert question.dates.astype(str).tolist() == body["dates"]
    assert question.benchmark.tolist() == [5.0, 5.5, 5.6]
    assert question.risk_free_series.tolist() == body["risk_free_series"]
    assert (question.periods_per_year, question.calendar) == (250.0, Calendar.WEEKLY)
    assert (question.metrics, question.confidence) == (("sharpe", "beta"), 0.99)
    assert (question.target, question.threshold, question.kappa_order) == (0.001, 0.002, 2.0)
    assert (question.trials, question.trial_variance, question.annualise_short) == (7, 0.01, True)
    how = question.interval
    assert (how.draws, how.level, how.method, how.block_length) == (150, 0.9, IntervalMethod.BASIC, 5.0)
    assert question.seed == 9


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"returns": None}, "returns", "must be given, or levels, but not both"),
        ({"levels": [1, 2]}, "returns", "must be given, or levels, but not both"),
        ({"returns": {}}, "returns", "at least one series"),
        ({"returns": {"a": [0.1, 0.2], "b": [0.1]}}, "returns", "'b' has 1 values, 'a' 2"),
        ({"returns": []}, "returns", "must not be empty"),
        ({"calendar": None}, "periods_per_year", "must be given"),
        ({"metrics": ["charm"]}, "metrics", "not charm"),
        ({"risk_free_rate": -1}, "risk_free_rate", "> -1.0"),
        ({"confidence": 0.5}, "confidence", "> 0.5"),
        ({"interval": {"draws": 1}}, "interval.draws", ">= 100"),
        ({"return": [0.1]}, "return", ""),
        ({"returns": ["1%"]}, "returns", ""),
        ({"returns": {"a": [0.1], "b": [0.1, "1%"]}}, "returns.b.1", "must be a number or null, not a text"),
        ({"returns": {"a": [0.1, 1e16]}}, "returns.a.1", "<= 1000000000000000"),
        ({"returns": {"a": 0.1}}, "returns.a", "must be a list"),
        ({"returns": {str(one): [] for one in range(501)}}, "returns", "of length <= 500"),
        ({"benchmark": [1, "x"]}, "benchmark.1", "must be a number or null"),
    ],
)
async def test_bad_input_names_field_and_rule(
    client: AsyncClient, changes: dict[str, Any], field: str, rule: str
) -> None:
    found = problem(await client.post(RISK, json={**ASKED, **changes}), 422)
    told = {one["field"]: one["rule"] for one in found["errors"]}
    match = next(name for name in told if name.startswith(field))
    assert rule in told[match]


async def test_the_catalogue_is_a_list_that_can_be_cut_down(client: AsyncClient) -> None:
    assert (await client.get(CATALOGUE)).json()["items"][0]["needs"] == ["risk_free"]
    cut = await client.get(f"{CATALOGUE}?fields=name,unit")
    assert cut.json() == {"items": [{"name": "sharpe", "unit": "ratio"}], "next_cursor": None}


async def test_nobody_computes_without_a_token(client: AsyncClient) -> None:
    del client.headers["authorization"]
    for path in (RISK, XIRR, TWR):
        problem(await client.post(path, json=ASKED), 401)
    problem(await client.get(CATALOGUE), 401)


@pytest.mark.parametrize("path", [RISK, XIRR, TWR])
@pytest.mark.parametrize(
    ("content", "media", "statuses"),
    [
        (b"", "application/json", {422}),
        (b"null", "application/json", {422}),
        (b"[]", "application/json", {422}),
        (b"{", "application/json", {400}),
        (b'{"amounts": "\xff"}', "application/json", {400, 422}),
        (b'{"returns": {"a": ' + b"[" * 900_000, "application/json", {400}),
        (b'{"returns": {"a": ' + b"[" * 3_000_000, "application/json", {400, 422}),
        (b"{}", "text/plain", {415}),
        (b"{}", "text/csv", {415}),
    ],
    ids=lambda one: repr(one)[:30],
)
async def test_what_is_no_question_is_refused_by_its_kind(
    client: AsyncClient, path: str, content: bytes, media: str, statuses: set[int]
) -> None:
    response = await client.post(path, content=content, headers={"Content-Type": media})
    assert response.status_code in statuses
    problem(response, response.status_code)
    if response.status_code == 415:
        assert "application/json" in response.headers["accept"]


async def test_all_broken_rules_of_a_small_body_are_told_and_the_first_of_a_large_one(
    client: AsyncClient,
) -> None:
    body = {**ASKED, "confidence": 2, "kappa_order": 0, "foreign": 1}
    found = problem(await client.post(RISK, json=body), 422, "invalid_request")
    assert {one["field"] for one in found["errors"]} == {"confidence", "kappa_order", "foreign"}
    large = problem(await client.post(RISK, json=body | {"returns": [0.123456789] * 100_000}), 422)
    assert len(large["errors"]) == 1


async def test_sets_of_payments_are_solved_in_one_call(client: AsyncClient) -> None:
    dates = ["2023-01-02", "2024-01-02"] * 2
    response = await client.post(
        XIRR, json={"amounts": [-1, 1.1, 1, 1], "dates": dates, "offsets": [0, 2, 4]}
    )
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body["rates"] == [pytest.approx(0.1), None]
    assert body["reasons"] == [None, "one_sign"]


async def test_values_and_payments_are_linked_in_one_call(
    client: AsyncClient, stubs: dict[type, Stub]
) -> None:
    body = {
        "values": [100, 110, 190, 5, None],
        "value_dates": ["2023-01-02", "2023-07-03", "2024-01-02", "2023-01-02", "2023-01-03"],
        "value_offsets": [0, 3, 5],
        "amounts": [-90],
        "dates": ["2024-01-02"],
        "offsets": [0, 1, 1],
    }
    found = (await client.post(TWR, json=body)).json()
    assert found["totals"] == [pytest.approx(1.1 * 0.95 - 1), None]
    assert found["reasons"] == [None, "unknown"]
    alone = (await client.post(TWR, json={name: body[name] for name in list(body)[:3]})).json()
    assert alone["totals"] == [pytest.approx(0.9), None], "sets without payments need none of their offsets"


@pytest.mark.parametrize(
    ("path", "body", "field", "rule"),
    [
        (XIRR, {"amounts": [1]}, "dates", "is required"),
        (XIRR, {"amounts": [1], "dates": ["2024-02-30"]}, "dates.0", "must be a date"),
        (XIRR, {"amounts": [1], "dates": []}, "dates", "must be 1, one for each of amounts, not 0"),
        (XIRR, {"amounts": [1], "dates": ["2024-01-02"], "offsets": [0]}, "offsets", ">= 2"),
        (XIRR, {"amounts": [1], "dates": ["2024-01-02"], "offsets": [0, -1]}, "offsets.1", ">= 0"),
        (XIRR, {"amounts": [1], "dates": ["2024-01-02"], "offsets": [0, 2]}, "offsets.1", "must be 1"),
        (TWR, {"values": [1], "value_dates": ["2024-01-02"], "amounts": [1]}, "dates", "must be 1"),
        (TWR, {"values": [1, 2], "value_dates": ["2024-01-02"] * 2}, "value_dates.1", "2024-01-03 or later"),
    ],
)
async def test_bad_cash_flows_name_field_rule_and_what_would_do(
    client: AsyncClient, path: str, body: dict[str, Any], field: str, rule: str
) -> None:
    found = problem(await client.post(path, json=body), 422)
    assert rule in {one["field"]: one["rule"] for one in found["errors"]}[field]
