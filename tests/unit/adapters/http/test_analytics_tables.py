"""Large questions about risk: JSON and Arrow both ways, within bounds, while the loop answers others."""

import asyncio
import io
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from httpx import AsyncClient, Response
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

from waardhaven.adapters.inbound.http.arrow_tables import read_table
from waardhaven.adapters.inbound.http.negotiation import ARROW, JSON
from waardhaven.adapters.inbound.http.sent_bodies import Crowded, Room
from waardhaven.adapters.outbound.compute_pool.pools import ThreadComputePool
from waardhaven.application.metrics.analyse_risk import AnalyseRisk
from waardhaven.application.metrics.risk_question import UnusableQuestion
from waardhaven.domain.metrics import METRICS

RISK = "/api/v1/analytics/risk"
RETURNS = {"settings": '{"kind": "returns", "calendar": "daily"}'}
SERIES, DAYS = 500, 5_000
MEBIBYTE = 1 << 20
LONGEST = 0.2
"""Seconds of the processor without a look at others; decoding 54 MiB takes twice that."""
MOST_MEMORY = 300
"""Mebibytes a question of 500 x 5,000 may take beside its 54 MiB of JSON; the matrix itself has 20."""


@pytest.fixture
def world(vendored: Path) -> World:
    return World(vendored=vendored, asked={AnalyseRisk: AnalyseRisk(ThreadComputePool())})


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        opened.timeout = 60
        yield opened


def stream(columns: dict[str, Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest(), **options)
    return buffer.getvalue()


async def sent(
    client: AsyncClient, content: bytes, media: str = ARROW, accept: str = JSON, **params: str
) -> Response:
    asked = params or (RETURNS if media == ARROW else {})
    headers = {"Content-Type": media, "Accept": accept}
    return await client.post(RISK, content=content, headers=headers, params=asked)


def table() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.001, 0.01, (2, 300))
    days = np.datetime64("2020-01-02") + np.arange(300)
    return {"date": days, "a": a, "benchmark": b, "risk_free": np.full(300, 1e-4), "b": [*b[:-1], None]}


def as_json(columns: dict[str, Any]) -> dict[str, Any]:
    listed = {name: np.asarray(one, dtype=object).tolist() for name, one in columns.items() if name != "date"}
    return {
        "returns": {"a": listed["a"], "b": listed["b"]},
        "dates": columns["date"].astype(str).tolist(),
        "benchmark": listed["benchmark"],
        "risk_free_series": listed["risk_free"],
        "calendar": "daily",
    }


async def test_an_arrow_stream_and_json_of_the_same_series_have_the_same_answer(client: AsyncClient) -> None:
    by_table = await sent(client, stream(table()))
    by_json = await client.post(RISK, json=as_json(table()))
    assert by_table.status_code == by_json.status_code == 200
    assert by_table.json() == by_json.json()


async def test_an_arrow_answer_says_what_the_json_answer_says(client: AsyncClient) -> None:
    told = (await sent(client, stream(table()))).json()
    response = await sent(client, stream(table()), accept=f"{ARROW}, {JSON};q=0.5")
    assert (response.headers["content-type"], response.headers["vary"]) == (ARROW, "Accept")
    frame = pl.read_ipc_stream(io.BytesIO(response.content))
    assert frame["series"].to_list() == told["series"] == ["a", "b"]
    for name, one in told["metrics"].items():
        assert frame[name].to_list() == one["values"]
        assert frame["reason"].struct.field(name).to_list() == one["reasons"]
    for name in ("observations", "common", "coverage"):
        assert frame[name].to_list() == told[name]
    assert frame["periods_per_year"].to_list() == [252.0, 252.0]
    assert frame["periods_told_by"].to_list() == ["calendar", "calendar"]
    assert frame["warnings"].to_list() == [[], []]
    assert "low" not in frame.columns


