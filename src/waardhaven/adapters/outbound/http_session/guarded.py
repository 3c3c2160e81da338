"""aiohttp behind the guard. Imported at the first request."""

import socket
from collections.abc import Mapping
from functools import partial
from typing import Any

import aiohttp

from waardhaven.adapters.outbound.http_session.addresses import Reach, reach_of
from waardhaven.adapters.outbound.http_session.session import AGENT, Answer, RequestFailed

CONNECTIONS = 16
CHUNK = 64 * 1024
HEADERS = {"User-Agent": AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


class ForbiddenAddress(OSError):
    """The address lies further inside than the request may reach."""


class PeerResponse(aiohttp.ClientResponse):
    """A response that remembers the address it came from; connections are given back too early to ask."""

    peer: str = ""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Note the peer, then read the head of the response."""
        transport = connection.transport
        name = transport.get_extra_info("peername") if transport is not None else None
        self.peer = str(name[0]) if name else ""
        return await super().start(connection)


def guarded_socket(reach: Reach, info: AddressInfo) -> socket.socket:
    """Return a socket for the very address about to be dialled; raise ForbiddenAddress.

    Literal addresses and every answer of a name server pass here, so nothing lies between check and use.
    """
    family, kind, protocol, _, address = info
    needed = reach_of(str(address[0]))
    if needed is None or needed > reach:
        raise ForbiddenAddress("The address is not one this request may reach.")
    return socket.socket(family, kind, protocol)


def open_session(reach: Reach, timeout_seconds: float) -> aiohttp.ClientSession:
    """Return a session of which no connection goes further than ``reach``."""
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS,
        resolver=aiohttp.ThreadedResolver(),
        socket_factory=partial(guarded_socket, reach),
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=HEADERS,
        auto_decompress=False,
        response_class=PeerResponse,
        trust_env=False,
    )


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None,
    limit: int,
    timeout_seconds: float,
) -> Answer:
    """Return the answer; raise RequestFailed for everything that is no complete answer within bounds.

    The library's errors are not kept as causes: they hold addresses with their queries, and headers.
    """
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    try:
        async with session.request(
            method, url, headers=headers, data=form, allow_redirects=False, timeout=timeout
        ) as response:
            return await _answer(response, limit)
    except TimeoutError:
        failure = "No answer in time."
    except (aiohttp.ClientError, OSError, ValueError) as error:
        failure = f"No answer: {_reason(error)}."
    raise RequestFailed(failure)


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body; raise RequestFailed when it is compressed or has more than ``limit`` bytes.

    Compression is neither asked for nor undone: a small body can not become a large one.
    """
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RequestFailed("The answer is compressed, which was not asked for.")
    parts, size = [], 0
    async for part in response.content.iter_chunked(CHUNK):
        size += len(part)
        if size > limit:
            raise RequestFailed(f"The answer has more than {limit} bytes.")
        parts.append(part)
    return b"".join(parts)


async def _answer(response: aiohttp.ClientResponse, limit: int) -> Answer:
    peer = response.peer if isinstance(response, PeerResponse) else ""
    return Answer(
        status=response.status,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=await read_bounded(response, limit),
        reach=reach_of(peer) or Reach.PUBLIC,
    )


def _reason(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return type(cause).__name__
