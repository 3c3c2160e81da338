"""Compositions, explanations, provenance, the next review and previews over HTTP."""

import csv
from collections.abc import AsyncIterator
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from httpx import AsyncClient
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import PROVENANCE, Stub, World

from waardhaven.adapters.inbound.http.examples import ANSWERS
from waardhaven.application.answers import Page, SeriesView
from waardhaven.application.indexes.composition_file import FileKind, ReadCompositionFile
from waardhaven.application.indexes.composition_views import CompositionView, NamesView
from waardhaven.application.indexes.compositions import ListCompositions, ListRebalances
from waardhaven.application.indexes.explain import Explain
from waardhaven.application.indexes.figures import UnknownFigure
from waardhaven.application.indexes.preview import PreviewIndex
from waardhaven.application.indexes.provenance import ReadProvenance

API = "/api/v1"
INDEX = f"{API}/indices/autoindex"
FIGURE = ANSWERS["provenance"]["id"]


def a_file(params: dict[str, Any]) -> SeriesView:
    return SeriesView(
        columns={
            "symbols": np.array(["=SUM(A1)", "PFE"], dtype=str),
            "units": np.array([1.5, 2.0]),
            "close": np.array([np.nan, 49.0]),
            "stale": np.array([True, False]),
        },
        head={"index": params["slug"], "at": str(params["at"]), "provenance": PROVENANCE},
    )


def a_page(_: dict[str, Any]) -> Page[CompositionView]:
    view = CompositionView(
        selection=date(2022, 12, 23),
        effective=date(2022, 12, 27),
        reason="scheduled",
        divisor=1.0,
        turnover=0.1,
        cost=None,
        total_names=1,
        names=NamesView(symbols=("CASH",), weights=(1.0,), units=(100.0,)),
    )
    return Page(items=(view,), next_cursor="2022-12-27")


@pytest.fixture
def stubs() -> dict[type, Stub]:
    return {
        ListCompositions: Stub(a_page),
        ListRebalances: Stub(lambda _: Page(items=(), next_cursor=None)),
        ReadCompositionFile: Stub(a_file),
        Explain: Stub(lambda params: params),
        ReadProvenance: Stub(lambda params: params),
        PreviewIndex: Stub(
            lambda params: SeriesView(columns={"own": np.array([100.0, np.nan])}, head={"note": "a"})
        ),
    }


@pytest.fixture
def world(vendored: Path, stubs: dict[type, Stub]) -> World:
    return World(vendored=vendored, asked=stubs)


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        yield opened


async def test_compositions_come_by_page_with_names_by_column(client: AsyncClient, stubs: dict[type, Stub]):
    response = await client.get(
        f"{INDEX}/compositions?start=2022-01-03&end=2022-12-28&limit=1&cursor=2022-12-30"
    )
    body = response.json()
    assert body["next_cursor"] == "2022-12-27"
    assert body["items"][0]["names"] == {"symbols": ["CASH"], "weights": [1.0], "units": [100.0]}
    assert (body["items"][0]["cost"], body["items"][0]["reason"]) == (None, "scheduled")
    (asked,) = stubs[ListCompositions].calls
    assert (asked["start"], asked["end"]) == (date(2022, 1, 3), date(2022, 12, 28))
    assert (asked["limit"], asked["cursor"], asked["slug"]) == (1, "2022-12-30", "autoindex")


@pytest.mark.parametrize("path", ["compositions", "rebalances"])
async def test_a_reversed_range_is_refused_by_both_fields(client: AsyncClient, path: str):
    response = await client.get(f"{INDEX}/{path}?start=2022-12-28&end=2022-01-03")
    assert {one["field"] for one in problem(response, 422)["errors"]} == {"start", "end"}


async def test_a_file_comes_as_json_arrow_and_csv(client: AsyncClient, stubs: dict[type, Stub]):
    address = f"{INDEX}/compositions/file?date=2022-12-28&at=opening"
    plain = (await client.get(address)).json()
    assert (plain["close"], plain["at"]) == ([None, 49.0], "opening")
    (asked,) = stubs[ReadCompositionFile].calls
    assert (asked["day"], asked["at"]) == (date(2022, 12, 28), FileKind.OPENING)
    arrow = await client.get(address, headers={"Accept": "application/vnd.apache.arrow.stream"})
    frame = pl.read_ipc_stream(BytesIO(arrow.content))
    assert frame["units"].to_list() == [1.5, 2.0]
    sheet = await client.get(address, headers={"Accept": "text/csv"})
    assert sheet.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(StringIO(sheet.text)))
    assert rows[0] == ["symbols", "units", "close", "stale"]
    assert rows[1:] == [["'=SUM(A1)", "1.5", "", "True"], ["PFE", "2.0", "49.0", "False"]]
    some = await client.get(f"{address}&fields=units,at", headers={"Accept": "text/csv"})
    assert some.text.splitlines() == ["units", "1.5", "2.0"]


async def test_a_file_of_no_such_kind_or_day_is_refused(client: AsyncClient):
    for wrong in ("at=middle", "date=yesterday"):
        problem(await client.get(f"{INDEX}/compositions/file?{wrong}"), 422)


async def test_an_explanation_is_asked_with_its_day_and_symbol(client: AsyncClient, stubs: dict[type, Stub]):
    await client.get(f"{INDEX}/explain?date=2022-12-28&symbol=AAPL:XNAS")
    (asked,) = stubs[Explain].calls
    assert asked == {"slug": "autoindex", "day": date(2022, 12, 28), "symbol": "AAPL:XNAS", "as_of": None}
    problem(await client.get(f"{INDEX}/explain?symbol=a%20b"), 422)


async def test_a_figure_is_found_by_its_id_alone(client: AsyncClient, stubs: dict[type, Stub]):
    await client.get(f"{API}/provenance/{FIGURE}")
    assert stubs[ReadProvenance].calls == [{"figure": FIGURE}]
    for wrong in ("nothing", FIGURE + "x", FIGURE.replace(".", "%23")):
        problem(await client.get(f"{API}/provenance/{wrong}"), 422)
    stubs[ReadProvenance].error = UnknownFigure("There is no figure of that id.")
    problem(await client.get(f"{API}/provenance/{FIGURE.replace('28', '27')}"), 404)


async def test_a_preview_is_of_the_rules_in_the_body(client: AsyncClient, stubs: dict[type, Stub]):
    body = {"schedule": {"frequency": "monthly"}, "benchmark": None}
    response = await client.post(f"{INDEX}/preview", json=body)
    assert response.json() == {"own": [100.0, None], "note": "a"}
    (asked,) = stubs[PreviewIndex].calls
    assert asked == {"slug": "autoindex", "changes": body}
    await client.post(f"{INDEX}/preview", json=body)
    assert len(stubs[PreviewIndex].calls) == 1
    await client.post(f"{INDEX}/preview", json={"schedule": {"frequency": "yearly"}})
    assert len(stubs[PreviewIndex].calls) == 2


async def test_foreign_fields_of_rules_are_named(client: AsyncClient):
    response = await client.post(f"{INDEX}/preview", json={"nothing": 1})
    assert [one["field"] for one in problem(response, 422)["errors"]] == ["nothing"]


async def test_nobody_sees_the_working_without_a_credential(client: AsyncClient):
    client.headers.pop("Authorization")
    for path in ("compositions", "compositions/file", "rebalances", "explain", "pro-forma"):
        problem(await client.get(f"{INDEX}/{path}"), 401)
    problem(await client.get(f"{API}/provenance/{FIGURE}"), 401)
    problem(await client.post(f"{INDEX}/preview", json={}), 401)
