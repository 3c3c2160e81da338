"""Twenty simulations of a million paths at once over HTTP, and ``/health`` meanwhile.

    python -m benchmarks models

The server is a process of its own, as ``waardhaven serve`` runs it, with its processes for models. All
questions are sent together, again and again; another connection asks ``/health`` every 20 ms. Each is
answered, or is a job that nobody works on here. Memory is that of the server and of the processes it
computes in, at its largest, above what it had after a first small question.
"""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from uuid import uuid4

import numpy as np
import psutil

from benchmarks.bench_streams import Bench, quantiles, running
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.security import AccessTokens
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import SessionId, UserId

AT_ONCE, ROUNDS = 20, 2
MOST_MEMORY, TARGET = 1_024.0, 50.0
"""Mebibytes of all processes above their rest (a bound: two of 512); milliseconds of ``/health`` (a goal)."""
QUESTION = {
    "kind": "derivative",
    "payoff": {"type": "arithmetic_asian", "strike_price": 100.0},
    "spot_price": 100.0,
    "volatility": 0.2,
    "risk_free_rate": 0.03,
    "time_to_expiry": 1.0,
    "time_steps": 52,
    "sampling": "plain",
    "simulations": 1_000_000,
    "seed": 1,
}
CALLER = (
    "INSERT INTO app_user (id, email, username, password_hash) VALUES ($1, 'ada@x.org', 'ada', '$argon2id$x')"
)


def ask(port: int, token: str, question: dict[str, object]) -> int:
    """Return the status of the answer, read whole."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/api/v1/montecarlo", body=json.dumps(question), headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status not in (200, 202):
        raise SystemExit(body.decode())
    return answer.status


def memory(pid: int) -> float:
    """Return the mebibytes that a process and those below it hold."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(one.memory_info().rss for one in family if one.is_running()) / 2**20


async def largest(pid: int, seen: list[float]) -> None:
    """Note the memory of the server and its processes, again and again."""
    while True:
        seen.append(memory(pid))
        await asyncio.sleep(0.02)


async def measure() -> bool:
    """Print what became of the questions; tell whether memory stayed in its bound."""
    async with running() as bench:
        user = UserId(uuid4())
        async with (await bench.container.get(Database)).acquire() as connection:
            await connection.execute(CALLER, user)
        tokens = await bench.container.get(AccessTokens)
        token = tokens.issue(user, Role.VIEWER, session=SessionId(uuid4()), version=1).value
        await asyncio.to_thread(ask, bench.port, token, QUESTION | {"simulations": 10_000})
        return all([await burst(bench, token) for _ in range(ROUNDS)])


async def burst(bench: Bench, token: str) -> bool:
    """Send all questions together."""
    bench.health.clear()
    server, seen = bench.server.pid, list[float]()
    before = memory(server)
    beside = [asyncio.create_task(bench.watch_health()), asyncio.create_task(largest(server, seen))]
    with ThreadPoolExecutor(AT_ONCE) as together:
        send = partial(asyncio.get_running_loop().run_in_executor, together, ask)
        asked = [send(bench.port, token, QUESTION) for _ in range(AT_ONCE)]
        statuses = np.array(await asyncio.gather(*asked))
    for one in beside:
        one.cancel()
    await asyncio.wait(beside)
    taken = max(seen) - before
    print(
        f"{AT_ONCE} at once: {(statuses == 200).sum()} answered, {(statuses == 202).sum()} jobs   "
        f"+{taken:4.0f} MiB   /health {quantiles(bench.health)}   longest {max(bench.health):.0f} ms"
    )
    return taken <= MOST_MEMORY


def main() -> None:
    """Print each burst; SystemExit where the bound of memory is passed."""
    print(f"goal: /health p99 ≤ {TARGET:g} ms; bound: +{MOST_MEMORY:g} MiB in all processes")
    if not asyncio.run(measure()):
        raise SystemExit("The simulations took more memory than they may.")


if __name__ == "__main__":
    main()
