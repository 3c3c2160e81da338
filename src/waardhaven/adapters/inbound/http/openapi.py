"""The API document: what Litestar derives from the handlers, corrected where it is wrong or silent."""

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler

from waardhaven.adapters.inbound.http.auth import PUBLIC
from waardhaven.adapters.inbound.http.errors import CODES, PROBLEM, Problem, title
from waardhaven.adapters.inbound.http.negotiation import ARROW, JSON

TITLE = "Waardhaven AutoIndex"
DESCRIPTION = (
    "Rule-based investment indices: defined, computed, published, and auditable.\n\n"
    "Errors are problem documents (RFC 9457); `code` is for programs, `errors` names every bad field. "
    "Answers carry an `ETag`: send it back as `If-None-Match`. "
    "Series come by column, as JSON or as an Arrow stream."
)
METHODS = ("get", "post", "put", "patch", "delete")
KEPT: tuple[str, ...] = ("name", "in", "description", "required")
EXAMPLES: dict[str, object] = {
    "start": "2024-01-01",
    "end": "2024-06-30",
    "as_of": "2024-07-01T12:00:00Z",
    "currency": "EUR",
    "fields": "dates,values",
    "limit": 50,
    "cursor": "autoindex",
    "slug": "autoindex",
    "symbol": "AAPL",
}
SERIES = ("SeriesDocument", "AssetSeriesDocument")
SCHEME = "bearer"


class _NoRoutes(Router):
    """Drops the pages Litestar would add of its own accord: they load scripts from elsewhere."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        """Register nothing."""
        del value
        return []


def openapi_config(version: str) -> OpenAPIConfig:
    """Return the settings of the document."""
    return OpenAPIConfig(
        title=TITLE,
        version=version,
        description=DESCRIPTION,
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=_NoRoutes("/unused", route_handlers=[], include_in_schema=False),
    )


def document(app: Litestar) -> dict[str, Any]:
    """Return the whole document as it is served."""
    schema: dict[str, Any] = app.openapi_schema.to_schema()
    components = schema.setdefault("components", {})
    components["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    components.setdefault("schemas", {}).update(_problem_schemas())
    components["responses"] = {str(status): _problem_response(status) for status in CODES}
    public = set(_public_operations(app))
    for operation in _operations(schema):
        operation["parameters"] = [_tidy(parameter) for parameter in operation.pop("parameters", ())]
        _complete(operation, is_public=operation["operationId"] in public)
    return schema


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in schema["paths"].values():
        yield from (item[method] for method in METHODS if method in item)


def _public_operations(app: Litestar) -> Iterator[str]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and handler.opt.get(PUBLIC) and handler.operation_id:
                yield str(handler.operation_id)


def _complete(operation: dict[str, Any], *, is_public: bool) -> None:
    operation["security"] = [] if is_public else [{SCHEME: []}]
    responses = operation["responses"]
    responses.pop("400", None)
    for status in _expected(operation, is_public=is_public):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{status}"})
    success = responses.get("200")
    if success and not is_public and operation["parameters"]:
        responses["304"] = {"description": "The client has the present answer already."}
        success["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "Tag of this answer."}}
        _offer_arrow(success)


def _expected(operation: dict[str, Any], *, is_public: bool) -> list[int]:
    """Return the error statuses an operation can answer with."""
    named = any(parameter["in"] == "path" for parameter in operation.get("parameters", ()))
    statuses = [500, 503]
    statuses += [] if is_public else [401, 403, 404, 406]
    statuses += [404, 409] if named else []
    statuses += [422] if operation.get("parameters") else []
    statuses += [400, 409, 413, 415, 422] if "requestBody" in operation else []
    statuses += [401] if operation["operationId"] in {"login", "metrics"} else []
    return sorted(set(statuses))


def _tidy(parameter: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter without what says nothing: absence is ``required: false``, not null."""
    schema = {name: value for name, value in parameter["schema"].items() if name != "description"}
    kinds = [kind for kind in schema.pop("oneOf", ()) if kind != {"type": "null"}]
    for kind in kinds:
        schema |= kind
    tidied: dict[str, Any] = {name: parameter[name] for name in KEPT if name in parameter}
    if parameter["name"] in EXAMPLES:
        tidied["example"] = EXAMPLES[parameter["name"]]
    return tidied | {"schema": schema}


def _offer_arrow(success: dict[str, Any]) -> None:
    content = success.get("content", {})
    reference = content.get(JSON, {}).get("schema", {}).get("$ref", "")
    if reference.rpartition("/")[2] in SERIES:
        content[ARROW] = {"schema": {"type": "string", "format": "binary"}}


def _problem_response(status: int) -> dict[str, Any]:
    example = {
        "type": f"urn:waardhaven:problem:{CODES[status]}",
        "title": title(status),
        "status": status,
        "detail": title(status),
        "code": CODES[status],
        "instance": "urn:waardhaven:request:4f1c0d9e",
        "correlation_id": "4f1c0d9e",
        "errors": [],
    }
    media = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": title(status), "content": {PROBLEM: media}}


def _problem_schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    return schemas
