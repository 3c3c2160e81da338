"""A service over servers that come and go, and people who use it meanwhile."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
from tests.conftest import SECRET, Background
from tests.e2e.up_tools import USER_PASSWORD, Place, Running, client, free_port

from waardhaven.adapters.outbound.embedded import EmbeddedServers

AUTH = "/api/v1/auth"
LOGIN, REFRESH, ME, KEYS = f"{AUTH}/login", f"{AUTH}/refresh", f"{AUTH}/me", f"{AUTH}/api-keys"
STOPPED, HANGING = "stopped", "hanging"
REQUEST_SECONDS = 3.0
"""REQUEST_TIMEOUT of the service: what a request to a silent database may take."""
GIVING_UP_SECONDS = 2.0
"""What the driver may take to part with a connection that is silent."""
SLACK_SECONDS = 2.0
"""What a busy machine may add."""
NOTHING_HALF_WRITTEN = {
    "a session has several usable refresh tokens": (
        "SELECT session_id FROM refresh_token WHERE used_at IS NULL GROUP BY session_id HAVING count(*) > 1"
    ),
    "an open session has no usable refresh token": (
        "SELECT id FROM login_session s WHERE ended_at IS NULL AND NOT EXISTS"
        " (SELECT FROM refresh_token t WHERE t.session_id = s.id AND t.used_at IS NULL)"
    ),
    "a session was last used at another time than its newest refresh token was issued": (
        "SELECT s.id FROM login_session s JOIN refresh_token t ON t.session_id = s.id"
        " GROUP BY s.id HAVING s.last_used_at <> max(t.issued_at)"
    ),
    "a session is not in the audit trail exactly once": (
        "SELECT s.id FROM login_session s LEFT JOIN audit_entry e ON e.action = 'session.opened'"
        " AND e.detail->>'session' = s.id::text GROUP BY s.id HAVING count(e.id) <> 1"
    ),
    "an ended session was not revoked": (
        "SELECT id FROM login_session s WHERE ended_at IS NOT NULL AND NOT EXISTS"
        " (SELECT FROM revocation r WHERE r.session_id = s.id)"
    ),
}


async def assert_sessions_whole(place: Place) -> None:
    """Check every invariant of the stored sessions."""
    for fault, query in NOTHING_HALF_WRITTEN.items():
        found = await place.sql(query)
        assert not found, f"{fault}: {found[:3]}"


@dataclass
class Server:
    """A private server of the test's own: it can be stopped, started again, and made to hang."""

    place: Place
    program: str
    background: Background
    url: str = ""
    _running: EmbeddedServers | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._running is not None:
            return
        postgres = self.program == "postgres"
        self._running = EmbeddedServers(self.place.data_dir, postgres=postgres, valkey=not postgres)
        endpoints = self.background.run(self._running.start())
        url = (endpoints.database_url if postgres else endpoints.redis_url) or ""
        assert self.url in {"", url}, "it came back elsewhere"
        self.url = url

    def stop(self) -> None:
        if self._running is not None:
            self.background.run(self._running.stop())
            self._running = None

    @contextmanager
    def away(self, how: str) -> Iterator[None]:
        """Refuse connections (stopped), or accept them and never answer (hanging), within the block."""
        if how == STOPPED:
            self.stop()
            try:
                yield
            finally:
                self.start()
            return
        found = self.place.servers(self.program)
        assert found, "there is nothing to suspend"
        with suspended(found):
            yield


@contextmanager
def suspended(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Let processes stand still within the block, by SIGSTOP."""
    for one in processes:
        one.suspend()
    try:
        yield
    finally:
        for one in processes:
            one.resume()


@dataclass
class Visitor:
    """Somebody at an address of their own; every answer is noted and never a 500."""

    http: httpx.Client
    answers: list[tuple[str, int, float]] = field(default_factory=list)

    def ask(
        self, method: str, path: str, *, token: str | None = None, body: dict[str, Any] | None = None
    ) -> httpx.Response:
        headers = {"Connection": "close", **({"Authorization": f"Bearer {token}"} if token else {})}
        began = time.monotonic()
        answer = self.http.request(method, path, headers=headers, json=body)
        self.answers.append((path, answer.status_code, time.monotonic() - began))
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        if answer.status_code == 503:
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) >= 1
        return answer

    def get(self, path: str, token: str) -> httpx.Response:
        return self.ask("GET", path, token=token)

    def log_in(self, email: str, password: str = USER_PASSWORD) -> httpx.Response:
        return self.ask("POST", LOGIN, body={"email": email, "password": password})

    def refresh(self, token: str) -> httpx.Response:
        return self.ask("POST", REFRESH, body={"refresh_token": token})

    @property
    def slowest(self) -> float:
        return max(seconds for _, _, seconds in self.answers)


@dataclass
class Person(Visitor):
    """A visitor with an account, a session and an API key."""

    email: str = ""
    access: str = ""
    refresh_token: str = ""
    key: str = ""


def new_person(url: str, name: str, *, per_minute: int | None = None) -> Person:
    """Open an account, log in to it and make an API key."""
    email = f"{name}@example.org"
    person = Person(client(url), email=email)
    account = {"email": email, "password": USER_PASSWORD}
    assert person.ask("POST", f"{AUTH}/register", body=account).status_code == 202
    session = person.log_in(email).json()
    person.access, person.refresh_token = session["access_token"], session["refresh_token"]
    wanted = {"name": "a program", "scopes": ["indices:read"], "requests_per_minute": per_minute}
    made = person.ask("POST", KEYS, token=person.access, body=wanted)
    assert made.status_code == 201, made.text
    person.key = made.json()["secret"]
    person.answers.clear()
    return person


@dataclass
class House:
    """The API as a process of its own, over servers that belong to the test."""

    place: Place
    postgres: Server
    valkey: Server
    serve: Running
    url: str

    @property
    def settings(self) -> dict[str, str]:
        return {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.valkey.url, "SECRET_KEY": SECRET}

    @property
    def api(self) -> psutil.Process:
        return psutil.Process(self.serve.process.pid)


def new_house(place: Place, postgres: Server, valkey: Server) -> House:
    """Start both servers and the API."""
    postgres.start()
    valkey.start()
    port = free_port()
    house = House(place, postgres, valkey, serve=None, url=f"http://127.0.0.1:{port}")  # type: ignore[arg-type]
    house.serve = place.start(
        "serve", "--port", str(port), REQUEST_TIMEOUT=f"{REQUEST_SECONDS:g}", **house.settings
    )
    return house