async def test_intervals_travel_in_both_forms(client: AsyncClient) -> None:
    settings = msgspec.json.encode(
        {"kind": "returns", "calendar": "daily", "metrics": ["sharpe", "beta"], "interval": {"draws": 100}}
    ).decode()
    content = stream({name: table()[name] for name in ("a", "b")})
    told = (await sent(client, content, settings=settings)).json()
    frame = pl.read_ipc_stream(
        io.BytesIO((await sent(client, content, accept=ARROW, settings=settings)).content)
    )
    for name in ("low", "high", "verdict"):
        by_metric = {one: view["intervals"][name] for one, view in told["metrics"].items()}
        assert frame[name].struct.unnest().to_dict(as_series=False) == by_metric
    assert frame["block_length"].to_list() == told["resampling"]["block_lengths"]


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"a": ["x"] * 300}, "a", "must be of numbers, not of String"),
        ({"a": [True] * 300}, "a", "must be of numbers, not of Boolean"),
        ({"a": [[1.0, 2.0]] * 300}, "body", "nested"),
        ({"a": [np.inf] * 300}, "returns", "from -1e+15 to 1e+15"),
        ({"benchmark": [np.inf] * 300}, "benchmark", "must not be infinite"),
        ({"date": [None] * 300}, "date", "must be of dates, not of Null"),
        ({"date": pl.Series([None] * 300, dtype=pl.Date)}, "date", "must be known in every row"),
        ({"date": [0.5] * 300}, "date", "must be of dates, not of Float64"),
        ({"date": np.full(300, np.datetime64("20000-01-01"))}, "date", "to the year 9999"),
        ({"date": np.full(300, np.datetime64("2020-01-01"))}, "dates", "must increase"),
        ({"x" * 201: [0.0] * 300}, "returns", "at most 200 characters, not 201"),
        ({f"s{one}": [0.0] * 300 for one in range(500)}, "returns", "1 to 500 series, not 502"),
        ({f"s{one}": [0.0] * 300 for one in range(1000)}, "body", "in 1000 columns, not 300600 in 1005"),
    ],
)
async def test_a_table_that_can_not_be_measured_is_refused_by_column_and_rule(
    client: AsyncClient, changes: dict[str, Any], field: str, rule: str
) -> None:
    found = problem(await sent(client, stream(table() | changes)), 422)
    assert rule in {one["field"]: one["rule"] for one in found["errors"]}[field]


async def test_a_column_without_any_value_is_a_series_of_holes(client: AsyncClient) -> None:
    found = (await sent(client, stream(table() | {"a": [None] * 300, "b": list(range(300))}))).json()
    assert found["observations"] == [0, 300]
    assert found["metrics"]["sharpe"]["reasons"][0] == "no_observations"


@pytest.mark.parametrize(
    ("media", "params", "field", "rule"),
    [
        (ARROW, {"x": "1"}, "settings", "is required beside an Arrow stream"),
        (ARROW, {"settings": "{}"}, "settings.kind", "is required"),
        (ARROW, {"settings": '{"kind": "prices"}'}, "settings.kind", "must be one of levels, returns"),
        (ARROW, {"settings": '{"kind": "returns", "x": 1}'}, "settings.x", "is not known here"),
        (ARROW, {"settings": '{"kind": "returns", "confidence": 2}'}, "settings.confidence", "must be < 1"),
        (JSON, RETURNS, "settings", "must be left out where the body is JSON"),
    ],
)
async def test_settings_belong_to_tables_and_are_checked_like_a_body(
    client: AsyncClient, media: str, params: dict[str, str], field: str, rule: str
) -> None:
    found = problem(await sent(client, stream(table()), media, **params), 422)
    assert rule in {one["field"]: one["rule"] for one in found["errors"]}[field]


async def test_settings_that_are_no_json_and_types_nobody_offers_are_refused(client: AsyncClient) -> None:
    told = problem(await sent(client, stream(table()), settings="{"), 422)["errors"]
    assert told == [{"field": "settings", "rule": "must be well-formed JSON"}]
    problem(await sent(client, stream(table()), accept="text/csv"), 406)
    refused = await sent(client, b"x", "application/vnd.apache.parquet")
    problem(refused, 415)
    assert refused.headers["accept"] == f"{JSON}, {ARROW}"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "must be an Arrow IPC stream"),
        (b"x" * 100, "no Arrow IPC stream"),
        (stream(table())[:-1000], "cut short"),
        (stream(table())[:7], "cut short"),
        (stream({"a": np.zeros(1_000_000)}, compression="zstd"), "compressed"),
        (stream({"a": np.zeros(1_000_000)}, compression="lz4"), "compressed"),
        (stream({"a": np.zeros(3_000_001, np.int8)}), "At most 3000000 rows"),
        (stream({"a": [None] * 3_000_001}), "At most 3000000 rows"),
        (stream({"a": np.zeros(2_000_000, np.int8), "b": np.zeros(2_000_000, np.int8)}), "not 4000000 in 2"),
        (stream({"a": pl.Series(["x", "y"], dtype=pl.Categorical)}), "no dictionaries"),
    ],
    ids=range(10),
)
def test_a_stream_that_is_broken_packed_or_too_long_is_refused_before_it_is_read(content: bytes, rule: str):
    with pytest.raises(UnusableQuestion) as caught:
        read_table(content)
    assert rule in caught.value.errors[0].rule


