"""A question about 500 x 5,000 returns over HTTP, JSON and Arrow, and ``/health`` meanwhile.

    python -m benchmarks analytics

The server is a process of its own, as ``waardhaven serve`` runs it. The question is sent again and again,
one at a time, by a thread of plain sockets; another connection asks ``/health`` every 20 ms. Memory is the
server's at its largest, above what it had before the first large question of the kind (a small one of each
kind came before: what is imported on first use is no part of it). Beside it the measuring alone.
"""

import asyncio
import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlencode
from uuid import uuid4

import numpy as np
import polars as pl

from benchmarks.bench_streams import Bench, quantiles, running
from benchmarks.peers import SEED, cpu_ms
from waardhaven.application.metrics.analyse_risk import analyse
from waardhaven.application.metrics.risk_question import Calendar, Kind, RiskQuestion
from waardhaven.application.ports.security import AccessTokens
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import Floats, SessionId, UserId

SERIES, DAYS, TIMES = 500, 5_000, 8
JSON, ARROW = "application/json", "application/vnd.apache.arrow.stream"
MOST_MEMORY, TARGET = 300.0, 50.0
"""Mebibytes a question may take (a bound); milliseconds of ``/health`` (a goal)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A body of a type, what it is sent with, and which answer it wants."""

    media: str
    accept: str
    content: bytes
    params: Mapping[str, str]

    def ask(self, port: int, token: str) -> float:
        """Return the seconds until the answer was whole."""
        headers = {"Content-Type": self.media, "Accept": self.accept, "Authorization": f"Bearer {token}"}
        began = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        path = f"/api/v1/analytics/risk?{urlencode(self.params)}"
        connection.request("POST", path, body=self.content, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise SystemExit(body.decode())
        return time.perf_counter() - began


def askings(values: Floats) -> list[Asking]:
    """Return the same question in both forms, each with an answer in both."""
    columns = {f"s{row}": one for row, one in enumerate(values)}
    text = json.dumps({"returns": {name: one.tolist() for name, one in columns.items()}, "calendar": "daily"})
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    settings = {"settings": '{"kind": "returns", "calendar": "daily"}'}
    bodies: list[tuple[str, bytes, dict[str, str]]] = [
        (JSON, text.encode(), {}),
        (ARROW, buffer.getvalue(), settings),
    ]
    return [
        Asking(media=media, accept=accept, content=content, params=params)
        for media, content, params in bodies
        for accept in (JSON, ARROW)
    ]


async def largest(bench: Bench, seen: list[float]) -> None:
    """Note the memory of the server, again and again."""
    while True:
        seen.append(bench.memory())
        await asyncio.sleep(0.005)


async def watched(bench: Bench, token: str, asking: Asking) -> bool:
    """Ask some times; print how long it took, the memory, and ``/health`` meanwhile; tell if in bounds."""
    bench.health.clear()
    before, seen = bench.memory(), list[float]()
    beside = [asyncio.create_task(bench.watch_health()), asyncio.create_task(largest(bench, seen))]
    took = [await asyncio.to_thread(asking.ask, bench.port, token) for _ in range(TIMES)]
    for one in beside:
        one.cancel()
    await asyncio.wait(beside)
    taken = max(seen) - before
    print(
        f"{asking.media[-12:]:>12} in, {asking.accept[-12:]:>12} out   {len(asking.content) / 2**20:5.1f} MiB"
        f"   {np.median(took) * 1e3:6.0f} ms   +{taken:5.0f} MiB   /health {quantiles(bench.health)}"
        f"   longest {max(bench.health):.0f} ms"
    )
    return taken <= MOST_MEMORY


async def measure(values: Floats) -> bool:
    async with running() as bench:
        tokens = await bench.container.get(AccessTokens)
        user, session = UserId(uuid4()), SessionId(uuid4())
        token = tokens.issue(user, Role.VIEWER, session=session, version=1).value
        for small in askings(values[:2, :50]):
            small.ask(bench.port, token)
        found = [await watched(bench, token, asking) for asking in askings(values)]
    return all(found)


def main() -> None:
    """Print each form; SystemExit where the bound of memory is passed."""
    values = np.random.default_rng(SEED).normal(0.0004, 0.012, (SERIES, DAYS))
    question = RiskQuestion(
        names=tuple(f"s{row}" for row in range(SERIES)),
        values=values.T,
        kind=Kind.RETURNS,
        calendar=Calendar.DAILY,
    )
    print(f"measuring alone, all metrics   {cpu_ms(lambda: analyse(question)):.0f} ms CPU")
    print(f"goal: /health p99 ≤ {TARGET:g} ms; bound: +{MOST_MEMORY:g} MiB")
    if not asyncio.run(measure(values)):
        raise SystemExit("A question took more memory than it may.")


if __name__ == "__main__":
    main()
