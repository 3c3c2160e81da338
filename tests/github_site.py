"""GitHub on this machine: its token endpoint and the two pages of its API that sign-in reads."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from tests.issuer import CLIENT, REDIRECT, SECRET, Reply, encoded, sha256

ACCESS = "gho_16C7e42F292c6912E7710c838347Ae178B4a"
EMAILS = [
    {"email": "ada@users.noreply.github.com", "verified": True, "primary": False, "visibility": None},
    {"email": "Ada@Example.org", "verified": True, "primary": True, "visibility": "private"},
    {"email": "other@example.org", "verified": False, "primary": False, "visibility": None},
]


@dataclass
class LocalGithub:
    user: dict[str, Any] = field(default_factory=lambda: {"id": 583231, "login": "ada", "name": "Ada"})
    emails: Any = field(default_factory=lambda: list(EMAILS))
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    url: str = ""
    _codes: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _runner: web.AppRunner | None = None

    async def start(self) -> "LocalGithub":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def approve(self, address: str) -> str:
        query = dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
        assert address.startswith(f"{self.url}/login/oauth/authorize?")
        assert (query["client_id"], query["redirect_uri"]) == (CLIENT, REDIRECT)
        assert "user:email" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        code = f"code-{next(self._numbers)}"
        self._codes[code] = query["code_challenge"]
        return code

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        if request.path in self.replies:
            return await self.replies[request.path](request)
        if request.path == "/login/oauth/access_token":
            return await self._token(request)
        if request.headers.get("Authorization") != f"Bearer {ACCESS}" or not request.headers["User-Agent"]:
            return web.json_response({"message": "Bad credentials"}, status=401)
        return web.json_response(self.user if request.path == "/user" else self.emails)

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(parse_qsl((await request.read()).decode()))
        assert request.headers["Accept"] == "application/json"
        if (form["client_id"], form["client_secret"]) != (CLIENT, SECRET):
            return web.json_response({"error": "incorrect_client_credentials"})
        challenge = self._codes.pop(form["code"], None)
        if challenge != encoded(sha256(form["code_verifier"].encode()).digest()):
            return web.json_response({"error": "bad_verification_code", "error_description": "expired"})
        return web.json_response({"access_token": ACCESS, "token_type": "bearer", "scope": "user:email"})
