"""Options over HTTP that are refused: which field is named, by which rule and limit; no options at all."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from httpx import AsyncClient
from tests.fakes.compute_pool import FakeModelPool
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.options_desk import ASKED, PATH, options_world, table

from waardhaven.adapters.inbound.http.negotiation import ARROW


@pytest.fixture
async def client(vendored: Path) -> AsyncIterator[AsyncClient]:
    world = options_world(vendored, FakeModelPool())
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        opened.timeout = 60
        yield opened


@pytest.mark.parametrize("exercise", ["european", "american"])
async def test_no_options_have_no_figures(client: AsyncClient, exercise: str) -> None:
    for nothing in ({"strike_price": []}, {"option_type": []}, {"strike_price": [], "spot_price": []}):
        body = (await client.post(PATH, json=ASKED | nothing | {"exercise": exercise})).json()
        assert (body["options"], body["figures"]["price"]["values"], body["reasons"]) == (0, [], [])
    same = {name: one for name, one in ASKED.items() if name != "strike_price"}
    response = await table(client, {"strike_price": np.zeros(0)}, **same, exercise=exercise)
    assert pl.read_ipc_stream(response.content).height == 0


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"time_to_expiry": 1e17}, "time_to_expiry", "must be 0, or from 1e-08 to 100"),
        ({"time_to_expiry": [0.5, 1e300]}, "time_to_expiry.1", "must be 0, or from 1e-08 to 100"),
        ({"strike_price": 1e308}, "strike_price", "must be from 1e-12 to 1e+15"),
        ({"strike_price": [95.0, -1e308]}, "strike_price.1", "must be from 1e-12 to 1e+15"),
        ({"strike_price": 5e-324}, "strike_price", "must be from 1e-12 to 1e+15"),
        ({"volatility": None, "price": [1.0, 2e16]}, "price.1", "must be from 0 to 1e+16"),
        ({"strike_price": "95"}, "strike_price", "must be a number or null, not a text"),
        ({"strike_price": [10**400]}, "strike_price.0", "must be a number of double precision"),
        (
            {"option_type": ["call"] * 3, "strike_price": [95.0, 96.0]},
            "option_type",
            "must be one value, or 2 as strike_price has, not 3",
        ),
    ],
)
async def test_a_rule_tells_the_very_limit_that_was_broken(
    client: AsyncClient, changes: dict[str, Any], field: str, rule: str
) -> None:
    errors = problem(await client.post(PATH, json=ASKED | changes), 422)["errors"]
    assert [(one["field"], one["rule"]) for one in errors] == [(field, rule)]


async def test_settings_that_are_no_json_are_named(client: AsyncClient) -> None:
    content = (await table(client, {"strike_price": [90.0]})).request.content
    for settings in ("{", '{"time_to_expiry": NaN}'):
        response = await client.post(
            PATH, content=content, params={"settings": settings}, headers={"Content-Type": ARROW}
        )
        errors = problem(response, 422)["errors"]
        assert errors == [{"field": "settings", "rule": "must be well-formed JSON"}]
    asked = {name: one for name, one in ASKED.items() if name != "strike_price"} | {"time_to_expiry": 1e17}
    errors = problem(await table(client, {"strike_price": [90.0]}, **asked), 422)["errors"]
    assert [one["rule"] for one in errors] == ["must be 0, or from 1e-08 to 100"]
