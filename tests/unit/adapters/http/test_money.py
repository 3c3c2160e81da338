"""Simulations and target units over HTTP: what is asked, refused and answered."""

from collections.abc import AsyncIterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from httpx import AsyncClient
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import PROVENANCE, Stub, World

from waardhaven.application.answers import SeriesView
from waardhaven.application.indexes.money_views import TargetsView
from waardhaven.application.indexes.simulate import Simulate, SimulationOrder
from waardhaven.application.indexes.target_units import LotKind, TargetOrder, TargetUnits
from waardhaven.domain.index.definition import Variant
from waardhaven.domain.market.calendar import Frequency

API = "/api/v1"
SIMULATE, TARGETS = f"{API}/index/simulate", f"{API}/index/targets"
ASKED = {"amount": 1000, "start_date": "2015-01-02"}


def simulated(params: dict[str, Any]) -> SeriesView:
    order: SimulationOrder = params["order"]
    columns = {
        "dates": np.arange(3).astype("datetime64[D]"),
        "values": np.array([order.amount, np.nan, 2 * order.amount]),
        "invested": np.full(3, order.amount),
    }
    return SeriesView(columns=columns, head={"index": params["slug"], "provenance": PROVENANCE})


def targeted(params: dict[str, Any]) -> TargetsView:
    return TargetsView(
        index=params["slug"],
        date=date(2024, 6, 3),
        currency=params["order"].currency or "USD",
        amount="1.00",
        invested="0.00",
        cash_left="1.00",
        shortfall=1.0,
        gap=0.0,
        allocations=(),
        notes=(),
        provenance=PROVENANCE,
    )


@pytest.fixture
def stubs() -> dict[type, Stub]:
    return {Simulate: Stub(simulated), TargetUnits: Stub(targeted)}


@pytest.fixture
def world(vendored: Path, stubs: dict[type, Stub]) -> World:
    return World(vendored=vendored, asked=stubs)


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        yield opened


async def test_a_simulation_is_columns_with_what_describes_them(client: AsyncClient, stubs: dict[type, Stub]):
    response = await client.post(SIMULATE, json=ASKED)
    assert response.status_code == 200
    body = response.json()
    assert body["values"] == [1000.0, None, 2000.0]
    assert body["dates"] == ["1970-01-01", "1970-01-02", "1970-01-03"]
    assert (body["index"], body["provenance"]["publication"]) == ("autoindex", 1)
    (asked,) = stubs[Simulate].calls
    assert asked["order"] == SimulationOrder(amount=1000.0, start_date=date(2015, 1, 2))
    assert (asked["slug"], asked["as_of"]) == ("autoindex", None)


async def test_everything_of_a_body_reaches_the_use_case(client: AsyncClient, stubs: dict[type, Stub]):
    body = {
        "amount": 10.5,
        "start_date": "2015-01-02",
        "end_date": "2016-01-02",
        "currency": "eur",
        "variant": "net",
        "contribution": 5,
        "contribution_frequency": "quarterly",
        "management_fee": 0.002,
        "entry_fee": 0.01,
    }
    assert (await client.post(f"{API}/indices/mine/simulate", json=body)).status_code == 200
    (asked,) = stubs[Simulate].calls
    assert asked["slug"] == "mine"
    assert asked["order"] == SimulationOrder(
        amount=10.5,
        start_date=date(2015, 1, 2),
        end_date=date(2016, 1, 2),
        currency="EUR",
        variant=Variant.NET,
        contribution=5.0,
        contribution_frequency=Frequency.QUARTERLY,
        management_fee=0.002,
        entry_fee=0.01,
    )
    body = {"amount": 7, "currency": "chf", "lot": "fractional", "minimum_trade": 3, "lot_sizes": {"B": 2}}
    assert (await client.post(f"{API}/indices/mine/targets", json=body)).status_code == 200
    (asked,) = stubs[TargetUnits].calls
    assert asked["order"] == TargetOrder(
        amount=7.0, currency="CHF", lot=LotKind.FRACTIONAL, lot_sizes={"B": 2}, minimum_trade=3.0
    )


