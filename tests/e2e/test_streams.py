"""A stopping API process: open streams and sockets hear of it, and nothing keeps it alive."""

import asyncio
import socket
import time

import httpx
import msgspec
import pytest
from tests.conftest import SECRET
from tests.e2e.up_tools import Place, free_port, is_ready, register, wait_until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.timeout(120)
STOPS_WITHIN = 3.0
STREAM = "/api/v1/stream"
COMPLETE = "Application shutdown complete"


async def said_until_the_end(response: httpx.Response) -> list[str]:
    return [line async for line in response.aiter_lines() if line.startswith("event: ")]


async def closed(client: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as caught:
        await heard(client)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


async def heard(client: ClientConnection) -> None:
    while True:
        await client.recv()


def stalled(port: int, token: str) -> socket.socket:
    """Open a stream and never read it."""
    one = socket.create_connection(("127.0.0.1", port))
    head = f"GET {STREAM} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\n\r\n"
    one.sendall(head.encode())
    return one


async def test_stopping_with_open_streams_and_sockets_is_quick_and_in_order(
    published_url: str, valkey_url: str, empty_place: Place
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serve = empty_place.start(
        "serve", "--port", str(port), DATABASE_URL=published_url, REDIS_URL=valkey_url, SECRET_KEY=SECRET
    )
    await asyncio.to_thread(wait_until, lambda: is_ready(url), "it is ready")
    token = await asyncio.to_thread(register, url, "watcher")
    headers = {"Authorization": f"Bearer {token}"}
    address = f"ws://127.0.0.1:{port}{STREAM}/quotes"
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as http,
        http.stream("GET", STREAM) as one,
        http.stream("GET", STREAM) as other,
        connect(address, additional_headers=headers, proxy=None) as quotes,
    ):
        assert (one.status_code, other.status_code) == (200, 200)
        await quotes.send('{"action":"subscribe","symbols":["AAPL"]}')
        assert msgspec.json.decode(await quotes.recv())["type"] == "quote"
        with stalled(port, token):
            reading = [asyncio.create_task(said_until_the_end(each)) for each in (one, other)]
            closing = asyncio.create_task(closed(quotes))
            began = time.monotonic()
            code = await asyncio.to_thread(serve.stop)
            took = time.monotonic() - began
            assert await asyncio.gather(*reading) == [["event: bye"]] * 2
            assert await closing == 1001
    assert code == 0
    assert took < STOPS_WITHIN, f"it took {took:.2f} s"
    assert COMPLETE in serve.said + serve.complained, "the lifespan has shut down"
    assert "Traceback" not in serve.said + serve.complained
