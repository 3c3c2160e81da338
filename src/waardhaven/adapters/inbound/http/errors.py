"""Every error becomes one kind of answer: a problem document (RFC 9457)."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.types import Send

from waardhaven.adapters.inbound.http.bodies import body_errors
from waardhaven.application.rule_texts import told
from waardhaven.domain.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    WaardhavenError,
)

REFUSAL = "refusal"
"""Key of the request scope: why an anonymous request is too many, unless it is a 401 anyway."""
PROBLEM = "application/problem+json"
RETRY_AFTER_SECONDS = "5"
FAMILIES: dict[type[WaardhavenError], int] = {
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    Forbidden: 403,
    Unauthenticated: 401,
    TooManyRequests: 429,
    Unavailable: 503,
}
CODES = {
    400: "malformed_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    409: "conflict",
    413: "content_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 has them; the standard library's differ between versions of Python."""
_OWN = {"type", "title", "status", "detail", "code", "instance", "correlation_id", "errors"}
_encode = msgspec.json.Encoder(enc_hook=str)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemError:
    """One broken rule: the dotted ``field`` of the request, its JSON ``pointer`` when it is in the body."""

    field: str
    rule: str
    pointer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error as RFC 9457 has it. ``code`` is for programs, ``detail`` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    correlation_id: str
    errors: tuple[ProblemError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a problem document is made from."""

    status: int
    code: str
    detail: str
    errors: tuple[ProblemError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)


def problem_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer an error; what is not meant for people is logged with its trace and told nobody."""
    if isinstance(error, NotFoundException | MethodNotAllowedException):
        error = request.scope.get(REFUSAL) or error  # type: ignore[assignment]
    fault = fault_of(request, error)
    if fault.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_failed", exc_info=error, path=request.scope["path"], method=request.method)
    body = problem_bytes(fault, correlation_id(request.scope))
    return Response(body, status_code=fault.status, media_type=PROBLEM, headers=_headers_of(fault))


async def send_problem(fault: Fault, correlation: str, send: Send) -> None:
    """Answer without a framework."""
    body = problem_bytes(fault, correlation)
    await send(
        {"type": "http.response.start", "status": fault.status, "headers": refusal_headers(fault, body)}
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


def refusal_headers(fault: Fault, body: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of a problem document."""
    named = {"Content-Type": PROBLEM, "Content-Length": str(len(body)), **_headers_of(fault)}
    return [(name.lower().encode(), value.encode()) for name, value in named.items()]


def _headers_of(fault: Fault) -> dict[str, str]:
    return {"Cache-Control": "no-store", **_standing_headers(fault.status), **fault.headers}


def problem_bytes(fault: Fault, correlation: str) -> bytes:
    """Return the document."""
    document = Problem(
        type=f"urn:waardhaven:problem:{fault.code}",
        title=title(fault.status),
        status=fault.status,
        detail=fault.detail,
        code=fault.code,
        instance=f"urn:waardhaven:request:{correlation}",
        correlation_id=correlation,
        errors=fault.errors,
    )
    more = {name: value for name, value in fault.more.items() if name not in _OWN}
    errors = [{"field": one.field, "rule": one.rule} | _pointer(one) for one in fault.errors]
    return _encode.encode({**asdict(document), "errors": errors, **more})


def _pointer(broken: ProblemError) -> dict[str, str]:
    return {} if broken.pointer is None else {"pointer": broken.pointer}


def fault_of(request: Request[Any, Any, Any], error: Exception) -> Fault:
    """Return what to say about an error."""
    if isinstance(error, WaardhavenError):
        return fault_of_family(error)
    if isinstance(error, ValidationException):
        return _of_validation(request, error)
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _of_status(error)
    return Fault(
        status=500,
        code=CODES[500],
        detail="Something went wrong here. The log has the details under the correlation id.",
    )


def correlation_id(scope: Mapping[str, Any]) -> str:
    """Return the id the edge gave the request."""
    return str(scope.get("correlation_id", ""))


def title(status: int) -> str:
    """Return the fixed title of a status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def fault_of_family(error: WaardhavenError) -> Fault:
    """Return what to say about an error of ours."""
    status = next((code for family, code in FAMILIES.items() if isinstance(error, family)), 500)
    errors = tuple(ProblemError(field=broken.field, rule=broken.rule) for broken in error.errors)
    return Fault(
        status=status,
        code=error.code,
        detail=error.message,
        errors=errors,
        headers=_retry_after(error),
        more=error.context,
    )


def _retry_after(error: WaardhavenError) -> dict[str, str]:
    if not isinstance(error, TooManyRequests):
        return {}
    return {"Retry-After": str(max(1, ceil(error.retry_after_seconds)))}


def _of_status(error: HTTPException) -> Fault:
    status = error.status_code
    detail = _DETAILS.get(status, error.detail) if _says_nothing(error) else error.detail
    code = CODES.get(status) or re.sub(r"\W+", "_", title(status)).lower()
    return Fault(status=status, code=code, detail=detail, headers=error.headers or {})


def _says_nothing(error: HTTPException) -> bool:
    return error.detail in {HTTPStatus(error.status_code).phrase, title(error.status_code), ""}


_DETAILS = {
    404: "There is nothing at this address; /docs shows what there is.",
    405: "This address does not take this method.",
    413: "The body is larger than this server takes.",
}


MISSING: Final = re.compile(r"Missing required \w+ parameter '([^']+)'")
"""How the framework says that a parameter is not there."""


def _of_validation(request: Request[Any, Any, Any], error: ValidationException) -> Fault:
    messages = error.extra if isinstance(error.extra, list) else []
    errors = [_problem_error(message) for message in messages if message.get("source") != "body"]
    if len(errors) < len(messages):
        errors += [_in_body(broken) for broken in body_errors(request)] or [
            _problem_error(message) for message in messages if message.get("source") == "body"
        ]
    missing = MISSING.search(error.detail)
    if missing and not errors:
        errors = [ProblemError(field=missing[1], rule="is required")]
    detail = "The request breaks a rule." if errors else error.detail.partition(" for path")[0]
    return Fault(status=422, code=CODES[422], detail=detail, errors=tuple(errors))


def _problem_error(message: Mapping[str, Any]) -> ProblemError:
    path, rule = told(str(message.get("message", "is not valid")))
    return ProblemError(field=f"{message.get('key', '')}{path}", rule=rule)


def _in_body(broken: FieldError) -> ProblemError:
    pointer = "".join(f"/{part}" for part in broken.field.split(".") if part)
    return ProblemError(field=broken.field, rule=broken.rule, pointer=pointer)


def _standing_headers(status: int) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": RETRY_AFTER_SECONDS}
    return {}