async def test_a_simulation_is_an_arrow_stream_where_that_is_asked_for(client: AsyncClient):
    accept = {"Accept": "application/vnd.apache.arrow.stream"}
    frame = pl.read_ipc_stream(BytesIO((await client.post(SIMULATE, json=ASKED, headers=accept)).content))
    assert frame.columns == ["dates", "values", "invested"]
    assert frame["values"].to_list() == [1000.0, None, 2000.0]
    assert frame.schema["dates"] == pl.Date


async def test_only_the_fields_asked_for_are_answered(client: AsyncClient):
    response = await client.post(f"{TARGETS}?fields=cash_left,amount", json={"amount": 1})
    assert response.json() == {"amount": "1.00", "cash_left": "1.00"}


async def test_one_address_answers_each_body_with_its_own_figures(
    client: AsyncClient, stubs: dict[type, Stub]
):
    """The body is part of what an answer is kept by, and no answer is kept by its address alone."""
    for amount in (1000, 2000, 1000, 2000):
        body = (await client.post(SIMULATE, json=ASKED | {"amount": amount})).json()
        assert body["values"][0] == amount
    assert len(stubs[Simulate].calls) == 2
    problem(await client.get(SIMULATE), 405)


BROKEN = [
    (SIMULATE, {"amount": 0}, "amount"),
    (SIMULATE, {"amount": -1}, "amount"),
    (SIMULATE, {"amount": 1e308}, "amount"),
    (SIMULATE, {"amount": None}, "amount"),
    (SIMULATE, {"start_date": "2015-02-30"}, "start_date"),
    (SIMULATE, {"end_date": "soon"}, "end_date"),
    (SIMULATE, {"currency": "EURO"}, "currency"),
    (SIMULATE, {"variant": "best"}, "variant"),
    (SIMULATE, {"contribution": -1}, "contribution"),
    (SIMULATE, {"contribution_frequency": "daily"}, "contribution_frequency"),
    (SIMULATE, {"management_fee": 0.51}, "management_fee"),
    (SIMULATE, {"entry_fee": -0.01}, "entry_fee"),
    (SIMULATE, {"leverage": 2}, "leverage"),
    (TARGETS, {"amount": 1e308}, "amount"),
    (TARGETS, {"lot": "half"}, "lot"),
    (TARGETS, {"lot_sizes": {"AAPL": 0}}, "lot_sizes"),
    (TARGETS, {"minimum_trade": -1}, "minimum_trade"),
    (TARGETS, {"start_date": "2015-01-02"}, "start_date"),
]


@pytest.mark.parametrize(("path", "changes", "field"), BROKEN)
async def test_a_broken_body_names_its_field(
    client: AsyncClient, stubs: dict[type, Stub], path: str, changes: dict[str, object], field: str
):
    body = (ASKED if path == SIMULATE else {"amount": 1}) | changes
    refused = problem(await client.post(path, json=body), 422)
    assert [one["field"] for one in refused["errors"]] == [field]
    assert stubs[Simulate].calls == stubs[TargetUnits].calls == []


async def test_a_number_beyond_every_number_is_refused(client: AsyncClient):
    """JSON has no infinity, and 1e999 is none either."""
    kind = {"Content-Type": "application/json"}
    for amount in (b"1e999", b"NaN", b"Infinity"):
        content = b'{"amount":' + amount + b',"start_date":"2015-01-02"}'
        assert (await client.post(SIMULATE, content=content, headers=kind)).status_code in {400, 422}


async def test_a_body_is_required(client: AsyncClient):
    kind = {"Content-Type": "application/json"}
    assert problem(await client.post(SIMULATE, content=b"", headers=kind), 422)["errors"]


async def test_nobody_asks_without_a_token(client: AsyncClient):
    del client.headers["authorization"]
    for path in (SIMULATE, TARGETS, f"{API}/indices/mine/simulate", f"{API}/indices/mine/targets"):
        problem(await client.post(path, json=ASKED), 401)


async def test_a_question_with_a_body_is_always_answered(client: AsyncClient) -> None:
    """RFC 9110, section 13.1.2: 304 is an answer to GET and HEAD alone."""
    body = {"amount": "1000", "start_date": "2020-01-02"}
    first = await client.post(SIMULATE, json=body)
    again = await client.post(SIMULATE, json=body, headers={"If-None-Match": first.headers.get("etag", "*")})
    assert (again.status_code, again.content) == (200, first.content)
