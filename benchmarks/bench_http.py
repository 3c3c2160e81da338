"""Requests a second of cached answers beside bare handlers of the same server in the same run.

    python -m benchmarks.bench_http [seconds] [connections]

The server is a process of its own: uvicorn with uvloop and httptools, one worker, the whole application
over fakes, its log written as in production (to /dev/null). The bare handlers answer the same bytes, once
as a plain ASGI function and once as a Litestar handler without anything around it. The load comes from
this process over raw sockets, connections kept alive. CPU is the server's own, per request.

What the whole stack with authentication adds is the CPU of one trivial handler behind all of it (correlation
id, networks, token, quota, policy, time limit, problem handling, headers, log line) less that of the very
same handler in an application without anything: a median over the rounds, each measured one after the other.
"""

import asyncio
import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil

SESSIONS = 5_800
STACK, HANDLER = "/api/v1/bench", "/handler"
STACK_TARGET = 200
"""Microseconds of CPU that the stack may add to a request."""
TARGETS = {
    STACK: "trivial handler, whole stack and token",
    HANDLER: "the same handler, bare Litestar",
    "/api/v1/index/history": "cached history, whole stack and token",
    "/api/v1/index/current": "cached current, whole stack and token",
    "/health": "liveness through the whole stack",
}


@dataclass
class Client(asyncio.Protocol):
    """One kept-alive connection that sends the next request as soon as an answer is whole."""

    request: bytes
    until: float
    latencies: list[float]
    done: asyncio.Future[None]
    length: int = 0
    received: int = 0
    sent_at: float = 0.0
    head: bytearray = field(default_factory=bytearray)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.received = 0
        self.head.clear()
        self.sent_at = time.perf_counter()
        self.transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if not self.length:
            self.head += data
            self.length = _length(bytes(self.head))
        if self.length and self.received >= self.length:
            now = time.perf_counter()
            self.latencies.append(now - self.sent_at)
            if now < self.until:
                self._send()
            elif not self.done.done():
                self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))


def _length(head: bytes) -> int:
    """Return the length of a whole response, 0 while its head is incomplete; every response is as long."""
    end = head.find(b"\r\n\r\n")
    if end < 0:
        return 0
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head[:200].decode())
    for line in head[:end].lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return end + 4 + int(line.partition(b":")[2])
    raise RuntimeError("no Content-Length")


def measure(
    url: str, headers: Mapping[str, str], seconds: float = 3.0, connections: int = 32
) -> tuple[float, float]:
    """Return requests a second and the 99th percentile of the latency in milliseconds."""
    latencies, elapsed = asyncio.run(_load(url, headers, seconds, connections))
    return len(latencies) / elapsed, float(np.percentile(latencies, 99)) * 1000


