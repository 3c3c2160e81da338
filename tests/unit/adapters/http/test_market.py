"""Assets, prices, quotes, imports and the state of market data over HTTP."""

from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl
import pytest
from httpx import AsyncClient
from tests.fakes.job_run import FakeJobRun
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World
from tests.unit.application.test_prices import bars, filled, listing

from waardhaven.application.jobs.import_prices import ImportParams, ImportPrices
from waardhaven.application.market.import_prices import CheckImport, CommitImport
from waardhaven.application.market.match_listings import MatchListings
from waardhaven.application.ports.market_data import MarketSetup, Quote, SourceInfo
from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.domain.identity.roles import OPERATOR, Role
from waardhaven.domain.market.quality import Finding, FindingKind
from waardhaven.domain.types import SeriesId

API = "/api/v1"
CSV = b"date,symbol,close\n2024-02-05,AAA,6\n2024-02-05,CCC,9\n"


@pytest.fixture
async def stocked(world: World) -> World:
    await filled(world.house, bars(listing("AAA"), [100.0, 102.0, 51.0, 52.0]), bars(listing("BBB"), [3.0]))
    day = np.array(["2024-02-01", "2024-02-02"], dtype="datetime64[D]")
    hours = {"open_at": day.astype("datetime64[s]"), "close_at": day.astype("datetime64[s]") + 60}
    world.house.calendars.known = [SessionColumns(mic="XNYS", day=day, **hours)]
    return world


@pytest.fixture
def me(world: World) -> dict[str, str]:
    return world.bearer(Role.VIEWER)


@pytest.fixture
def admin(world: World) -> dict[str, str]:
    return world.bearer(Role.ADMIN)


