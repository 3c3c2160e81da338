"""Cached answers of the reading routes: negotiated, tagged, compressed, made at most once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from litestar import Request, Response
from litestar.exceptions import ClientException
from litestar.types import ASGIApp, Receive, Scope, Send

from waardhaven.adapters.inbound.http import headers
from waardhaven.adapters.inbound.http.caching import Key, LocalCache, Produce, Representations
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.lru import BoundedMap
from waardhaven.adapters.inbound.http.negotiation import IDENTITY, encoding, is_current, media_type
from waardhaven.adapters.inbound.http.packed import Packed
from waardhaven.adapters.inbound.http.policy import policy_of
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.ports.cache import Cache
from waardhaven.domain.identity.roles import Principal

T = TypeVar("T")

PERSONAL: Final = "personal"
"""Key of a handler's ``opt``: its answers depend on who asks, not on the role alone."""
REMEMBERED_OVERHEAD = 1024


class NotAcceptable(ClientException):
    """No offered media type or encoding will do for the client."""

    status_code = 406


class Ready(Response[T]):
    """A finished response: its messages are sent as they are."""

    def __init__(self, packed: Packed, media: str, *, cache_control: str = "private, no-cache") -> None:
        """Prepare the messages of ``packed``."""
        self.route = ""
        self.etag = packed.etag
        self.body = packed.body
        shared = [
            (b"etag", packed.etag.encode()),
            (b"cache-control", cache_control.encode()),
            (b"vary", b"Accept, Accept-Encoding"),
        ]
        self._headers = [
            (b"content-type", media.encode()),
            (b"content-length", str(len(packed.body)).encode()),
            *shared,
        ]
        if packed.encoding != IDENTITY:
            self._headers.append((b"content-encoding", packed.encoding.encode()))
        self._not_modified = shared

    def to_asgi_response(  # type: ignore[override]
        self, *_: Any, request: Request[Any, Any, Any], **__: Any
    ) -> ASGIApp:
        """Return the application that sends the response."""
        del request
        return self.send

    async def send(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the response, 304 without a body to a GET or HEAD whose client has it already."""
        asked = scope.get("method") in {"GET", "HEAD"}
        known = headers.text(headers.of(scope), b"if-none-match") if asked else None
        if known is not None and is_current(known, self.etag):
            await send({"type": "http.response.start", "status": 304, "headers": self._not_modified})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers})
            await send({"type": "http.response.body", "body": self.body, "more_body": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A question to a use case, and how each media type on offer writes the view it answers with."""

    use_case: type[Callable[..., Awaitable[Any]]]
    params: Mapping[str, object]
    writers: Mapping[str, Callable[[Any], bytes]]
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the same text for the same question, however it was put."""
        params = ",".join(f"{name}={_plain(value)!r}" for name, value in sorted(self.params.items()))
        return f"{self.use_case.__name__}({params})[{','.join(sorted(set(self.fields)))}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStatistics:
    """The cache of this process: what it keeps, and how many answers it gave and could not give."""

    entries: int
    bytes: int
    capacity_bytes: int
    hits: int
    misses: int


class Answers:
    """Answers readings from the caches as long as the data has not changed."""

    def __init__(self, services: Services, config: HttpConfig) -> None:
        """Bound the memory by ``config.local_cache_bytes``: half for answers, half for their bytes."""
        half = config.local_cache_bytes // 2
        self._services = services
        self._ttl = config.cache_ttl_seconds
        self._namespace = f"{config.cache_namespace}:{config.version}"
        self._remembered: BoundedMap[Hashable, Ready[Any]] = BoundedMap(
            half, lambda ready: len(ready.body) + REMEMBERED_OVERHEAD, time.monotonic
        )
        self._local = LocalCache(half)
        self._capacity = 2 * half
        self._given = 0
        self._representations: Representations | None = None

    async def remembered(self, scope: Mapping[str, Any], caller: Principal) -> Ready[Any] | None:
        """Return the answer to these words, if the data is known not to have changed since."""
        generation = (await self._services.generation()).known()
        if generation is None:
            return None
        words = _words(scope, generation)
        everybody, own = caller.audience, _personal(caller)
        found = self._remembered.get((*words, everybody)) or self._remembered.get((*words, own))
        self._given += found is not None
        return found

    def statistics(self) -> LocalStatistics:
        """Return what the cache of this process holds and how it did."""
        made = self._representations
        return LocalStatistics(
            entries=len(self._remembered) + len(self._local),
            bytes=self._remembered.weight + self._local.weight,
            capacity_bytes=self._capacity,
            hits=self._given + (made.hits if made else 0),
            misses=made.misses if made else 0,
        )

    async def answer(self, request: Request[Any, Any, Any], reading: Reading) -> Ready[Any]:
        """Return the answer in the media type and encoding the client likes best; raise NotAcceptable."""
        sent = headers.of(request.scope)
        media = media_type(headers.text(sent, b"accept") or "", tuple(reading.writers))
        chosen = encoding(headers.text(sent, b"accept-encoding"))
        if media is None or chosen is None:
            offered = ", ".join(reading.writers)
            raise NotAcceptable(f"On offer: {offered}; encodings br, gzip, identity.")
        port = await self._services.generation()
        known = port.known()
        generation = known if known is not None else await port.read()
        key = Key(
            namespace=self._namespace,
            generation=generation,
            audience=_audience(request),
            resource=str(reading),
            media=media,
            encoding=chosen,
        )
        caches = await self._caches()
        packed = await caches.get(key, self._producer(request, reading, media), use_local=known is not None)
        ready: Ready[Any] = Ready(packed, media)
        ready.route = request.scope["path_template"]
        if known is not None and _is_rememberable(request):
            words = (*_words(request.scope, known), _audience(request))
            self._remembered.put(words, ready, ttl_seconds=self._ttl)
        return ready

    def _producer(self, request: Request[Any, Any, Any], reading: Reading, media: str) -> Produce:
        write = reading.writers[media]

        async def produce() -> bytes:
            async with self._services.container() as scope:
                ask = await scope.get(reading.use_case)
                view = await ask(request.user, **reading.params)
            return await asyncio.to_thread(write, view)

        return produce

    async def _caches(self) -> Representations:
        if self._representations is None:
            shared = await self._services.container.get(Cache)
            self._representations = Representations(shared, self._local, self._ttl)
        return self._representations


def _words(scope: Mapping[str, Any], generation: int) -> tuple[Hashable, ...]:
    """Return everything of a request, save who asks, that its answer depends on, as the client put it."""
    sent = headers.of(scope)
    return (
        generation,
        scope["path"],
        scope["query_string"],
        sent.get(b"accept"),
        sent.get(b"accept-encoding"),
    )


def _audience(request: Request[Any, Any, Any]) -> str:
    """Return whom the answer may be shown to: its owner if it is personal, else all who may as much."""
    by: Principal = request.user
    return _personal(by) if request.route_handler.opt.get(PERSONAL) else by.audience


def _personal(by: Principal) -> str:
    """Return the audience of one caller: the same person with narrower scopes is another one."""
    return f"{by.user}@{by.audience}"


def _is_rememberable(request: Request[Any, Any, Any]) -> bool:
    policy = policy_of(request.route_handler.opt)
    return policy is not None and policy.is_rememberable


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
