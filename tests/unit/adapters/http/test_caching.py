import asyncio
import gzip
import io

import brotli
import polars as pl
import pytest
from httpx import AsyncClient
from tests.fakes.cache import FakeCache
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import DAYS, World

from waardhaven.application.indexes import queries
from waardhaven.domain.types import UserId

HISTORY = "/api/v1/index/history"
ARROW = "application/vnd.apache.arrow.stream"


async def raw(client: AsyncClient, path: str = HISTORY, **headers: str) -> tuple[bytes, dict[str, str]]:
    """Return the body as it travelled, and the headers."""
    async with client.stream("GET", path, headers={"Accept-Encoding": "identity", **headers}) as response:
        body = b"".join([chunk async for chunk in response.aiter_raw()])
        assert response.status_code == 200, body
        return body, dict(response.headers)


async def test_bytes_are_equal_with_each_cache_on_off_and_failing() -> None:
    bodies = set()
    for config, failing in [
        ({}, False),
        ({"local_cache_bytes": 0}, False),
        ({}, True),
        ({"local_cache_bytes": 0}, True),
    ]:
        world = World(config=config, cache=FakeCache(failing=failing))
        async with world.client() as client:
            client.headers.update(world.bearer())
            for encoding in ("br", "br", "gzip", "identity"):
                body, headers = await raw(client, **{"Accept-Encoding": encoding})
                bodies.add((encoding, body, headers["etag"]))
    assert len(bodies) == 3


async def test_every_encoding_decodes_to_the_same_bytes(reader: AsyncClient) -> None:
    plain, _ = await raw(reader)
    zipped, headers = await raw(reader, **{"Accept-Encoding": "gzip"})
    crumpled, more = await raw(reader, **{"Accept-Encoding": "gzip;q=0.5, br"})
    assert headers["content-encoding"] == "gzip"
    assert more["content-encoding"] == "br"
    assert gzip.decompress(zipped) == brotli.decompress(crumpled) == plain
    assert len(crumpled) < len(plain)
    assert headers["vary"] == "Accept, Accept-Encoding"
    assert headers["cache-control"] == "private, no-cache"


async def test_small_answers_travel_plain_unless_that_is_refused(reader: AsyncClient) -> None:
    _, headers = await raw(reader, "/api/v1/index/currencies", **{"Accept-Encoding": "br"})
    assert "content-encoding" not in headers
    _, headers = await raw(reader, "/api/v1/index/currencies", **{"Accept-Encoding": "br, identity;q=0"})
    assert headers["content-encoding"] == "br"


async def test_a_repeated_request_asks_nobody(world: World, reader: AsyncClient) -> None:
    for _ in range(5):
        await reader.get(HISTORY)
    await reader.get(f"{HISTORY}?fields=")
    assert len(world.stub(queries.ReadHistory).calls) == 1
    assert world.generation.reads == 0


async def test_equal_questions_in_other_words_share_their_bytes(world: World, reader: AsyncClient) -> None:
    await reader.get(f"{HISTORY}?as_of=2024-01-01T12:00:00Z&currency=eur&fields=values,dates")
    await reader.get(f"{HISTORY}?fields=dates,values,dates&currency=EUR&as_of=2024-01-01T13:00:00%2B01:00")
    assert len(world.stub(queries.ReadHistory).calls) == 1


async def test_another_process_finds_the_bytes_in_the_shared_cache(world: World, reader: AsyncClient) -> None:
    first, _ = await raw(reader)
    neighbour = World(cache=world.cache, base=500.0)
    async with neighbour.client() as client:
        client.headers.update(neighbour.bearer())
        second, _ = await raw(client)
    assert first == second
    assert not neighbour.stub(queries.ReadHistory).calls


async def test_damaged_bytes_in_the_shared_cache_are_made_again(world: World, reader: AsyncClient) -> None:
    first, _ = await raw(reader)
    world.cache.items = {key: value[:-1] + b"?" for key, value in world.cache.items.items()}
    neighbour = World(cache=world.cache)
    async with neighbour.client() as client:
        client.headers.update(neighbour.bearer())
        assert (await raw(client))[0] == first


async def test_a_new_generation_shows_at_once(world: World, reader: AsyncClient) -> None:
    before, headers = await raw(reader)
    world.base, world.generation.number = 200.0, 2
    after, newer = await raw(reader)
    assert before != after
    assert headers["etag"] != newer["etag"]


async def test_a_lost_listener_disables_the_local_cache(world: World, reader: AsyncClient) -> None:
    before, _ = await raw(reader)
    world.generation.listening = False
    world.base, world.generation.number = 200.0, 2
    after, _ = await raw(reader)
    assert before != after
    assert world.generation.reads == 1
    world.cache.items.clear()
    world.base = 300.0
    assert (await raw(reader))[0] != after
    world.generation.listening = True
    assert (await raw(reader))[0] != before


async def test_with_the_listener_lost_the_shared_cache_still_serves(
    world: World, reader: AsyncClient
) -> None:
    world.generation.listening = False
    for _ in range(3):
        await raw(reader)
    assert len(world.stub(queries.ReadHistory).calls) == 1
    assert world.generation.reads == 3