async def got(client: AsyncClient, path: str, headers: dict[str, str]) -> Any:
    response = await client.get(f"{API}{path}", headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


# --- reading


async def test_symbols_tell_what_there_is(stocked: World, client: AsyncClient, me: dict[str, str]):
    page = await got(client, "/symbols", me)
    assert [(one["symbol"], one["bars"], one["last"]) for one in page["items"]] == [
        ("AAA", 4, "2024-02-02"),
        ("BBB", 1, "2024-02-02"),
    ]
    assert await got(client, "/symbols?text=bbb&fields=symbol", me) == {
        "items": [{"symbol": "BBB"}],
        "next_cursor": None,
    }


async def test_prices_come_by_column_with_whose_they_are(
    stocked: World, client: AsyncClient, me: dict[str, str]
):
    found = await got(client, "/prices?symbols=bbb,AAA:XNYS,NOPE&start=2024-02-01", me)
    assert found["symbols"] == ["BBB", "AAA", "AAA"]
    assert found["dates"] == ["2024-02-02", "2024-02-01", "2024-02-02"]
    assert found["close"] == [3.0, 51.0, 52.0]
    assert [one["symbol"] for one in found["series"]] == ["BBB", "AAA"]
    assert [one["code"] for one in found["missing"]] == ["unknown_asset"]


async def test_prices_are_an_arrow_stream_where_that_is_asked_for(
    stocked: World, client: AsyncClient, me: dict[str, str]
):
    accept = {**me, "Accept": "application/vnd.apache.arrow.stream"}
    response = await client.get(f"{API}/prices?symbols=AAA,BBB", headers=accept)
    frame = pl.read_ipc_stream(BytesIO(response.content))
    assert frame.columns == ["symbols", "mics", "dates", "open", "high", "low", "close", "volume"]
    assert frame["close"].to_list() == [100.0, 102.0, 51.0, 52.0, 3.0]
    assert frame.schema["dates"] == pl.Date


async def test_answers_are_kept_until_the_market_changes(
    stocked: World, client: AsyncClient, me: dict[str, str]
):
    first = await client.get(f"{API}/prices?symbols=AAA", headers=me)
    tag = first.headers["etag"]
    again = await client.get(f"{API}/prices?symbols=AAA", headers={**me, "If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "symbols"),
        ("symbols=", "symbols"),
        ("symbols=AAA&adjust=some", "adjust"),
        ("symbols=AAA&frequency=hourly", "frequency"),
        ("symbols=AAA&currency=EURO", "currency"),
        ("symbols=AAA&currency=XXX", "currency"),
        ("symbols=AAA&start=2024-02-02&end=2024-02-01", "start"),
        ("symbols=AAA&source=Bad%20one", "source"),
        ("symbols=AAA&fields=nothing", "fields"),
        (f"symbols={','.join(f'S{n}' for n in range(501))}", "symbols"),
    ],
)
async def test_bad_question_names_the_field(
    stocked: World, client: AsyncClient, me: dict[str, str], query: str, field: str
):
    refused = problem(await client.get(f"{API}/prices?{query}", headers=me), 422)
    assert field in [one["field"] for one in refused["errors"]]


async def test_nothing_found_is_404_with_the_symbols(stocked: World, client: AsyncClient, me: dict[str, str]):
    assert (
        problem(await client.get(f"{API}/prices?symbols=NOPE", headers=me), 404)["code"] == "no_such_prices"
    )
    assert problem(await client.get(f"{API}/assets/NOPE", headers=me), 404)["code"] == "unknown_asset"


async def test_quotes_are_a_providers_or_the_last_close_and_say_so(
    stocked: World, client: AsyncClient, me: dict[str, str]
):
    at = datetime(2024, 6, 3, 11, 59, tzinfo=UTC)
    quote = Quote(
        listing=listing("AAA"), source="sample", price=55.0, quote_unit="USD", at=at, previous_close=54.0
    )
    stocked.house.source.last = [quote]
    response = await client.get(f"{API}/quotes?symbols=AAA,BBB", headers=me)
    first, second = response.json()["items"]
    assert response.headers["cache-control"] == "no-store"
    assert (first["price"], first["live"], first["age_seconds"], first["previous_close"]) == (
        55.0,
        True,
        60.0,
        54.0,
    )
    assert (second["price"], second["live"], second["reason"]) == (3.0, False, "Nothing of BBB.")
    too_many = ",".join(f"S{n}" for n in range(51))
    problem(await client.get(f"{API}/quotes?symbols={too_many}", headers=me), 422)


# --- changing


async def test_asset_is_made_changed_archived_and_brought_back(
    stocked: World, client: AsyncClient, admin: dict[str, str]
):
    body = {"symbol": "ccc", "mic": "XNYS", "name": "C plc", "currency": "USD"}
    made = await client.post(f"{API}/assets", json=body, headers=admin)
    assert (made.status_code, made.json()["symbol"]) == (201, "CCC")
    assert (
        problem(await client.post(f"{API}/assets", json=body, headers=admin), 409)["code"] == "asset_exists"
    )
    change = {"symbol": "DDD", "since": "2024-05-01", "sector": "Energy"}
    changed = await client.put(f"{API}/assets/CCC", json=change, headers=admin)
    assert (changed.json()["symbol"], changed.json()["sector"]) == ("DDD", "Energy")
    gone = await client.delete(f"{API}/assets/DDD", headers=admin)
    assert (gone.status_code, gone.json()["archived"]) == (200, True)
    assert [one["symbol"] for one in (await got(client, "/assets", admin))["items"]] == ["AAA", "BBB"]
    assert (await got(client, "/assets?archived=true&fields=symbol", admin))["items"] == [{"symbol": "DDD"}]
    back = await client.put(f"{API}/assets/DDD", json={"archived": False}, headers=admin)
    assert back.json()["archived"] is False


async def test_entered_action_shows_and_adjusts(stocked: World, client: AsyncClient, admin: dict[str, str]):
    body = {"kind": "split", "ex_date": "2024-02-01", "ratio": "2"}
    entered = await client.post(f"{API}/assets/AAA/actions", json=body, headers=admin)
    assert entered.status_code == 201
    assert (await got(client, "/assets/AAA/actions", admin))["items"][0]["ratio"] == "2"
    found = await got(client, "/prices?symbols=AAA&adjust=splits&fields=close,series", admin)
    assert found["close"] == [50.0, 51.0, 51.0, 52.0]
    assert found["series"][0]["method"] == "computed"
    bad = await client.post(f"{API}/assets/AAA/actions", json={**body, "ratio": "x"}, headers=admin)
    assert [one["field"] for one in problem(bad, 422)["errors"]] == ["ratio"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/assets", {"symbol": "C", "mic": "XNYS", "name": "C", "currency": "USD"}),
        ("PUT", "/assets/AAA", {}),
        ("DELETE", "/assets/AAA", None),
        ("POST", "/assets/AAA/actions", {"kind": "split", "ex_date": "2024-02-01", "ratio": "2"}),
        ("POST", "/imports/prices", None),
        ("GET", "/imports/prices", None),
        ("POST", "/manual/smart-refresh", None),
        ("GET", "/diagnostics/refresh-status", None),
        ("GET", "/diagnostics/providers", None),
        ("POST", "/diagnostics/test-refresh", None),
        ("POST", "/diagnostics/data-quality/1/review", {"verdict": "accepted", "note": "x"}),
    ],
)
async def test_what_changes_the_market_is_for_administrators(
    stocked: World, client: AsyncClient, method: str, path: str, body: Any
):
    for role in (Role.VIEWER, Role.ANALYST):
        problem(await client.request(method, f"{API}{path}", json=body, headers=stocked.bearer(role)), 403)
    problem(await client.request(method, f"{API}{path}", json=body), 401)


