"""Request bodies: JSON alone, in time, not nested without end, every bad field named."""

import asyncio
import re
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import ClientException
from litestar.types import ASGIApp, HTTPReceiveMessage, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from waardhaven.adapters.inbound.http import headers
from waardhaven.adapters.inbound.http.negotiation import JSON
from waardhaven.application.rule_texts import told
from waardhaven.domain.errors import FieldError

STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string of JSON; one that never ends reaches to the end, so that matching stays linear."""
BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class UnsupportedMediaType(ClientException):
    """The body is not of a type the operation takes."""

    status_code = 415


class BodyTooSlow(ClientException):
    """The body did not arrive in time."""

    status_code = 408


class Paced:
    """Receives a request whose body has to be whole within ``seconds`` of now."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        """Wrap ``receive``."""
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._is_whole = False

    async def __call__(self) -> HTTPReceiveMessage:
        """Return the next message; raise BodyTooSlow. Once the body is whole, wait without a limit."""
        if self._is_whole:
            return await self._receive()  # type: ignore[return-value]
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError as error:
            raise BodyTooSlow("The body did not arrive in time.", headers={"Connection": "close"}) from error
        self._is_whole = message["type"] != "http.request" or not message.get("more_body")
        return message  # type: ignore[return-value]


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON can not break the server, however deep it is nested."""

    async def json(self) -> Any:
        """Return the decoded body; raise ClientException when it is malformed or nested too deep."""
        deepest: int = self.app.state.config.max_json_depth
        if is_deeper(await self.body(), deepest):
            raise ClientException(f"The body is nested deeper than {deepest} levels.")
        try:
            found = await super().json()
        except (RecursionError, UnicodeError) as error:
            raise ClientException("The body is not well-formed JSON.") from error
        if found is None and self._may_be_missing and await self.body():
            raise ClientException("The body must not be null; leave it out where it may be missing.")
        return found

    @property
    def _may_be_missing(self) -> bool:
        expected = self.route_handler.parsed_fn_signature.parameters.get("data")
        return expected is not None and expected.is_optional


def is_deeper(raw: bytes, deepest: int) -> bool:
    """Tell whether JSON is nested deeper than ``deepest`` levels, without decoding it.

    What is left of it without strings are brackets; each pass takes away the innermost pairs. Malformed
    text is judged by what it opens.
    """
    if raw.count(b"[") + raw.count(b"{") <= deepest:
        return False
    brackets = STRING.sub(b"", raw).translate(BRACKETS, NO_BRACKETS)
    for _ in range(deepest):
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    return brackets.count(b"[") > (deepest if brackets.find(b"[]") < 0 else 0)


class RequireJson:
    """Refuses a body of another content type where JSON is expected."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass when it has no body to read, or one of JSON."""
        expected = scope["route_handler"].parsed_fn_signature.parameters.get("data")
        if expected is not None and scope.get("method") not in BODILESS:
            sent = headers.of(scope)
            if not expected.is_optional or _has_body(sent):
                _check(headers.text(sent, b"content-type") or "")
        await self._app(scope, receive, send)


def _has_body(sent: headers.Headers) -> bool:
    return b"transfer-encoding" in sent or sent.get(b"content-length", b"0") != b"0"


def _check(content_type: str) -> None:
    sent = content_type.partition(";")[0].strip().lower()
    if sent != JSON and not (sent.startswith("application/") and sent.endswith("+json")):
        raise UnsupportedMediaType("Send the body as application/json.", headers={"Accept": JSON})


def body_errors(request: Request[Any, Any, Any]) -> list[FieldError]:
    """Check a refused body again, field by field, and return every broken rule.

    The decoder stops at the first; this second pass runs for refused bodies alone.
    """
    expected = request.route_handler.parsed_fn_signature.parameters["data"]
    kind = expected.inner_types[0].annotation if expected.is_optional else expected.annotation
    raw = ScopeState.from_scope(request.scope).body
    if not isinstance(raw, bytes) or not raw:
        return [FieldError(field="", rule="a body is required")]
    return broken_rules(raw, kind)


def broken_rules(raw: bytes | bytearray, kind: Any) -> list[FieldError]:
    """Return every rule of the record ``kind`` that a body breaks; nothing where it is no JSON."""
    try:
        values = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return []
    if not isinstance(values, dict):
        return [FieldError(field="", rule="must be an object")]
    return _broken(kind, values)


def _broken(kind: Any, values: dict[str, Any]) -> list[FieldError]:
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    missing = [
        FieldError(field=name, rule="is required")
        for name, field in known.items()
        if field.required and name not in values
    ]
    foreign = [FieldError(field=name, rule="is not known here") for name in values if name not in known]
    wrong = [
        FieldError(field=f"{name}{broken[0]}", rule=broken[1])
        for name, field in known.items()
        if name in values and (broken := _broken_rule(field.type, values[name]))
    ]
    return missing + wrong + foreign


def _broken_rule(kind: Any, value: Any) -> tuple[str, str] | None:
    """Return where in a value a rule is broken, and which; None where none is."""
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        return told(str(error), kind)
    return None
