"""Bodies that may be large: taken in a few at a time, read beside the event loop, told what is wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from litestar import Request
from litestar.exceptions import ClientException

from waardhaven.adapters.inbound.http import headers
from waardhaven.adapters.inbound.http.bodies import UnsupportedMediaType, broken_rules, is_deeper
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.negotiation import JSON
from waardhaven.application.answers import Sent
from waardhaven.application.rule_texts import told
from waardhaven.domain.errors import FieldError, Invalid, Unavailable

T = TypeVar("T")
AT_ONCE: Final = 2
"""Large bodies that a process holds at once: each needs several times its size until it is answered."""
PATIENCE_SECONDS: Final = 30.0
LISTED_BYTES: Final = 1 << 20
"""Size up to which every broken rule of a refused body is looked for; of larger ones the first is told."""
MOST_MEMBERS: Final = 10_000


class InvalidRequest(Invalid):
    """The body breaks a rule."""


class Crowded(Unavailable):
    """Other large bodies are being worked on."""


class Room:
    """Bounds how many large bodies are in memory; who comes later waits, with the body still unsent."""

    def __init__(self, at_once: int = AT_ONCE, patience: float = PATIENCE_SECONDS) -> None:
        """Hold ``at_once`` bodies, and let others wait for ``patience`` seconds."""
        self._free = asyncio.Semaphore(at_once)
        self._patience = patience

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold a place within the block; raise Crowded."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError as error:
            raise Crowded("Other large bodies are being worked on. Try again in a while.") from error
        try:
            yield
        finally:
            self._free.release()


@asynccontextmanager
async def body_of(request: Request[Any, Any, Any], media: str) -> AsyncIterator[Sent]:
    """Receive a body of a type, and hold a place for it within the block unless it is announced as small.

    Raise Crowded, and ClientException for a small one in JSON that is nested deeper than bodies may be; the
    decoder bounds the depth of large ones.
    """
    config: HttpConfig = request.app.state.config
    announced = headers.of(request.scope).get(b"content-length", b"")
    if announced.isdigit() and int(announced) <= config.max_body_bytes:
        small = await request.body()
        if media == JSON and is_deeper(small, config.max_json_depth):
            raise ClientException(f"The body is nested deeper than {config.max_json_depth} levels.")
        yield small
        return
    room: Room = request.app.state.room
    async with room.taken():
        content = bytearray()  # grows as the body comes: joining it in the end would hold everybody up
        async for piece in request.stream():
            content += piece
        yield content


def media_of(request: Request[Any, Any, Any], *taken: str) -> str:
    """Return which of the types that are taken the body has; raise UnsupportedMediaType."""
    sent = (headers.text(headers.of(request.scope), b"content-type") or "").partition(";")[0].strip().lower()
    sent = JSON if sent.startswith("application/") and sent.endswith("+json") else sent
    if sent not in taken:
        listed = ", ".join(taken)
        raise UnsupportedMediaType(f"Send the body as {' or as '.join(taken)}.", headers={"Accept": listed})
    return sent


def decoded(
    content: Sent,
    decoder: msgspec.json.Decoder[T],
    kind: type,
    *,
    most: int = 1_000,
    within: str = "",
    listed: bool = True,
) -> T:
    """Return a JSON body; raise InvalidRequest naming what is broken, ClientException if it is no JSON.

    ``kind``: what the body is documented as; ``most``: values it may hold in all; ``within``: what stands
    before the names of its fields, and is named itself where it is no JSON; ``listed``: tell every broken
    rule of a small body.
    """
    check_count(content, most)
    try:
        return decoder.decode(content)
    except msgspec.ValidationError as error:
        errors = broken_rules(content, kind) if listed and len(content) <= LISTED_BYTES else []
        errors = errors or [_broken(error)]
        raise InvalidRequest(
            "The request breaks a rule.",
            errors=[FieldError(field=f"{within}{one.field}".rstrip("."), rule=one.rule) for one in errors],
        ) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        if within:
            errors = [FieldError(field=within.rstrip("."), rule="must be well-formed JSON")]
            raise InvalidRequest("The request breaks a rule.", errors=errors) from None
        raise ClientException("The body is not well-formed JSON.") from None


def check_count(content: Sent, most: int) -> None:
    """Refuse an empty body, and one of more values than there is room for once they are decoded."""
    if not content:
        raise _invalid("a body is required")
    if len(content) <= LISTED_BYTES:
        return
    if _count(content, b",") > most:
        raise _invalid(f"must hold at most {most} values in all")
    if _count(content, b":") > MOST_MEMBERS:
        raise _invalid(f"must hold at most {MOST_MEMBERS} names in all")


def _count(content: Sent, what: bytes) -> int:
    """Return how often a byte occurs, piece by piece: numpy lets others run meanwhile, bytes do not."""
    every, wanted = np.frombuffer(content, dtype=np.uint8), what[0]
    pieces = range(0, len(every), LISTED_BYTES)
    return sum(int(np.count_nonzero(every[at : at + LISTED_BYTES] == wanted)) for at in pieces)


def _invalid(rule: str) -> InvalidRequest:
    return InvalidRequest("The request breaks a rule.", errors=[FieldError(field="", rule=rule)])


def _broken(error: msgspec.ValidationError) -> FieldError:
    path, rule = told(str(error))
    return FieldError(field=path.removeprefix("."), rule=rule)