# --- files


async def run_import(world: World, id_: str, act: str) -> None:
    """Do what the worker would do."""
    house = world.house
    imports, match = house.market.imports, MatchListings(house.market, house.calendars)
    check = CheckImport(imports, world.files, house.files, match, house.market)
    commit = CommitImport(
        imports, world.files, house.files, match, house.market, house.calendars, house.write
    )
    params = ImportParams(import_id=id_, act=act)
    await ImportPrices(check, commit, house.check)(OPERATOR, params, FakeJobRun())


async def test_file_is_uploaded_checked_committed_and_undone(
    stocked: World, client: AsyncClient, admin: dict[str, str]
):
    before = (await client.get(f"{API}/prices?symbols=AAA", headers=admin)).content
    sent = await client.post(
        f"{API}/imports/prices?name=closes.csv&mic=XNYS&source=file&columns=close%3DSchluss",
        content=CSV,
        headers={**admin, "Content-Type": "text/csv"},
    )
    record = sent.json()
    assert (sent.status_code, record["state"], record["size"]) == (202, "uploaded", len(CSV))
    assert sent.headers["location"] == f"{API}/imports/prices/{record['id']}"
    assert record["mapping"]["columns"] == {"close": "Schluss"}
    (job,) = [one.job for one in stocked.uow.jobs.rows.values()]
    assert (job.type, job.params) == ("import", {"import_id": record["id"], "act": "check"})
    await run_import(stocked, record["id"], "check")
    shown = await got(client, f"/imports/prices/{record['id']}", admin)
    assert (shown["state"], shown["report"]["would"]) == (
        "checked",
        {"inserted": 2, "changed": 0, "unchanged": 0},
    )
    queued = await client.post(f"{API}/imports/prices/{record['id']}/commit", headers=admin)
    assert (queued.status_code, queued.json()["params"]["act"]) == (202, "commit")
    await run_import(stocked, record["id"], "commit")
    assert (await got(client, "/prices?symbols=CCC&fields=close", admin))["close"] == [9.0]
    undone = await client.post(
        f"{API}/imports/prices/{record['id']}/undo", json={"reason": "wrong year"}, headers=admin
    )
    assert (undone.status_code, undone.json()["state"]) == (200, "undone")
    problem(await client.get(f"{API}/prices?symbols=CCC", headers=admin), 404)
    after = (await client.get(f"{API}/prices?symbols=AAA&source=sample", headers=admin)).json()
    assert after["close"] == [100.0, 102.0, 51.0, 52.0]
    assert before
    again = await client.post(
        f"{API}/imports/prices/{record['id']}/undo", json={"reason": "again"}, headers=admin
    )
    assert problem(again, 409)["code"] == "import_not_ready"
    assert [one["state"] for one in (await got(client, "/imports/prices", admin))["items"]] == ["undone"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("layout=round", "layout"),
        ("numbers=roman", "numbers"),
        ("dates=maybe", "dates"),
        ("delimiter=x", "delimiter"),
        ("columns=date", "columns"),
        ("mic=NYSE2", "mic"),
        ("currency=usd", "currency"),
        ("adjustment=half", "adjustment"),
        ("source=Bad", "source"),
        ("asset_type=NFT", "asset_type"),
    ],
)
async def test_mapping_that_breaks_a_rule_is_refused_before_the_file_is_kept(
    stocked: World, client: AsyncClient, admin: dict[str, str], query: str, field: str
):
    sent = await client.post(f"{API}/imports/prices?{query}", content=CSV, headers=admin)
    assert field in [one["field"] for one in problem(sent, 422)["errors"]]
    assert stocked.house.market.imports.records == {}


async def test_empty_file_is_refused_and_a_large_one_by_its_length(
    stocked: World, client: AsyncClient, admin: dict[str, str]
):
    empty = problem(await client.post(f"{API}/imports/prices", content=b"", headers=admin), 422)
    assert [one["field"] for one in empty["errors"]] == ["file"]
    length = {**admin, "Content-Length": str((64 << 20) + 1)}
    problem(await client.post(f"{API}/imports/prices", content=b"x", headers=length), 413)
    other = {**admin, "Content-Length": str((1 << 20) + 1)}
    problem(await client.post(f"{API}/assets", content=b"x", headers=other), 413)