async def test_equal_requests_under_way_are_answered_by_one_question(
    world: World, reader: AsyncClient
) -> None:
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    world.stub(queries.ReadHistory).before = wait
    under_way = [asyncio.create_task(raw(reader)) for _ in range(5)]
    await asyncio.sleep(0.1)
    gate.set()
    assert len({body for body, _ in await asyncio.gather(*under_way)}) == 1
    assert len(world.stub(queries.ReadHistory).calls) == 1


async def test_a_failure_is_not_kept(world: World, reader: AsyncClient) -> None:
    world.stub(queries.ReadHistory).error = RuntimeError("once")
    problem(await reader.get(HISTORY), 500)
    world.stub(queries.ReadHistory).error = None
    assert (await reader.get(HISTORY)).status_code == 200


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}', "*", '"a",W/{tag} , "b"'])
async def test_a_client_that_has_the_answer_is_sent_nothing(reader: AsyncClient, form: str) -> None:
    _, headers = await raw(reader)
    again = await reader.get(
        HISTORY, headers={"Accept-Encoding": "identity", "If-None-Match": form.format(tag=headers["etag"])}
    )
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == headers["etag"]
    assert "content-type" not in again.headers


async def test_a_client_with_another_answer_is_sent_this_one(world: World, reader: AsyncClient) -> None:
    _, headers = await raw(reader)
    world.base, world.generation.number = 200.0, 2
    assert (await reader.get(HISTORY, headers={"If-None-Match": headers["etag"]})).status_code == 200


async def test_tags_tell_encodings_and_media_types_apart(reader: AsyncClient) -> None:
    tags = {
        (await raw(reader, **{"Accept-Encoding": encoding, "Accept": media}))[1]["etag"]
        for encoding in ("identity", "gzip", "br")
        for media in ("application/json", ARROW)
    }
    assert len(tags) == 6


async def test_personal_answers_are_kept_apart(world: World, client: AsyncClient) -> None:
    for number in (1, 2):
        user = UserId(__import__("uuid").UUID(int=number))
        await client.get("/api/v1/indices", headers=world.bearer(user=user))
    assert len(world.stub(queries.ListIndices).calls) == 2


async def test_columns_are_dates_and_numbers_with_null_for_the_unknown(reader: AsyncClient) -> None:
    body = (await reader.get(HISTORY)).json()
    assert body["dates"][:3] == ["1970-01-01", "1970-01-02", "1970-01-03"]
    assert body["values"][:3] == [100.0, None, 102.0]
    assert len(body["dates"]) == len(body["values"]) == DAYS
    assert body["index"] == "autoindex"
    assert body["provenance"]["made_from"]["vintage"] == 9


async def test_infinite_numbers_become_null(reader: AsyncClient) -> None:
    body = (await reader.get("/api/v1/index/assets/AAPL:XNAS/history")).json()
    assert body["close"] == [50.0, None, 55.0]
    assert body["symbol"] == "AAPL:XNAS"


async def test_an_arrow_stream_has_date32_days(reader: AsyncClient) -> None:
    body, headers = await raw(reader, Accept=f"{ARROW}, application/json;q=0.5")
    assert headers["content-type"] == ARROW
    frame = pl.read_ipc_stream(io.BytesIO(body))
    assert frame.schema == {"dates": pl.Date, "values": pl.Float64}
    assert frame["values"][:3].to_list() == [100.0, None, 102.0]


async def test_fields_choose_columns_in_both_media_types(reader: AsyncClient) -> None:
    assert (await reader.get(f"{HISTORY}?fields=values,currency&currency=eur")).json().keys() == {
        "values",
        "currency",
    }
    body, _ = await raw(reader, f"{HISTORY}?fields=values,currency", Accept=ARROW)
    assert pl.read_ipc_stream(io.BytesIO(body)).columns == ["values"]
    problem(await reader.get(f"{HISTORY}?fields=currency", headers={"Accept": ARROW}), 422)


async def test_fields_choose_what_records_and_pages_hold(reader: AsyncClient) -> None:
    assert (await reader.get("/api/v1/index/current?fields=level,date")).json().keys() == {"date", "level"}
    page = (await reader.get("/api/v1/indices?fields=slug")).json()
    assert page == {"items": [{"slug": "autoindex"}], "next_cursor": "autoindex"}


async def test_parameters_reach_the_query(world: World, reader: AsyncClient) -> None:
    await reader.get(
        "/api/v1/indices/growth/history?start=2024-01-01&end=2024-02-01&as_of=2024-03-01&currency=eur"
    )
    asked = world.stub(queries.ReadHistory).calls[0]
    assert str(asked["start"]) == "2024-01-01"
    assert asked["as_of"].isoformat() == "2024-03-01T23:59:59.999999+00:00"
    assert (asked["slug"], asked["currency"]) == ("growth", "EUR")


async def test_words_heard_before_are_answered_before_they_are_read(
    world: World, reader: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await reader.get(HISTORY)
    monkeypatch.delattr(type(world.app.state.answers), "answer")
    assert (await reader.get(HISTORY)).content == first.content
    problem(await reader.get(f"{HISTORY}?fields=values"), 500)