def test_a_stream_whose_lengths_lie_makes_no_room_for_them():
    """A column of nulls takes no bytes: its length is all that says how much it would be unpacked to."""
    content = stream({"a": [None] * 77})
    claimed = content.replace((77).to_bytes(8, "little"), (2**40).to_bytes(8, "little"))
    assert claimed != content
    with pytest.raises(UnusableQuestion):
        read_table(claimed)


def test_damaged_streams_are_refused_or_read_and_nothing_else(capfd: pytest.CaptureFixture[str]):
    whole, chance, refused = stream(table()), random.Random(7), 0
    for _ in range(500):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(1_200)] = chance.randrange(256)
        try:
            read_table(bytes(damaged))
        except UnusableQuestion:
            refused += 1
    capfd.readouterr()  # the reader tells its own panics
    assert refused > 100


async def test_a_question_of_more_values_than_may_be_is_told_how_many_may(client: AsyncClient) -> None:
    longer = (
        b'{"returns": {' + b",".join(b'"%d": [%s]' % (n, b"0" + b",0" * 6_000) for n in range(500)) + b"}}"
    )
    found = problem(await sent(client, longer, JSON), 422)
    assert "so 6000 for each of 500 series, not 6001" in found["errors"][0]["rule"]
    endless = b'{"returns": [' + b"0," * 5_000_000 + b"0]}"
    assert (
        "at most 4010000 values in all"
        in problem(await sent(client, endless, JSON), 422)["errors"][0]["rule"]
    )
    members = b'{"returns": {' + b",".join(b'"%d": 0' % n for n in range(200_000)) + b"}}"
    assert "at most 10000 names" in problem(await sent(client, members, JSON), 422)["errors"][0]["rule"]


async def test_a_body_beyond_all_bounds_is_refused_by_its_length(client: AsyncClient) -> None:
    headers = {"Content-Type": JSON, "Content-Length": str(64 * MEBIBYTE + 1)}
    problem(await client.post(RISK, content=b"{}", headers=headers), 413)


async def test_a_large_body_waits_for_room_and_gives_up_in_time() -> None:
    room = Room(at_once=1, patience=0.05)
    async with room.taken():
        with pytest.raises(Crowded):
            async with room.taken():
                pytest.fail("there was no room")
    async with room.taken():
        pass


async def test_small_questions_need_no_room(client: AsyncClient, world: World) -> None:
    world.app.state.room = Room(at_once=0, patience=0.01)
    assert (await client.post(RISK, json=as_json(table()))).status_code == 200
    large = as_json(table()) | {"returns": np.full(100_000, 0.123456789).tolist()}
    problem(await client.post(RISK, json=large), 503, "crowded")


def resident() -> float:
    """Return the mebibytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / MEBIBYTE


class Watch:
    """Wakes up every few milliseconds: what the loop computed in between, and how large the process became.

    The processor's time of the loop's own thread: what other processes do to the clock is not ours.
    """

    def __init__(self) -> None:
        self.longest, self.largest, self.wakes = 0.0, 0.0, 0

    async def __call__(self) -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.005)
            self.longest = max(self.longest, time.thread_time() - began)
            self.largest = max(self.largest, resident())
            self.wakes += 1


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
@pytest.mark.parametrize("media", [JSON, ARROW])
@pytest.mark.parametrize("accept", [JSON, ARROW])
async def test_500_series_of_5000_days_are_measured_in_bounds_while_the_loop_answers_others(
    client: AsyncClient, media: str, accept: str
) -> None:
    values = np.random.default_rng(1).normal(0.0004, 0.012, (SERIES, DAYS))
    columns = {f"s{row}": one for row, one in enumerate(values)}
    if media == JSON:
        series = {name: one.tolist() for name, one in columns.items()}
        content = msgspec.json.encode({"returns": series, "calendar": "daily"})
        del series
    else:
        content = stream(columns)
    await sent(client, stream(table()), accept=accept)  # what is imported on first use is no part of it
    watch, before = Watch(), resident()
    watching = asyncio.create_task(watch())
    response = await sent(client, content, media, accept)
    watching.cancel()
    assert response.status_code == 200
    assert watch.largest - before < MOST_MEMORY
    assert watch.longest < LONGEST, f"the loop itself computed for {watch.longest:.3f} s"
    assert watch.wakes > 10
    if accept == ARROW:
        frame = pl.read_ipc_stream(io.BytesIO(response.content))
        assert frame["mean_return"].to_list() == pytest.approx(values.mean(axis=1).tolist(), rel=1e-9)
        assert set(METRICS) < set(frame.columns)
    else:
        told = response.json()["metrics"]["mean_return"]["values"]
        assert told == pytest.approx(values.mean(axis=1).tolist(), rel=1e-9)
