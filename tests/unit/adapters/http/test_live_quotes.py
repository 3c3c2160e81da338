"""Quotes over a WebSocket: who may open one, what is understood, what is answered and pushed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from httpx import AsyncClient
from tests.unit.adapters.http.live_tools import SECONDS, LiveWorld
from tests.unit.adapters.http.world import SOMEBODY
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from waardhaven.adapters.inbound.http.live import hub, recheck
from waardhaven.application.ports.market_facts import Listing, SeriesKey, SessionColumns
from waardhaven.domain.identity.roles import Credential, Principal, Role
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import SeriesId

PATH = "/api/v1/stream/quotes"
FRONT_END = "https://front.example"
NAN = np.full(1, np.nan)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    often = recheck.Recheck.__init__.__kwdefaults__ | {"every": 0.02}
    monkeypatch.setattr(recheck.Recheck.__init__, "__kwdefaults__", often)


@dataclass
class Talk:
    """A client of the socket."""

    socket: ClientConnection

    async def say(self, action: str, **more: Any) -> None:
        await self.socket.send(msgspec.json.encode({"action": action, **more}).decode())

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS):
            return dict(msgspec.json.decode(await self.socket.recv()))

    async def closed(self) -> tuple[int, list[dict[str, Any]]]:
        """Return the code the socket was closed with and what was said before."""
        said: list[dict[str, Any]] = []
        with pytest.raises(ConnectionClosed) as caught:
            await self._keep_hearing(said)
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code, said

    async def _keep_hearing(self, said: list[dict[str, Any]]) -> None:
        while True:
            said.append(await self.hear())


@dataclass
class Place:
    """A served world with a small market."""

    live: LiveWorld
    port: int
    series: dict[str, SeriesId]

    @asynccontextmanager
    async def talking(self, headers: dict[str, str] | None = None, **more: Any) -> AsyncIterator[Talk]:
        sent = self.live.bearer() if headers is None else headers
        address = f"ws://127.0.0.1:{self.port}{more.pop('path', PATH)}"
        async with connect(address, additional_headers=sent, proxy=None, compression=None, **more) as socket:
            yield Talk(socket)

    async def refused(self, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        with pytest.raises(InvalidStatus) as caught:
            async with self.talking(headers, **more):
                pass
        response = caught.value.response
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["cache-control"] == "no-store"
        body = dict(msgspec.json.decode(response.body or b""))
        assert body["status"] == response.status_code
        assert body["correlation_id"] == response.headers["x-correlation-id"]
        return body

    async def price(self, symbol: str, day: str, close: float) -> None:
        await self.live.market.write(
            PriceColumns(
                series=np.array([self.series[symbol]], dtype=np.int64),
                day=np.array([day], dtype="datetime64[D]"),
                close=np.array([close]),
                open=NAN,
                high=NAN,
                low=NAN,
                volume=NAN,
            )
        )


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    live = LiveWorld(config={"frontend_url": FRONT_END})
    market = live.market
    names = [("AAA", "XNYS"), ("BBB", "XNYS"), ("TWO", "XNYS"), ("TWO", "XLON"), ("NEW", "XNYS")]
    listings = [
        Listing(symbol=symbol, mic=mic, name=symbol, asset_type="equity", currency="USD")
        for symbol, mic in names
    ]
    known = await market.register_assets(listings)
    made = {}
    for symbol in ("AAA", "BBB"):
        key = SeriesKey(
            asset=known[symbol, "XNYS"],
            source="sample",
            adjustment=Adjustment.RAW,
            currency="GBP",
            quote_unit="GBX",
        )
        made[symbol] = (await market.register_series([key]))[key]
    async with live.serving() as port:
        found = Place(live, port, made)
        await found.price("AAA", "2024-05-31", 250.0)
        await found.price("BBB", "2024-05-30", 100.0)
        yield found
    assert len(live.hub) == 0


async def test_a_symbol_is_answered_with_its_last_close_source_and_age(place: Place) -> None:
    hours = [np.array([f"2024-05-30T{hour}:00:00"], dtype="datetime64[s]") for hour in ("13", "20")]
    await place.live.market.write_sessions(
        SessionColumns(
            mic="XNYS",
            day=np.array(["2024-05-30"], dtype="datetime64[D]"),
            open_at=hours[0],
            close_at=hours[1],
        )
    )
    async with place.talking() as one:
        await one.say("subscribe", symbols=["aaa", "BBB:XNYS", "AAA"])
        first, second = await one.hear(), await one.hear()
    assert {first[name] for name in ("type", "symbol", "mic")} == {"quote", "AAA", "XNYS"}
    assert (first["price"], first["currency"], first["day"]) == (2.5, "GBP", "2024-05-31")
    assert (first["source"], first["adjustment"], first["reason"]) == ("sample", "raw", None)
    assert first["at"] == "2024-06-03T12:00:00Z"
    assert first["age_seconds"] == timedelta(days=2, hours=12).total_seconds()
    assert (second["symbol"], second["age_seconds"]) == ("BBB", timedelta(days=3, hours=16).total_seconds())


async def test_what_can_not_be_quoted_says_why_and_the_rest_is(place: Place) -> None:
    async with place.talking() as one:
        await one.say("subscribe", symbols=["NOPE", "TWO", "NEW", "AAA"])
        unknown, ambiguous, new, quote = [await one.hear() for _ in range(4)]
    assert (unknown["type"], unknown["code"], unknown["symbol"]) == ("error", "unknown_asset", "NOPE")
    assert (ambiguous["code"], ambiguous["candidates"]) == ("ambiguous_symbol", ["TWO:XNYS", "TWO:XLON"])
    assert (new["type"], new["symbol"], new["price"]) == ("quote", "NEW", None)
    assert "no prices" in new["reason"]
    assert quote["price"] == 2.5


async def test_new_prices_are_pushed_and_only_those_that_changed(place: Place) -> None:
    async with place.talking() as one, place.talking() as other:
        await one.say("subscribe", symbols=["AAA", "BBB"])
        await other.say("subscribe", symbols=["BBB"])
        assert len([await one.hear(), await one.hear(), await other.hear()]) == 3
        await place.price("AAA", "2024-06-03", 300.0)
        pushed = await one.hear()
        assert (pushed["symbol"], pushed["price"], pushed["day"]) == ("AAA", 3.0, "2024-06-03")
        assert pushed["age_seconds"] == 0.0
        await place.price("BBB", "2024-05-30", 200.0)
        assert (await one.hear())["price"] == (await other.hear())["price"] == 2.0
        await one.say("unsubscribe", symbols=["AAA:XNYS"])
        assert await one.hear() == {"type": "unsubscribed", "symbols": ["AAA:XNYS"]}
        await place.price("AAA", "2024-06-03", 400.0)
        await place.price("BBB", "2024-06-03", 300.0)
        assert (await one.hear())["symbol"] == "BBB"
        await one.say("ping")
        assert await one.hear() == {"type": "pong"}


async def test_prices_that_could_not_be_read_at_first_are_pushed_later(place: Place) -> None:
    async with place.talking() as one:
        await one.say("subscribe", symbols=["AAA"])
        await one.hear()
        read, failed = place.live.market.last_closes, asyncio.Event()

        async def away(assets: Any) -> Any:
            failed.set()
            raise OSError("away")

        place.live.market.last_closes = away  # type: ignore[method-assign]
        await place.price("AAA", "2024-06-03", 300.0)
        await asyncio.wait_for(failed.wait(), SECONDS)
        place.live.market.last_closes = read  # type: ignore[method-assign]
        assert (await one.hear())["price"] == 3.0


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"action":"sing"}',
        '{"action":"ping","more":1}',
        '{"action":"subscribe"}',
        '{"action":"subscribe","symbols":[]}',
        '{"action":"subscribe","symbols":"AAA"}',
        '{"action":"subscribe","symbols":[1]}',
        '{"action":"subscribe","symbols":["' + "A" * 65 + '"]}',
        '{"action":"subscribe","symbols":["A A"]}',
        '{"action":"subscribe","symbols":[' + ",".join(['"AAA"'] * 51) + "]}",
        "[" * 8000,
        b"\x00\xff",
    ],
)
async def test_what_is_not_understood_is_said_and_the_socket_goes_on(place: Place, text: str | bytes) -> None:
    async with place.talking() as one:
        await one.socket.send(text)
        error = await one.hear()
        assert error["type"] == "error"
        assert error["code"] in {"invalid_message", "invalid_symbol"}
        assert error["detail"]
        await one.say("ping")
        assert await one.hear() == {"type": "pong"}


async def test_ten_errors_end_the_talk(place: Place) -> None:
    async with place.talking() as one:
        for _ in range(10):
            await one.socket.send("?")
        code, said = await one.closed()
    assert code == 1008
    assert [each["type"] for each in said] == ["error"] * 10 + ["bye"]


async def test_a_socket_follows_fifty_symbols_at_most(place: Place) -> None:
    many = [
        Listing(symbol=f"M{number}", mic="XNYS", name="m", asset_type="equity", currency="USD")
        for number in range(51)
    ]
    await place.live.market.register_assets(many)
    async with place.talking() as one:
        await one.say("subscribe", symbols=[f"M{number}" for number in range(50)])
        for _ in range(50):
            assert (await one.hear())["type"] == "quote"
        await one.say("subscribe", symbols=["M50"])
        assert (await one.hear())["code"] == "too_many_symbols"
        await one.say("unsubscribe", symbols=["M1"])
        await one.hear()
        await one.say("subscribe", symbols=["M50"])
        assert (await one.hear())["symbol"] == "M50"


async def test_messages_are_bounded(place: Place) -> None:
    async with place.talking() as one:
        await one.socket.send('{"action":"ping"}' + " " * 9000)
        assert (await one.closed())[0] == 1009


async def test_messages_count_as_requests_of_their_sender(place: Place) -> None:
    caller = Principal(user=SOMEBODY, role=Role.VIEWER, credential=Credential.API_KEY, per_minute=3)
    async with place.talking(place.live.credential(caller)) as one:
        said = []
        for _ in range(3):
            await one.say("ping")
            said.append((await one.hear()).get("code", "ok"))
    assert said == ["ok", "ok", "rate_limited"], "opening the socket was the first"


async def test_a_browser_proves_itself_by_a_subprotocol(place: Place) -> None:
    token = place.live.bearer()["Authorization"].removeprefix("Bearer ")
    offered: Any = ["waardhaven.quotes", f"bearer.{token}"]
    async with place.talking({}, subprotocols=offered, origin=FRONT_END) as one:
        assert one.socket.subprotocol == "waardhaven.quotes"
        await one.say("subscribe", symbols=["AAA"])
        assert (await one.hear())["price"] == 2.5


async def test_a_token_in_the_query_is_none(place: Place) -> None:
    token = place.live.bearer()["Authorization"].removeprefix("Bearer ")
    body = await place.refused({}, path=f"{PATH}?token={token}&access_token={token}")
    assert (body["status"], body["code"]) == (401, "missing_token")


async def test_refused_handshakes_are_problem_documents(place: Place) -> None:
    live = place.live
    assert (await place.refused({}))["status"] == 401
    assert (await place.refused({"Authorization": "Bearer x"}))["code"] == "invalid_token"
    offered: Any = ["waardhaven.quotes", "bearer.x"]
    assert (await place.refused({}, subprotocols=offered))["code"] == "invalid_token"
    nobody = Principal(user=SOMEBODY, role=Role.VIEWER, scopes=frozenset())
    assert (await place.refused(live.credential(nobody)))["code"] == "permission_denied"
    assert (await place.refused(path="/api/v1/nowhere"))["status"] == 404
    assert (await place.refused(path="/api/v1/index/current"))["status"] in {400, 404, 405}


async def test_sockets_count_among_the_streams_of_a_caller(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MOST_OF_ONE", 1)
    async with place.talking() as one:
        assert (await place.refused())["code"] == "too_many_streams"
        await one.say("ping")
        assert await one.hear() == {"type": "pong"}


async def test_a_caller_over_its_quota_opens_no_socket(place: Place) -> None:
    caller = Principal(user=SOMEBODY, role=Role.VIEWER, credential=Credential.API_KEY, per_minute=1)
    headers = place.live.credential(caller)
    async with place.talking(headers):
        body = await place.refused(headers)
    assert (body["status"], body["code"]) == (429, "rate_limited")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "http://front.example"]
)
async def test_pages_of_other_sites_open_nothing(place: Place, origin: Any) -> None:
    body = await place.refused(origin=origin)
    assert (body["status"], body["code"]) == (403, "foreign_origin")


async def test_our_own_pages_may_open_a_socket(place: Place) -> None:
    own: Any = f"http://127.0.0.1:{place.port}"
    async with place.talking(origin=own) as one:
        await one.say("ping")
        assert await one.hear() == {"type": "pong"}


async def test_networks_that_may_not_call_open_no_socket() -> None:
    live = LiveWorld(config={"denied_networks": ("127.0.0.0/8",)})
    async with live.serving() as port:
        body = await Place(live, port, {}).refused()
    assert (body["status"], body["code"]) == (403, "address_refused")


async def test_a_token_that_expires_closes_the_socket_with_the_reason(place: Place) -> None:
    async with place.talking() as one:
        await one.say("ping")
        await one.hear()
        place.live.clock.advance(timedelta(hours=1))
        code, said = await one.closed()
    assert code == 4401
    assert said[-1]["type"] == "bye"


async def test_who_loses_the_permission_is_closed(place: Place) -> None:
    headers = place.live.credential(Principal(user=SOMEBODY, role=Role.VIEWER))
    async with place.talking(headers) as one:
        nobody = Principal(user=SOMEBODY, role=Role.VIEWER, scopes=frozenset())
        place.live.authenticate.credentials = dict.fromkeys(place.live.authenticate.credentials, nobody)
        assert (await one.closed())[0] == 4403


async def test_stopping_closes_sockets_as_going_away(place: Place) -> None:
    async with place.talking() as one:
        closing = asyncio.create_task(place.live.hub.close())
        code, said = await one.closed()
        await asyncio.wait_for(closing, SECONDS)
    assert (code, said[-1]["code"]) == (1001, "shutting_down")


async def test_by_plain_http_there_is_nothing_at_the_address(place: Place) -> None:
    async with AsyncClient(base_url=f"http://127.0.0.1:{place.port}", trust_env=False) as client:
        answer = await client.get(PATH, headers=place.live.bearer())
    assert answer.status_code in {404, 405}


async def test_a_server_that_can_not_answer_handshakes_gets_a_close_code() -> None:
    live, said = LiveWorld(), []
    scope = {
        "type": "websocket",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": ("203.0.113.9", 5000),
        "server": ("here", 80),
        "scheme": "ws",
        "subprotocols": [],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    async with live.running():
        await live.app(scope, receive, send)  # type: ignore[arg-type]
    assert [(one["type"], one["code"], one["reason"]) for one in said] == [
        ("websocket.close", 4401, "missing_token")
    ]
