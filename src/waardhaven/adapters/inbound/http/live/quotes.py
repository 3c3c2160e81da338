"""The conversation on a socket for quotes: symbols in, last prices out."""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final

import msgspec
from litestar import WebSocket

from waardhaven.adapters.inbound.http.gate import caller_key, refusal_of
from waardhaven.adapters.inbound.http.live.board import Board, Feed
from waardhaven.adapters.inbound.http.live.message import encode
from waardhaven.adapters.inbound.http.live.subscription import GONE, ClientStalled, Ending
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.market.quotes import QuoteView
from waardhaven.domain.errors import Invalid, TooManyRequests, Unavailable, WaardhavenError
from waardhaven.domain.market.asset import Asset, InvalidSymbol, SymbolRef

MOST_SYMBOLS: Final = 50
MOST_ERRORS: Final = 10
IDLE_SECONDS: Final = 60.0
TOO_MANY_ERRORS: Final = Ending("too_many_errors", "Too many messages could not be understood.", 1008)

Symbol = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Symbols = Annotated[list[Symbol], msgspec.Meta(min_length=1, max_length=MOST_SYMBOLS)]


class InvalidMessage(Invalid):
    """A message is not JSON of a known action."""


class TooManySymbols(Invalid):
    """A socket follows as many symbols as one may."""


class _Subscribe(
    msgspec.Struct, tag_field="action", tag="subscribe", forbid_unknown_fields=True, frozen=True
):
    symbols: Symbols


class _Unsubscribe(
    msgspec.Struct, tag_field="action", tag="unsubscribe", forbid_unknown_fields=True, frozen=True
):
    symbols: Symbols


class _Ping(msgspec.Struct, tag_field="action", tag="ping", forbid_unknown_fields=True, frozen=True):
    pass


_decode = msgspec.json.Decoder(_Subscribe | _Unsubscribe | _Ping).decode


@dataclass(slots=True)
class Conversation:
    """Answers what the client sends and pushes quotes that changed, until either side ends it."""

    socket: WebSocket[Any, Any, Any]
    feed: Feed
    board: Board
    services: Services
    per_minute: int
    _errors: int = 0
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def hold(self) -> None:
        """Talk; at the end say why and close, unless the client has left."""
        talking = [asyncio.create_task(self._listen()), asyncio.create_task(self._push())]
        try:
            await asyncio.wait(talking, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in talking:
                task.cancel()
            ended = await asyncio.gather(*talking, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, ClientStalled | OSError):
                raise error
        await self._close()

    async def _close(self) -> None:
        ending = self.feed.listener.ending or GONE
        if ending is GONE:
            return
        try:
            await self._say({"type": "bye", **ending.told()})
            closing = self.socket.close(code=ending.close, reason=ending.code)
            await self.feed.listener.patiently(closing)
        except (ClientStalled, OSError):
            return

    async def _listen(self) -> None:
        while self.feed.listener.ending is None:
            event: Any = await self.socket.receive()
            if event["type"] == "websocket.disconnect":
                self.feed.listener.end(GONE)
            else:
                await self._answer(event.get("text"))

    async def _push(self) -> None:
        listener = self.feed.listener
        while listener.ending is None:
            await listener.taken(IDLE_SECONDS)
            if listener.ending is None:
                await self._say_quotes(self.feed.taken())

    async def _answer(self, text: str | None) -> None:
        try:
            await self._count()
            await self._act(_read(text))
        except (Invalid, TooManyRequests) as error:
            self._errors += 1
            await self._say_error(error)
            if self._errors >= MOST_ERRORS:
                self.feed.listener.end(TOO_MANY_ERRORS)
        except Unavailable as error:
            await self._say_error(error)

    async def _count(self) -> None:
        """Count a message as a request of its sender."""
        caller = self.feed.listener.caller
        limit = caller.per_minute or self.per_minute
        if limit > 0:
            allowance = await (await self.services.quotas()).take(caller_key(caller), limit=limit)
            if not allowance.allowed:
                raise refusal_of(allowance)

    async def _act(self, asked: _Subscribe | _Unsubscribe | _Ping) -> None:
        if isinstance(asked, _Ping):
            await self._say({"type": "pong"})
        elif isinstance(asked, _Unsubscribe):
            await self._unsubscribe(asked.symbols)
        else:
            await self._subscribe(asked.symbols)

    async def _subscribe(self, symbols: list[str]) -> None:
        refs = _parsed(symbols)
        found = await self.board.find(self.feed.listener.caller, refs)
        assets: dict[int, Asset] = {one.id: one for one in found if isinstance(one, Asset)}
        if len(self.feed.assets | assets) > MOST_SYMBOLS:
            raise TooManySymbols(f"A socket follows {MOST_SYMBOLS} symbols at most.")
        self.feed.assets |= assets
        quotes = await self.board.read(self.feed.listener.caller, list(assets.values()))
        self.feed.told(quotes)
        for ref, one in zip(refs, found, strict=True):
            if not isinstance(one, Asset):
                await self._say_error(one, symbol=str(ref))
        await self._say_quotes(quotes)

    async def _unsubscribe(self, symbols: list[str]) -> None:
        refs = _parsed(symbols)
        gone = [one for one in self.feed.assets.values() if any(_is(one, ref) for ref in refs)]
        for one in gone:
            self.feed.drop(one.id)
        await self._say({"type": "unsubscribed", "symbols": [f"{one.symbol}:{one.mic}" for one in gone]})

    async def _say_quotes(self, quotes: Iterable[QuoteView]) -> None:
        for one in quotes:
            await self._say({"type": "quote", **asdict(one)})

    async def _say_error(self, error: WaardhavenError, **more: object) -> None:
        context = {name: error.context[name] for name in ("candidates",) if name in error.context}
        await self._say({"type": "error", "code": error.code, "detail": error.message, **context, **more})

    async def _say(self, document: dict[str, object]) -> None:
        async with self._writing:
            sending = self.socket.send(
                {"type": "websocket.send", "text": encode(document).decode(), "bytes": None}
            )
            await self.feed.listener.patiently(sending)


def _read(text: str | None) -> _Subscribe | _Unsubscribe | _Ping:
    if text is None:
        raise InvalidMessage("Send JSON as text, not binary messages.")
    try:
        asked: _Subscribe | _Unsubscribe | _Ping = _decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise InvalidMessage(f"The message is not understood: {error}.") from error
    return asked


def _parsed(symbols: Iterable[str]) -> list[SymbolRef]:
    """Return what was asked for, each once; raise InvalidSymbol naming the first that is none."""
    found: dict[SymbolRef, None] = {}
    for one in symbols:
        try:
            found[SymbolRef.parse(one)] = None
        except InvalidSymbol as error:
            raise InvalidSymbol(f"{one!r}: {error.message}") from error
    return list(found)


def _is(asset: Asset, ref: SymbolRef) -> bool:
    if ref.id is not None:
        return asset.id == ref.id
    return asset.symbol == ref.symbol and ref.mic in {None, asset.mic}
