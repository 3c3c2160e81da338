"""A provider that answers when the test lets it, and a place that asks it."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from aiohttp import web
from tests.conftest import Background
from tests.e2e.up_tools import Place, Running, client, log_in, wait_until
from tests.twelvedata_site import KEY, Fault, Instrument, LocalTwelveData, Part, some_rows, weekdays

NEW, LONDON, GATED, ECHO, NOBODY = "NEWCO:XNAS", "VODX:XLON", "GATED:XNAS", "ECHO:XNAS", "NOPE:XNYS"
UNIVERSE = (NEW, LONDON, GATED, ECHO, NOBODY)
FIXING = "fixing.csv"
PER_MINUTE, PER_DAY = 1000, 800
ENDED = {"succeeded", "failed", "dead", "cancelled"}


@dataclass
class GuardedSite(LocalTwelveData):
    """Answers at once, or while ``held`` once for each `let_go`. To whoever asks ECHO it says the key."""

    held: bool = False
    arrived: list[str] = field(default_factory=list)
    waiting: list[asyncio.Event] = field(default_factory=list)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        go = asyncio.Event()
        if self.held:
            self.waiting.append(go)
            self.arrived.append(request.path_qs)
            await go.wait()
        return await super()._answer(request)

    async def let_go(self, *, everything: bool = False) -> None:
        """Answer the request that waits longest, or from now on all."""
        self.held = self.held and not everything
        for _ in range(len(self.waiting) if everything else 1):
            self.waiting.pop(0).set()

    def _one(self, path: str, symbol: str, query: Mapping[str, str]) -> Part:
        if symbol == "ECHO":
            raise Fault(403, f"The key {KEY} may not see this [/symbol] with your plan.")
        return super()._one(path, symbol, query)


def instruments() -> list[Instrument]:
    """Return what the provider lists, with bars up to today."""
    days = weekdays(date.today(), 30)  # noqa: DTZ011 (the product's own present, whatever the zone)
    new, london = some_rows("NEWCO", days), some_rows("VODX", days)
    return [
        Instrument(symbol="NEWCO", name="New Company", rows=new),
        Instrument(
            symbol="VODX", name="A Carrier", rows=london, mic="XLON", currency="GBp", country="United Kingdom"
        ),
        Instrument(symbol="GATED", rows=new, gated=True),
        Instrument(symbol="ECHO", rows=new),
    ]


@dataclass(kw_only=True)
class Provider:
    """A running site, and what a place must be told to ask it."""

    site: GuardedSite
    background: Background

    def settings(self, place: Place, **more: str) -> dict[str, str]:
        """Return the environment; the fixing is a path that counts from where `up` was started."""
        days = "".join(f"{one},1.1,\n" for one in reversed(weekdays(date.today(), 10)))  # noqa: DTZ011
        (place.folder / FIXING).write_text(f"Date,USD,\n{days}")
        return {
            "TWELVEDATA_API_KEY": KEY,
            "TWELVEDATA_URL": self.site.url,
            "TWELVEDATA_RATE_LIMIT": str(PER_MINUTE),
            "ASSET_UNIVERSE": ",".join(UNIVERSE),
            "ECB_RATES": FIXING,
            "LOG_LEVEL": "DEBUG",
            **more,
        }

    @property
    def waiting_for(self) -> str | None:
        """The one symbol that the request is about that came last, None for another kind of request."""
        url = urlsplit(self.site.arrived[-1])
        symbol = parse_qs(url.query).get("symbol", [""])[0]
        return symbol if url.path == "/time_series" and "," not in symbol and "/" not in symbol else None

    def let_go(self, *, everything: bool = False) -> None:
        self.background.run(self.site.let_go(everything=everything))


@contextmanager
def a_provider(*, held: bool = False, longest_list: int = 120) -> Iterator[Provider]:
    """Lend a provider of the free plan in a thread of its own."""
    background = Background()
    settings = {"plan": "free", "per_minute": PER_MINUTE, "longest_list": longest_list, "held": held}
    site = GuardedSite(market=instruments(), **settings)  # type: ignore[arg-type]
    try:
        background.run(site.start())
        yield Provider(site=site, background=background)
    finally:
        background.run(site.let_go(everything=True))
        background.run(site.stop())
        background.close()


@dataclass
class Listener:
    """Reads the events of a job while they come."""

    url: str
    token: str
    job: str
    heard: list[dict[str, Any]] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with (
            suppress(httpx.HTTPError),
            client(self.url, self.token) as http,
            http.stream("GET", f"/api/v1/jobs/{self.job}/events", timeout=120) as answer,
        ):
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    self.heard.append(json.loads(line.removeprefix("data: ")))

    def stop(self) -> None:
        assert self._thread is not None
        self._thread.join(30)

    @property
    def told(self) -> list[dict[str, Any]]:
        """The progress told so far."""
        return [one for one in list(self.heard) if one.get("kind") == "progress"]

    @property
    def heard_the_end(self) -> bool:
        return any(one.get("state") in ENDED for one in list(self.heard))

    def has_told(self, symbol: str) -> bool:
        """Tell whether the progress of prices came to a symbol."""
        return any((one["stage"], one["message"]) == ("prices", symbol) for one in self.told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An administrator beside a running place."""

    url: str
    token: str

    @classmethod
    def of(cls, up: Running, email: str, password: str) -> "Operator":
        return cls(url=up.url(), token=log_in(up.url(), email, password))

    def get(self, path: str) -> httpx.Response:
        with client(self.url, self.token) as http:
            return http.get(f"/api/v1{path}")

    def read(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(path).raise_for_status().json()
        return found

    def post(self, path: str, **content: object) -> httpx.Response:
        with client(self.url, self.token) as http:
            return http.post(f"/api/v1{path}", **content)  # type: ignore[arg-type]

    def ended(self, job: str) -> dict[str, Any]:
        """Return a job when it has ended."""
        done = wait_until(
            lambda: found if (found := self.read(f"/jobs/{job}"))["state"] in ENDED else None, "the job ends"
        )
        assert done is not None
        return done
