"""Options over HTTP: JSON and Arrow both ways, what is refused, and within which bounds."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest
from httpx import AsyncClient
from tests.fakes.compute_pool import FakeModelPool
from tests.unit.adapters.http.expect import fields, problem
from tests.unit.adapters.http.options_desk import ASKED, PATH, options_world, table
from tests.unit.adapters.http.shapes import body_schema, deviations
from tests.unit.adapters.http.world import World

from waardhaven.adapters.inbound.http.negotiation import ARROW, JSON
from waardhaven.adapters.inbound.http.openapi import document
from waardhaven.adapters.inbound.http.option_bodies import (
    COLUMNS,
    OptionsBody,
    OptionsText,
    OptionTableSettings,
)
from waardhaven.adapters.inbound.http.option_wire import MOST_IN_JSON
from waardhaven.application.questions import options as questions
from waardhaven.domain.quant.options.contracts import Options
from waardhaven.domain.quant.options.greeks import GREEKS
from waardhaven.domain.quant.options.models import MODELS
from waardhaven.domain.quant.options.payoffs import PAYOFFS
from waardhaven.domain.quant.options.valuation import evaluate
from waardhaven.domain.quant.volatility import VOLATILITY_ESTIMATORS


@pytest.fixture
def models() -> FakeModelPool:
    return FakeModelPool()


@pytest.fixture
def world(vendored: Path, models: FakeModelPool) -> World:
    return options_world(vendored, models)


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        opened.timeout = 60
        yield opened


def expected(**changes: Any) -> dict[str, np.ndarray]:
    at = {"spot": 100.0, "strike": 95.0, "time": 0.5, "volatility": 0.2, "rate": 0.02} | changes
    return dict(evaluate(Options.of(**at)).values)


async def test_numbers_are_one_option(client: AsyncClient) -> None:
    response = await client.post(PATH, json=ASKED)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert (body["options"], body["model"], body["method"]) == (1, "black_scholes_merton", "closed form")
    for name, column in expected().items():
        assert body["figures"][name]["values"] == [pytest.approx(column[0], rel=1e-15)]
    assert body["figures"]["vega"]["unit"] == "price per 1.00 of volatility"
    assert (body["reasons"], body["explanations"], body["stored_spot"]) == ([None], {}, None)


async def test_arrays_are_options_row_by_row_with_null_for_what_is_unknown(client: AsyncClient) -> None:
    asked = ASKED | {
        "strike_price": [90.0, None, 110.0],
        "option_type": ["call", "put", "put"],
        "greeks": ["delta", "delta"],
    }
    body = (await client.post(PATH, json=asked)).json()
    assert list(body["figures"]) == ["price", "delta"]
    found = expected(strike=[90.0, 100.0, 110.0], is_call=[True, False, False])["price"]
    assert body["figures"]["price"]["values"] == [pytest.approx(found[0]), None, pytest.approx(found[2])]
    assert body["reasons"] == [None, "unknown_input", None]
    assert list(body["explanations"]) == ["unknown_input"]


async def test_a_long_body_is_read_as_a_short_one(client: AsyncClient) -> None:
    count = 60_000
    strikes = np.linspace(50.0, 150.0, count)
    asked = ASKED | {"strike_price": strikes.tolist(), "time_to_expiry": np.full(count, 0.5).tolist()}
    body = (await client.post(PATH, json=asked)).json()
    np.testing.assert_array_equal(body["figures"]["price"]["values"], expected(strike=strikes)["price"])
    asked["strike_price"][-1] = "x"
    refused = problem(await client.post(PATH, json=asked), 422)
    assert fields(refused) == {f"strike_price.{count - 1}"}
    asked["strike_price"] = strikes.tolist()
    asked["time_to_expiry"][-1] = 1e300
    refused = problem(await client.post(PATH, json=asked), 422)
    assert fields(refused) == {f"time_to_expiry.{count - 1}"}


async def test_prices_imply_volatilities(client: AsyncClient) -> None:
    price = float(expected()["price"][0])
    asked = {name: one for name, one in ASKED.items() if name != "volatility"}
    body = (await client.post(PATH, json=asked | {"price": [price, 0.5]})).json()
    assert body["figures"]["implied_volatility"]["values"] == [pytest.approx(0.2), None]
    assert body["reasons"] == [None, "below_intrinsic_value"]
    alone = problem(await client.post(PATH, json=asked | {"price": 0.5}), 422)
    assert "must be between 5.9" in alone["errors"][0]["rule"]


async def test_what_stored_prices_say_is_told(client: AsyncClient) -> None:
    asked = {"option_type": "put", "strike_price": 95.0, "time_to_expiry": 0.5, "symbol": "AAPL"}
    body = (await client.post(PATH, json=asked)).json()
    assert (body["stored_spot"]["day"], body["stored_spot"]["close"]) == ("2024-05-31", 100.0)
    assert body["estimated_volatility"] | {"first": "", "last": ""} == {
        "symbol": "AAPL",
        "mic": "XNAS",
        "source": "s",
        "estimator": "close_to_close",
        "window": 252,
        "bars": 253,
        "left_out": 0,
        "first": "",
        "last": "",
        "adjust": "all",
        "periods_per_year": 252.0,
        "volatility": 0.2,
    }
    frame = pl.read_ipc_stream(
        (
            await table(
                client, {"strike_price": [95.0, 96.0]}, option_type="put", time_to_expiry=1, symbol="AAPL"
            )
        ).content
    )
    assert frame["spot_day"].to_list() == [date(2024, 5, 31)] * 2
    estimated = {"estimator": "close_to_close", "window": 252, "bars": 253, "left_out": 0}
    estimated |= {"first": date(2023, 5, 31), "last": date(2024, 5, 31)}
    for name, value in estimated.items():
        assert frame[f"volatility_{name}"].to_list() == [value] * 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time_to_expiry": -0.5}, "time_to_expiry"),
        ({"volatility": -0.2}, "volatility"),
        ({"strike_price": [90.0, 0.0]}, "strike_price.1"),
        ({"option_type": "straddle"}, "option_type"),
        ({"option_type": ["call", "straddle"]}, "option_type.1"),
        ({"strike_price": "95"}, "strike_price"),
        ({"strike_price": [90.0, "x"]}, "strike_price.1"),
        ({"spot_price": None}, "spot_price"),
        ({"spot_price": {}}, "spot_price"),
        ({"model": "heston"}, "model"),
        ({"greeks": ["alpha"]}, "greeks.0"),
        ({"exercise": "american", "payoff": "cash_or_nothing"}, "exercise"),
        ({"nonsense": 1}, "nonsense"),
        ({"volatility": [0.2, 0.3], "strike_price": [1.0, 2.0, 3.0]}, "volatility"),
        ({"volatility_window": 0}, "volatility_window"),
    ],
)
async def test_a_broken_rule_is_a_422_that_names_the_field(
    client: AsyncClient, changes: dict[str, Any], field: str
) -> None:
    body = problem(await client.post(PATH, json=ASKED | changes), 422)
    assert field in fields(body)


async def test_every_required_field_left_out_is_named(client: AsyncClient) -> None:
    asked = {name: one for name, one in ASKED.items() if name != "strike_price"}
    assert fields(problem(await client.post(PATH, json=asked), 422)) == {"strike_price"}
    required = {"option_type", "strike_price", "time_to_expiry"}
    assert fields(problem(await client.post(PATH, json={}), 422)) == required
    asked = ASKED | {"strike_price": None}
    body = (await client.post(PATH, json=asked)).json()
    assert body["reasons"] == ["unknown_input"], "null is a number that is not known"


async def test_many_american_options_and_what_finds_no_room_are_a_job(
    client: AsyncClient, world: World, models: FakeModelPool
) -> None:
    american = ASKED | {"exercise": "american", "strike_price": [95.0] * 1_001}
    models.busy = True
    for asked in (american, ASKED | {"strike_price": [95.0] * 1_001}):
        response = await client.post(PATH, json=asked)
        assert response.status_code == 202, response.text
        body = response.json()
        assert response.headers["location"] == f"/api/v1/jobs/{body['id']}"
        assert body["params"]["strike_price"] == asked["strike_price"]
        described = body_schema(document(world.app), PATH, "post", 202, JSON)
        assert [*deviations(document(world.app), described, body)] == []
    few = await client.post(PATH, json=ASKED)
    assert few.status_code == 200, "a thread values what is small"
    same = {name: one for name, one in ASKED.items() if name != "strike_price"}
    crowded = await table(client, {"strike_price": np.full(20_000, 95.0)}, **same)
    problem(crowded, 503)


async def test_a_million_options_are_one_stream_each_way(client: AsyncClient) -> None:
    count = 1_000_000
    random = np.random.default_rng(4)
    strikes, kinds = random.uniform(60.0, 160.0, count), random.random(count) < 0.5
    response = await table(
        client,
        {"strike_price": strikes, "option_type": kinds},
        **{name: ASKED[name] for name in ("time_to_expiry", "spot_price", "volatility", "risk_free_rate")},
    )
    assert response.status_code == 200, response.text[:500]
    assert response.headers["content-type"] == ARROW
    frame = pl.read_ipc_stream(response.content)
    assert frame.columns == ["price", "delta", "gamma", "vega", "theta", "rho", "reason"]
    for name, column in expected(strike=strikes, is_call=kinds).items():
        np.testing.assert_array_equal(frame[name].to_numpy(), column)
    assert frame["reason"].null_count() == count


async def test_a_stream_tells_reasons_and_figures_that_are_lacking(client: AsyncClient) -> None:
    response = await table(
        client,
        {
            "option_type": ["call", "put", "put"],
            "strike_price": [90.0, None, 100.0],
            "time_to_expiry": [1.0, 1.0, 0.0],
        },
        spot_price=100.0,
        volatility=0.2,
        model="black_76",
        greeks=["delta", "phi"],
    )
    frame = pl.read_ipc_stream(response.content)
    assert frame["reason"].to_list() == [None, "unknown_input", "at_the_kink"]
    assert frame["price"].null_count() == 1
    assert frame["phi"].null_count() == 3
    assert frame["lacking"].to_list() == [{"phi": "not_of_the_model"}] * 3


async def test_a_stream_is_answered_in_json_up_to_a_bound(client: AsyncClient) -> None:
    columns = {"option_type": ["call", "put"], "strike_price": [90.0, 110.0], "time_to_expiry": [1.0, 0.5]}
    body = (await table(client, columns, JSON, spot_price=100.0, volatility=0.2)).json()
    assert body["options"] == 2
    many = {"strike_price": np.full(MOST_IN_JSON + 1, 90.0)}
    settings = {"option_type": "call", "time_to_expiry": 1.0, "spot_price": 100.0, "volatility": 0.2}
    refused = problem(await table(client, many, JSON, **settings), 422)
    assert "Arrow" in refused["errors"][0]["rule"]


@pytest.mark.parametrize(
    ("columns", "settings", "field"),
    [
        ({"strike_price": [90.0]}, {}, "option_type"),
        ({"option_type": ["call"], "strike_price": [90.0]}, {}, "time_to_expiry"),
        ({"option_type": ["call"], "strike_price": [90.0]}, {"option_type": "put"}, "settings.option_type"),
        ({"strike_price": [90.0]}, {"strike_price": 90.0}, "settings.strike_price"),
        ({"option_type": ["straddle"]}, {}, "option_type"),
        ({"option_type": [None]}, {}, "option_type"),
        ({"option_type": [True, None]}, {}, "option_type"),
        ({"strike_price": ["x"]}, {}, "strike_price"),
        ({"strikes": [1.0]}, {}, "strikes"),
        ({"strike_price": [90.0]}, {"model": "heston"}, "settings.model"),
    ],
)
async def test_a_broken_table_is_a_422_that_names_the_column(
    client: AsyncClient, columns: dict[str, Any], settings: dict[str, Any], field: str
) -> None:
    assert field in fields(problem(await table(client, columns, **settings), 422))


async def test_bytes_that_are_no_stream_are_refused(client: AsyncClient) -> None:
    response = await client.post(PATH, content=b"nothing", headers={"Content-Type": ARROW})
    problem(response, 422)


async def test_settings_belong_to_streams_alone(client: AsyncClient) -> None:
    refused = problem(await client.post(PATH, json=ASKED, params={"settings": "{}"}), 422)
    assert fields(refused) == {"settings"}


async def test_other_types_are_refused(client: AsyncClient) -> None:
    problem(await client.post(PATH, json=ASKED, headers={"Accept": "text/csv"}), 406)
    problem(await client.post(PATH, content=b"x", headers={"Content-Type": "text/csv"}), 415)


async def test_who_is_not_signed_in_is_refused(world: World) -> None:
    async with world.client() as client:
        assert (await client.post(PATH, json=ASKED)).status_code == 401
        assert (await client.get("/api/v1/option-models")).status_code == 401


async def test_the_catalogue_is_answered(client: AsyncClient) -> None:
    body = (await client.get("/api/v1/option-models")).json()
    assert [one["name"] for one in body["greeks"]] == list(GREEKS)


def test_bodies_offer_what_the_registries_have() -> None:
    assert set(get_args(questions.GreekName)) == set(GREEKS)
    assert set(get_args(questions.EstimatorName)) == set(VOLATILITY_ESTIMATORS)
    hints = questions.OptionSettings.__annotations__
    assert set(get_args(get_args(hints["model"])[0])) == set(MODELS)
    assert set(get_args(get_args(hints["payoff"])[0])) == set(PAYOFFS)


def test_a_body_a_job_and_a_table_have_the_same_fields() -> None:
    kinds = (OptionsBody, OptionsText, OptionTableSettings)
    names = set(questions.OptionsQuestion.__struct_fields__)
    assert names == {*questions.OptionSettings.__struct_fields__, "option_type", *COLUMNS}
    for kind in kinds:
        assert set(kind.__struct_fields__) == names
    assert all(issubclass(one, questions.OptionColumns) for one in (OptionsBody, questions.OptionsQuestion))


@pytest.mark.parametrize("name", VOLATILITY_ESTIMATORS)
async def test_every_estimator_can_be_asked_for(client: AsyncClient, name: str) -> None:
    asked = {"option_type": "put", "strike_price": 95.0, "time_to_expiry": 0.5, "symbol": "AAPL"}
    assert (await client.post(PATH, json=asked | {"volatility_estimator": name})).status_code == 200
    listed = (await client.get("/api/v1/option-models")).json()["volatility_estimators"]
    assert name in {one["name"] for one in listed}