async def _load(
    url: str, headers: Mapping[str, str], seconds: float, connections: int
) -> tuple[list[float], float]:
    parts = urlsplit(url)
    lines = [f"GET {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    began = time.perf_counter()
    waiting = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        client = Client(request, began + seconds, latencies, done)
        await loop.create_connection(lambda client=client: client, parts.hostname, parts.port)  # type: ignore[misc]
        waiting.append(done)
    await asyncio.gather(*waiting)
    return latencies, time.perf_counter() - began


def _serve(port: int, log_to: str) -> None:
    """Run the server until it is ended."""
    import uvicorn
    from litestar import Litestar, Response, Router, get
    from tests.fakes.identity import FakeRevocations
    from tests.unit.adapters.http import world as house

    from waardhaven.adapters.inbound.http.app import create_app
    from waardhaven.adapters.outbound.valkey.quota import ValkeyQuotas
    from waardhaven.application.identity.authenticate import Authenticate, BreakGlass
    from waardhaven.bootstrap.logging import configure_logging

    sys.stderr = open(log_to, "w")  # noqa: PTH123, SIM115 - it is ours until the end
    configure_logging("INFO", process="bench")
    house.DAYS = SESSIONS
    real = house.World(config={"access_log_stream": sys.stderr, "rate_limit_authenticated": 10**9})
    real.quotas = ValkeyQuotas(_Leases())  # type: ignore[arg-type, assignment]
    real.authenticate = Authenticate(  # type: ignore[assignment]
        real.tokens, FakeRevocations(), lambda: real.uow, real.clock, BreakGlass(token=None)
    )
    real.app = create_app(real.container(), replace(real.app.state.config))
    real.app.register(Router("/api/v1", route_handlers=[_trivial("/bench")]))
    body = bytearray()

    @get("/litestar")
    async def litestar() -> Response[bytes]:
        return Response(bytes(body), media_type="application/json", headers={"content-encoding": "br"})

    second = Litestar([litestar, _trivial(HANDLER)], openapi_config=None, logging_config=None)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path")
        if path == "/bare":
            headers = [(b"content-length", b"%d" % len(body)), (b"content-encoding", b"br")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": bytes(body)})
        elif path in {"/litestar", HANDLER}:
            await second(scope, receive, send)
        elif path == "/learn":
            await _learn(real, body)
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await real.app(scope, receive, send)

    uvicorn.run(
        app,
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )


class _Leases:
    """A server of quotas that always has another lease."""

    def register_script(self, _: str) -> Any:
        async def lease(**_: object) -> list[int]:
            return [1_000, 10**8, 60_000]

        return lease


def _trivial(path: str) -> Any:
    from litestar import get

    from waardhaven.adapters.inbound.http.documents import HealthDocument
    from waardhaven.adapters.inbound.http.policy import POLICY, needs
    from waardhaven.domain.identity.roles import Permission

    @get(path, opt={POLICY: needs(Permission.READ_INDICES)})
    async def trivial() -> HealthDocument:
        return HealthDocument(status="ok")

    return trivial


async def _learn(real: Any, body: bytearray) -> None:
    from httpx import ASGITransport, AsyncClient

    async with AsyncClient(transport=ASGITransport(real.app), base_url="http://here") as client:
        headers = real.bearer() | {"Accept-Encoding": "br"}
        async with client.stream("GET", "/api/v1/index/history", headers=headers) as response:
            body[:] = b"".join([chunk async for chunk in response.aiter_raw()])


@contextmanager
def serving() -> Iterator[tuple[str, psutil.Process]]:
    """Run the server in a process of its own; yield its address and the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(port, os.devnull), daemon=True
    )
    process.start()
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.join(5)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the server did not start")


def main(arguments: list[str]) -> None:
    """Run for the seconds and with the connections named, 3 and 32 without."""
    from tests.unit.adapters.http.world import World

    seconds = float(arguments[0]) if arguments else 3.0
    connections = int(arguments[1]) if len(arguments) > 1 else 32
    headers = World().bearer() | {"Accept-Encoding": "br", "Accept": "application/json"}
    targets = {"/bare": "bare ASGI function", "/litestar": "bare Litestar handler", **TARGETS}
    rounds: dict[str, list[tuple[float, float, float]]] = {path: [] for path in targets}
    with serving() as (address, process):
        _get(f"{address}/learn")
        for path in targets:
            measure(address + path, headers, 0.5, connections)
        for _ in range(3):
            for path, found in rounds.items():
                before = sum(process.cpu_times()[:2])
                rps, p99 = measure(address + path, headers, seconds, connections)
                cpu = (sum(process.cpu_times()[:2]) - before) / (rps * seconds) * 1e6
                found.append((rps, p99, cpu))
    middle = {path: tuple(np.median(found, axis=0)) for path, found in rounds.items()}
    for path, (rps, p99, cpu) in middle.items():
        share = " ".join(f"{rps / middle[bare][0]:.2f} x {bare}" for bare in ("/bare", "/litestar"))
        print(f"{targets[path]:40} {rps:8.0f}/s  p99 {p99:6.1f} ms  CPU {cpu:5.0f} us  {share}")
    added = [with_all[2] - bare[2] for with_all, bare in zip(rounds[STACK], rounds[HANDLER], strict=True)]
    print(
        f"the whole stack with authentication adds {np.median(added):.0f} us of CPU to a request "
        f"(rounds {min(added):.0f} to {max(added):.0f}, target {STACK_TARGET})"
    )


def _get(url: str) -> None:
    import httpx

    httpx.get(url).raise_for_status()


if __name__ == "__main__":
    main(sys.argv[1:])
