"""Request bodies: JSON alone, every bad field named."""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from waardhaven.adapters.inbound.http import headers
from waardhaven.adapters.inbound.http.negotiation import JSON
from waardhaven.domain.errors import FieldError

BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class UnsupportedMediaType(ClientException):
    """The body is not of a type the operation takes."""

    status_code = 415


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON can be nested as deep as it likes without breaking the server."""

    async def json(self) -> Any:
        """Return the decoded body."""
        try:
            return await super().json()
        except (RecursionError, UnicodeError) as error:
            raise ClientException("The body is not well-formed JSON.") from error


class RequireJson:
    """Refuses a body of another content type where JSON is expected."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass when it has no body to read, or one of JSON."""
        handler = scope["route_handler"]
        if scope.get("method") not in BODILESS and "data" in handler.parsed_fn_signature.parameters:
            _check(headers.text(headers.of(scope), b"content-type") or "")
        await self._app(scope, receive, send)


def _check(content_type: str) -> None:
    sent = content_type.partition(";")[0].strip().lower()
    if sent != JSON and not (sent.startswith("application/") and sent.endswith("+json")):
        raise UnsupportedMediaType("Send the body as application/json.", headers={"Accept": JSON})


def body_errors(request: Request[Any, Any, Any]) -> list[FieldError]:
    """Check a refused body again, field by field, and return every broken rule.

    The decoder stops at the first; this second pass runs for refused bodies alone.
    """
    kind = request.route_handler.parsed_fn_signature.parameters["data"].annotation
    raw = ScopeState.from_scope(request.scope).body
    if not isinstance(raw, bytes) or not raw:
        return [FieldError(field="", rule="a body is required")]
    try:
        values = msgspec.json.decode(raw)
    except msgspec.DecodeError:
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
        FieldError(field=name, rule=rule)
        for name, field in known.items()
        if name in values and (rule := _broken_rule(field.type, values[name]))
    ]
    return missing + wrong + foreign


def _broken_rule(kind: Any, value: Any) -> str | None:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        return str(error)
    return None
