"""Outgoing HTTP of the whole process: bounded in time and size, no redirects, no proxy, no cookies."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

import msgspec

from waardhaven.adapters.outbound.http_session.addresses import Reach

T = TypeVar("T")
LARGEST = 1024 * 1024
AGENT = "waardhaven"


class RequestFailed(Exception):
    """No acceptable answer came. The text says why and holds neither queries nor bodies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer; names of ``headers`` are in lower case. ``reach``: where the server was."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    reach: Reach

    def json(self, kind: type[T]) -> T:
        """Return the body read as JSON of a type; raise RequestFailed."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RequestFailed(f"The answer is not what was expected: {type(error).__name__}.") from error


class HttpSession:
    """Lends connections to every adapter that calls out.

    ``reach`` bounds the addresses a request may be sent to; connections opened under one bound never serve
    another. Whatever goes wrong is RequestFailed; an answer of any status, redirects too, is an Answer.
    """

    def __init__(self, *, timeout_seconds: float = 5.0) -> None:
        """Open nothing yet; a whole exchange may take ``timeout_seconds``."""
        self._timeout_seconds = timeout_seconds
        self._sessions: dict[Reach, Any] = {}
        self._library: ModuleType | None = None

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        reach: Reach = Reach.PUBLIC,
        limit: int = LARGEST,
        timeout_seconds: float | None = None,
    ) -> Answer:
        """Return the answer to a GET; raise RequestFailed, also for a body of more than ``limit`` bytes.

        ``timeout_seconds`` replaces that of the session for a whole exchange.
        """
        return await self._exchange("GET", url, headers or {}, None, reach, limit, timeout_seconds)

    async def post_form(
        self,
        url: str,
        form: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        reach: Reach = Reach.PUBLIC,
        limit: int = LARGEST,
    ) -> Answer:
        """Return the answer to a POST of a form; raise RequestFailed as ``get`` does."""
        return await self._exchange("POST", url, headers or {}, form, reach, limit)

    async def close(self) -> None:
        """Close every connection."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        reach: Reach,
        limit: int,
        timeout_seconds: float | None = None,
    ) -> Answer:
        if self._library is None:
            self._library = await asyncio.to_thread(_library)
        if reach not in self._sessions:
            self._sessions[reach] = self._library.open_session(reach, self._timeout_seconds)
        exchange: Callable[..., Any] = self._library.exchange
        timeout = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        answer: Answer = await exchange(self._sessions[reach], method, url, headers, form, limit, timeout)
        return answer


def _library() -> ModuleType:
    """Import aiohttp: 0.2 s that a process pays at its first request, in a thread."""
    from waardhaven.adapters.outbound.http_session import guarded

    return guarded
