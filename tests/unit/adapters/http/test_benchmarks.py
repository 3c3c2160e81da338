"""Benchmarks and risk metrics over HTTP: what is asked, refused and answered."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import polars as pl
import pytest
from httpx import AsyncClient
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import PROVENANCE, Stub, World

from waardhaven.application.answers import Page, SeriesView
from waardhaven.application.indexes.compare_benchmark import CompareBenchmark, ComparisonOrder, ReadBenchmark
from waardhaven.application.indexes.metric_views import IntervalView, RiskMetricsView, RiskMetricView
from waardhaven.application.indexes.read_benchmark_levels import BenchmarkNotStored
from waardhaven.application.indexes.risk_history import ListRiskMetrics, RiskSetView, StoredMetricView
from waardhaven.application.indexes.risk_metrics import ReadRiskMetrics
from waardhaven.application.indexes.risk_windows import RiskOrder
from waardhaven.domain.identity.roles import Principal, Role
from waardhaven.domain.index.definition import Variant
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.metrics.uncertainty import Resampling

V1 = "/api/v1"
SP500, COMPARE, SPX = f"{V1}/benchmark/sp500", f"{V1}/benchmark/compare", f"{V1}/benchmark/SPX"
RISK, HISTORY = f"{V1}/indices/mine/risk-metrics", f"{V1}/indices/mine/risk-metrics/history"
PATHS = (SP500, COMPARE, SPX, RISK, HISTORY)


def compared(params: dict[str, Any]) -> SeriesView:
    columns = {
        "dates": np.arange(3).astype("datetime64[D]"),
        "values": np.array([100.0, 101.0, 102.0]),
        "beta": np.array([np.nan, np.nan, 0.8]),
    }
    head = {"index": params["order"].slug, "notes": (), "provenance": PROVENANCE}
    return SeriesView(columns=columns, head=head)


def measured(params: dict[str, Any]) -> RiskMetricsView:
    order: RiskOrder = params["order"]
    metric = RiskMetricView(
        value=None,
        reason="no_trials",
        unit="probability",
        direction="higher",
        formula="f",
        interval=IntervalView(low=None, high=None, verdict="unknown"),
    )
    return RiskMetricsView(
        index=order.slug,
        name="An index",
        currency=order.currency or "USD",
        variant="price",
        frequency=str(order.frequency),
        base=date(2024, 1, 1),
        first=date(2024, 1, 2),
        last=date(2024, 1, 3),
        returns=2,
        coverage=1.0,
        common=None,
        periods_per_year=252.0,
        risk_free_rate=order.risk_free_rate,
        confidence=order.confidence,
        trials=2,
        benchmark=None,
        metrics={"sharpe_deflated": metric},
        resampling=None,
        notes=(),
        provenance=PROVENANCE,
    )


def stored(params: dict[str, Any]) -> Page[RiskSetView]:
    one = RiskSetView(
        day=date(2024, 1, 3),
        publication=7,
        measured_at=datetime(2024, 1, 3, 22, tzinfo=UTC),
        base=date(2024, 1, 1),
        currency="USD",
        variant="price",
        benchmark=None,
        returns=2,
        common=None,
        coverage=1.0,
        periods_per_year=252.0,
        risk_free_rate=0.0,
        confidence=0.95,
        trials=1,
        metrics={"volatility": StoredMetricView(value=0.2, unit="fraction_per_year", reason=None)},
        notes=(),
        code="1",
    )
    return Page(items=(one,) * params["limit"], next_cursor="2024-01-03.7")


@pytest.fixture
def stubs() -> dict[type, Stub]:
    return {
        ReadBenchmark: Stub(compared),
        CompareBenchmark: Stub(compared),
        ReadRiskMetrics: Stub(measured),
        ListRiskMetrics: Stub(stored),
    }


@pytest.fixture
def world(vendored: Path, stubs: dict[type, Stub]) -> World:
    return World(vendored=vendored, asked=stubs)


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        yield opened


async def test_without_parameters_the_default_index_is_compared_over_all_days(
    client: AsyncClient, stubs: dict[type, Stub]
):
    for path in (SP500, SPX, COMPARE):
        body = (await client.get(path)).json()
        assert (body["index"], body["beta"]) == ("autoindex", [None, None, 0.8])
    plain = ComparisonOrder()
    assert stubs[ReadBenchmark].calls == [
        {"benchmark": None, "order": plain},
        {"benchmark": "SPX", "order": plain},
    ]
    assert stubs[CompareBenchmark].calls == [{"benchmark": None, "order": plain}]


@pytest.mark.parametrize(
    ("path", "use_case", "more"),
    [
        (SP500, ReadBenchmark, {}),
        (SPX, ReadBenchmark, {}),
        (COMPARE, CompareBenchmark, {"confidence": 0.99}),
    ],
)
async def test_every_parameter_of_a_comparison_reaches_the_use_case(
    client: AsyncClient, stubs: dict[type, Stub], path: str, use_case: type, more: dict[str, float]
):
    asked = {
        "index": "mine",
        "start": "2024-01-02",
        "end": "2024-02-02",
        "as_of": "2024-03-01",
        "currency": "eur",
        "variant": "net",
        "window": 60,
        "risk_free_rate": 0.02,
        **more,
    }
    assert (await client.get(path, params=asked)).status_code == 200
    (call,) = stubs[use_case].calls
    assert call["order"] == ComparisonOrder(
        slug="mine",
        start=date(2024, 1, 2),
        end=date(2024, 2, 2),
        as_of=datetime.combine(date(2024, 3, 1), time.max, UTC),
        currency="EUR",
        variant=Variant.NET,
        window=60,
        risk_free_rate=0.02,
        **more,
    )


@pytest.mark.parametrize("name", ["SPX", "SPX:XNYS", "^GSPC", "17", "index:mine", "AAA:0.6,index:mine:0.4"])
async def test_a_benchmark_is_named_in_the_address_or_as_a_parameter(
    client: AsyncClient, stubs: dict[type, Stub], name: str
):
    assert (await client.get(f"{V1}/benchmark/{quote(name)}")).status_code == 200
    assert (await client.get(COMPARE, params={"benchmark": name})).status_code == 200
    assert (await client.get(RISK, params={"benchmark": name})).status_code == 200
    assert stubs[ReadBenchmark].calls[0]["benchmark"] == name
    assert stubs[CompareBenchmark].calls[0]["benchmark"] == name
    assert stubs[ReadRiskMetrics].calls[0]["order"].benchmark == name


@pytest.mark.parametrize(("path", "slug"), [(HISTORY, "mine"), (f"{V1}/strategy/risk-metrics", "autoindex")])
async def test_stored_risk_metrics_are_paged(
    client: AsyncClient, stubs: dict[type, Stub], path: str, slug: str
):
    body = (await client.get(path, params={"limit": 2, "cursor": "2024-01-04.9"})).json()
    assert [one["publication"] for one in body["items"]] == [7, 7]
    assert body["items"][0]["metrics"] == {
        "volatility": {"value": 0.2, "unit": "fraction_per_year", "reason": None}
    }
    assert body["next_cursor"] == "2024-01-03.7"
    assert stubs[ListRiskMetrics].calls[0] == {"slug": slug, "limit": 2, "cursor": "2024-01-04.9"}
    assert (await client.get(path, params={"limit": 201})).status_code == 422


async def test_intervals_are_asked_for_by_their_level(client: AsyncClient, stubs: dict[type, Stub]):
    asked = {"interval": 0.9, "draws": 200, "seed": 5}
    assert (await client.get(RISK, params=asked)).status_code == 200
    order = stubs[ReadRiskMetrics].calls[0]["order"]
    assert order.interval == Resampling(draws=200, level=0.9)
    assert order.seed == 5


async def test_every_parameter_of_risk_metrics_reaches_the_use_case(
    client: AsyncClient, stubs: dict[type, Stub]
):
    asked = {
        "end": "2024-02-02",
        "sessions": 20,
        "frequency": "weekly",
        "benchmark": "SPX",
        "as_of": "2024-03-01T10:00:00Z",
        "currency": "eur",
        "variant": "gross",
        "risk_free_rate": -0.01,
        "confidence": 0.9,
    }
    body = (await client.get(RISK, params=asked)).json()
    assert body["metrics"]["sharpe_deflated"] == {
        "value": None,
        "reason": "no_trials",
        "unit": "probability",
        "direction": "higher",
        "formula": "f",
        "interval": {"low": None, "high": None, "verdict": "unknown"},
    }
    assert stubs[ReadRiskMetrics].calls[0]["order"] == RiskOrder(
        slug="mine",
        end=date(2024, 2, 2),
        sessions=20,
        frequency=Frequency.WEEKLY,
        benchmark="SPX",
        as_of=datetime(2024, 3, 1, 10, tzinfo=UTC),
        currency="EUR",
        variant=Variant.GROSS,
        risk_free_rate=-0.01,
        confidence=0.9,
    )


@pytest.mark.parametrize(
    ("path", "asked", "field"),
    [
        (SPX, {"window": 1}, "window"),
        (SPX, {"window": 2521}, "window"),
        (SPX, {"index": "A B"}, "index"),
        (SPX, {"currency": "EURO"}, "currency"),
        (SPX, {"variant": "best"}, "variant"),
        (SPX, {"risk_free_rate": -1}, "risk_free_rate"),
        (SPX, {"start": "2024-02-30"}, "start"),
        (SPX, {"fields": "nope"}, "fields"),
        (SP500, {"start": "2024-02-02", "end": "2024-01-01"}, "start"),
        (COMPARE, {"confidence": 0.5}, "confidence"),
        (COMPARE, {"benchmark": ""}, "benchmark"),
        (COMPARE, {"start": "2024-02-02", "end": "2024-01-01"}, "start"),
        (RISK, {"sessions": 0}, "sessions"),
        (RISK, {"frequency": "hourly"}, "frequency"),
        (RISK, {"confidence": 1}, "confidence"),
        (RISK, {"risk_free_rate": "nan"}, "risk_free_rate"),
        (RISK, {"interval": 1.0}, "interval"),
        (RISK, {"draws": 99}, "draws"),
        (HISTORY, {"limit": 0}, "limit"),
    ],
)
async def test_a_broken_parameter_is_named(
    client: AsyncClient, stubs: dict[type, Stub], path: str, asked: dict[str, Any], field: str
):
    refused = problem(await client.get(path, params=asked), 422)
    assert field in {one["field"] for one in refused["errors"]}
    if field != "fields":
        assert all(stub.calls == [] for stub in stubs.values())


async def test_a_benchmark_that_is_not_stored_is_a_404_in_words(client: AsyncClient, stubs: dict[type, Stub]):
    stubs[ReadBenchmark].error = BenchmarkNotStored("None of SPX has closes here. Import some.")
    found = problem(await client.get(SP500), 404)
    assert (found["code"], found["detail"]) == (
        "benchmark_not_stored",
        "None of SPX has closes here. Import some.",
    )


@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_has_a_tag_and_is_computed_once(
    client: AsyncClient, stubs: dict[type, Stub], path: str
):
    first = await client.get(path)
    again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert sum(len(stub.calls) for stub in stubs.values()) == 1


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_else_is_given_an_answer_that_may_be_of_a_private_index(
    world: World, client: AsyncClient, stubs: dict[type, Stub], path: str
):
    other = world.credential(Principal(user=None, role=Role.VIEWER))
    assert (await client.get(path)).status_code == 200
    assert (await client.get(path, headers=other)).status_code == 200
    assert sum(len(stub.calls) for stub in stubs.values()) == 2


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_compares_without_a_token(client: AsyncClient, path: str):
    del client.headers["authorization"]
    problem(await client.get(path), 401)


async def test_columns_come_as_arrow_where_that_is_asked_for(client: AsyncClient):
    accept = {"Accept": "application/vnd.apache.arrow.stream"}
    for path in (SP500, SPX, COMPARE):
        frame = pl.read_ipc_stream(BytesIO((await client.get(path, headers=accept)).content))
        assert frame["beta"].to_list() == [None, None, 0.8]
    problem(await client.get(RISK, headers=accept), 406)
