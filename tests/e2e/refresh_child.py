"""Refreshes that may be killed: `python -m tests.e2e.refresh_child`, one order a line, one answer a line.

Each order is carried out by a process of its own, forked from this one, which has imported everything: a life
takes a second in place of three. What a life sends over its sockets (to PostgreSQL, to Valkey, to the
provider) is counted, message by message; the life that is to die kills itself at the message it was told,
before it is sent or right after. Nothing outside can tell any other two moments of a process apart.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio import selector_events
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.market_data.calendars import PackagedCalendars
from waardhaven.application.jobs.refresh_market import RefreshMarket, RefreshParams
from waardhaven.application.market.refresh_rules import RefreshRules
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.job_run import JobRun
from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.logging import configure_logging
from waardhaven.bootstrap.settings import Settings, listed, read_settings
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.types import JobId

CALENDARS_BEGIN = np.datetime64("2025-01-01")
PARTS_AT_ONCE = 2
"""Series in one write: few, so that a small market takes several, as one of hundreds of assets does."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a life is to do. ``die_at``: the number of its last message, 0: live; ``sent``: that is sent."""

    settings: dict[str, str]
    mode: str
    now: datetime
    die_at: int = 0
    sent: bool = False


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a life: its exit code (a negative signal), and what it told if it lived."""

    code: int
    messages: int = 0
    status: str = ""


class Still(Clock):
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at


class Lately(Calendars):
    """The packaged calendars without the years before the market begins: a life takes half as long."""

    async def sessions(self, mics: Sequence[str]) -> Sequence[SessionColumns]:
        return [_since(CALENDARS_BEGIN, one) for one in await PackagedCalendars().sessions(mics)]


def _since(day: np.datetime64, sessions: SessionColumns) -> SessionColumns:
    keep = sessions.day >= day
    times = {"open_at": sessions.open_at[keep], "close_at": sessions.close_at[keep]}
    return SessionColumns(mic=sessions.mic, day=sessions.day[keep], **times)


class Fixed(Provider):
    """The instant of the refresh, short calendars and small writes."""

    scope = Scope.APP

    def __init__(self, now: datetime, settings: Settings) -> None:
        super().__init__()
        self._now, self._universe = now, listed(settings.asset_universe)

    @provide(override=True)
    def clock(self) -> Clock:
        return Still(self._now)

    @provide(override=True)
    def calendars(self) -> Calendars:
        return Lately()

    @provide(override=True)
    def rules(self) -> RefreshRules:
        rules = RefreshRules(universe=self._universe)
        return replace(rules, batch_parts=PARTS_AT_ONCE, assets_at_once=PARTS_AT_ONCE)


class Quiet(JobRun):
    """A run that nobody watches."""

    job = JobId(UUID(int=0))
    attempt = 1

    def progress(self, stage: str, done: int, total: int | None = None, message: str = "") -> None:
        """Tell nobody."""

    async def keep(self, name: str, media_type: str, content: bytes) -> None:
        """Keep nothing."""


class Messages:
    """Counts what is sent, and ends the process at its time."""

    def __init__(self, die_at: int, *, sent: bool) -> None:
        self.count, self._die_at, self._sent = 0, die_at, sent

    def watch(self) -> None:
        transport: Any = vars(selector_events)["_SelectorSocketTransport"]
        write = transport.write

        def counted(one: Any, data: Any) -> None:
            self.count += 1
            if self.count == self._die_at and not self._sent:
                os.kill(os.getpid(), signal.SIGKILL)
            write(one, data)
            if self.count == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)

        transport.write = counted


async def refresh(order: Order) -> str:
    settings = read_settings(order.settings)
    container = make_container(settings, Fixed(order.now, settings))
    try:
        async with container() as scope:
            act = await scope.get(RefreshMarket)
            outcome = await act(OPERATOR, RefreshParams(mode=order.mode, then="nothing"), Quiet())
    finally:
        await container.close()
    return json.dumps(outcome.result)


def live(order: Order, told: int) -> None:
    """Carry an order out and write down what came of it; never return."""
    code = 1
    try:
        messages = Messages(order.die_at, sent=order.sent)
        messages.watch()
        status = asyncio.run(refresh(order))
        os.write(told, msgspec.json.encode(Ended(code=0, messages=messages.count, status=status)))
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def carried_out(order: Order) -> Ended:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        live(order, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return msgspec.json.decode(said, type=Ended) if said and code == 0 else Ended(code=code)


def main() -> None:
    configure_logging("WARNING", process="refresh")
    orders = msgspec.json.Decoder(Order)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(msgspec.json.encode(carried_out(orders.decode(line))) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