async def test_file_of_some_megabytes_is_taken(stocked: World, client: AsyncClient, admin: dict[str, str]):
    content = CSV + b"2024-02-05,AAA,6\n" * 100_000
    sent = await client.post(f"{API}/imports/prices?mic=XNYS", content=content, headers=admin)
    assert (sent.status_code, sent.json()["size"]) == (202, len(content))


# --- state


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("/manual/trigger-refresh", "full"),
        ("/manual/smart-refresh", "smart"),
        ("/manual/smart-refresh?mode=cached", "cached"),
        ("/manual/minimal-refresh", "minimal"),
    ],
)
async def test_manual_refreshes_are_jobs(
    stocked: World, client: AsyncClient, admin: dict[str, str], path: str, mode: str
):
    response = await client.post(f"{API}{path}", headers=admin)
    assert (response.status_code, response.json()["params"]["mode"]) == (202, mode)
    problem(await client.post(f"{API}/manual/smart-refresh?mode=quick", headers=admin), 422)


async def test_refresh_status_goes_by_the_calendar(
    stocked: World, client: AsyncClient, admin: dict[str, str]
):
    stocked.clock.instant = datetime(2024, 2, 4, 12, tzinfo=UTC)
    await stocked.house.market.write_sessions(stocked.house.calendars.known[0])
    found = await got(client, "/diagnostics/refresh-status", admin)
    assert (found["total"], found["fresh"], found["needs_update"]) == (2, 2, False)
    assert found["assets"][0]["expected"] == "2024-02-02"
    assert found["recommendation"] == "Nothing to do."


async def test_providers_show_credits_left_and_the_breaker(
    stocked: World, client: AsyncClient, admin: dict[str, str]
):
    found = await got(client, "/diagnostics/providers", admin)
    assert [one["name"] for one in found["providers"]] == ["sample"]
    assert found["providers"][0]["credits_left_minute"] is None


async def test_trial_of_a_refresh_asks_for_a_few_days_and_writes_nothing(
    stocked: World, client: AsyncClient, admin: dict[str, str]
):
    stocked.house.source.prices = [bars(listing("AAA"), [100.0, 102.0, 51.0, 52.0])]
    vintages = len(stocked.house.market.vintages)
    response = await client.post(f"{API}/diagnostics/test-refresh", headers=admin)
    found = response.json()
    assert found["overall_status"] == "ok"
    assert found["steps"][-1]["detail"] == "sample delivered 4 bars since 2024-01-23."
    stocked.house.source.breaks_after = 0
    broken = (await client.post(f"{API}/diagnostics/test-refresh", headers=admin)).json()
    assert (broken["overall_status"], broken["steps"][-1]["detail"]) == (
        "failed",
        "The source is out of reach.",
    )
    assert len(stocked.house.market.vintages) == vintages


async def test_flags_are_read_by_everybody_and_reviewed_by_administrators(
    stocked: World, client: AsyncClient, me: dict[str, str], admin: dict[str, str]
):
    found = Finding(series=SeriesId(1), day=date(2024, 2, 1), kind=FindingKind.OUTLIER, detail="x")
    await stocked.house.flags.record([found], series=[SeriesId(1)], kinds=[FindingKind.OUTLIER])
    page = await got(client, "/diagnostics/data-quality?kind=outlier&symbol=AAA", me)
    (flag,) = page["items"]
    assert (flag["symbol"], flag["day"], flag["state"]) == ("AAA", "2024-02-01", "open")
    verdict = {"verdict": "accepted", "note": "Right."}
    path = f"{API}/diagnostics/data-quality/{flag['id']}/review"
    done = await client.post(path, json=verdict, headers=admin)
    assert (done.json()["state"], done.json()["note"]) == ("accepted", "Right.")
    problem(await client.post(f"{API}/diagnostics/data-quality/99/review", json=verdict, headers=admin), 404)
    assert (await got(client, "/diagnostics/data-quality?verdict=open", me))["items"] == []


def test_setup_ranks_unknown_sources_last():
    setup = MarketSetup(sources=(SourceInfo(name="one", capabilities=frozenset()),))
    assert (setup.rank("one"), setup.rank("two"), setup.keyed) == (0, 1, False)
