"""The API document: what Litestar derives from the handlers, corrected where it is wrong or silent."""

import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from inspect import cleandoc
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler

from waardhaven.adapters.inbound.http.auth import PUBLIC
from waardhaven.adapters.inbound.http.errors import CODES, PROBLEM, Problem, title
from waardhaven.adapters.inbound.http.examples import ANSWERS, BROKEN, BUILD_ID, DETAILS
from waardhaven.adapters.inbound.http.negotiation import ARROW, JSON
from waardhaven.adapters.inbound.http.tags import TAGS

TITLE = "Waardhaven AutoIndex"
DESCRIPTION = (
    "Rule-based investment indices: defined, computed, published, and auditable.\n\n"
    "Register or log in, then send the `access_token` as `Authorization: Bearer …`. "
    "Errors are problem documents (RFC 9457); `code` is for programs, `errors` names every bad field. "
    "Answers carry an `ETag`: send it back as `If-None-Match`. "
    "Series come by column, as JSON or as an Arrow stream."
)
METHODS = ("get", "post", "put", "patch", "delete")
KEPT: tuple[str, ...] = ("name", "in", "description", "required")
EXAMPLES: dict[str, object] = {
    "start": "2022-01-03",
    "end": "2022-12-28",
    "as_of": "2024-05-31T16:00:00Z",
    "currency": "EUR",
    "limit": 50,
    "cursor": "autoindex",
    "slug": "autoindex",
    "symbol": "AAPL",
}
CURSORS = {"builds": BUILD_ID}
"""Cursors of pages that are not paged by slug."""
OWN_STATUSES = {"register": (409,), "login": (401,), "metrics": (401, 404), "openapi": (406,)}
REFERENCE = "#/components/schemas/"
PAGE_NAME = re.compile(r"PageDocument_(?:\w+\.)*(\w+)_")
SERIES = ("SeriesDocument", "AssetSeriesDocument")
RETRIED = frozenset({429, 503})
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
    schema: dict[str, Any] = _with_plain_names(app.openapi_schema.to_schema())
    schema.pop("servers")
    schema["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    components = schema.setdefault("components", {})
    components["securitySchemes"] = {SCHEME: _BEARER}
    _describe(components.setdefault("schemas", {}), _records(app))
    components["schemas"].update(_problem_schemas())
    components["responses"] = {str(status): _problem_response(status) for status in CODES}
    public = set(_public_operations(app))
    for operation in _operations(schema):
        fields = _fields_example(operation, components["schemas"])
        examples = EXAMPLES | {"fields": fields, "cursor": CURSORS.get(operation["operationId"], "autoindex")}
        operation["parameters"] = [_tidy(each, examples) for each in operation.pop("parameters", ())]
        _complete(operation, is_public=operation["operationId"] in public)
    return schema


_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The `access_token` that register and log in answer with.",
}


def _with_plain_names(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the document with pages named for what they hold: ``IndexViewPage``."""
    text = PAGE_NAME.sub(r"\1Page", msgspec.json.encode(schema).decode())
    renamed: dict[str, Any] = msgspec.json.decode(text)
    for name, component in renamed["components"]["schemas"].items():
        component["title"] = name
    return renamed


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in schema["paths"].values():
        yield from (item[method] for method in METHODS if method in item)


def _handlers(app: Litestar) -> Iterator[HTTPRouteHandler]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler):
                yield handler


def _public_operations(app: Litestar) -> Iterator[str]:
    for handler in _handlers(app):
        if handler.opt.get(PUBLIC) and handler.operation_id:
            yield str(handler.operation_id)


def _records(app: Litestar) -> dict[str, type]:
    """Return every record that bodies and answers consist of, by the name of its schema."""
    found: dict[str, type] = {}
    signatures = [handler.parsed_fn_signature for handler in _handlers(app)]
    waiting: list[Any] = [one.return_type.annotation for one in signatures]
    waiting += [one.parameters["data"].annotation for one in signatures if "data" in one.parameters]
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        record = get_origin(kind) or kind
        if isinstance(record, type) and (is_dataclass(record) or issubclass(record, msgspec.Struct)):
            if record.__name__ not in found:
                waiting += get_type_hints(record).values()
            found[record.__name__] = record
    return found


def _describe(schemas: dict[str, Any], kinds: dict[str, type]) -> None:
    """Give the schemas the descriptions their classes have."""
    for name, component in schemas.items():
        kind = kinds.get("PageDocument" if name.endswith("Page") else name)
        if kind is not None and kind.__doc__:
            component.setdefault("description", cleandoc(kind.__doc__))


def _fields_example(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return the first two names that ``fields`` may hold."""
    found = _success(operation).get("content", {}).get(JSON, {}).get("schema", {})
    properties = _resolved(found, schemas).get("properties", {})
    if "items" in properties:
        properties = _resolved(properties["items"]["items"], schemas)["properties"]
    return ",".join([*properties][:2])


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas.get(schema.get("$ref", "").removeprefix(REFERENCE), schema)
    return found


def _success(operation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = operation["responses"].get("200") or operation["responses"].get("201") or {}
    return found


def _complete(operation: dict[str, Any], *, is_public: bool) -> None:
    operation["security"] = [] if is_public else [{SCHEME: []}]
    responses = operation["responses"]
    responses.pop("400", None)
    for status in _expected(operation, is_public=is_public):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{status}"})
    success = _success(operation)
    success["description"] = operation["summary"]
    if operation["operationId"] in ANSWERS:
        success["content"][JSON]["example"] = ANSWERS[operation["operationId"]]
    if _is_reading(operation):
        responses["304"] = {"description": "The client has the present answer already."}
        success["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "Tag of this answer."}}
        _offer_arrow(success)
    operation["responses"] = dict(sorted(responses.items()))


def _is_reading(operation: dict[str, Any]) -> bool:
    """Tell whether answers are negotiated, tagged and cached."""
    return any(parameter["name"] == "fields" for parameter in operation["parameters"])


def _expected(operation: dict[str, Any], *, is_public: bool) -> list[int]:
    """Return the error statuses an operation can answer with."""
    named = any(parameter["in"] == "path" for parameter in operation["parameters"])
    statuses = [500]
    statuses += [] if is_public else [401, 503]
    statuses += [403, 404, 406] if _is_reading(operation) else []
    statuses += [404, 409] if named else []
    statuses += [422] if operation["parameters"] else []
    statuses += [400, 413, 415, 422, 429, 503] if "requestBody" in operation else []
    statuses += OWN_STATUSES.get(operation["operationId"], ())
    return sorted(set(statuses))


def _tidy(parameter: dict[str, Any], examples: dict[str, object]) -> dict[str, Any]:
    """Return a parameter without what says nothing: absence is ``required: false``, not null.

    What must be given has an ``example``, which Swagger UI fills in; what may be given only shows one.
    """
    schema = {name: value for name, value in parameter["schema"].items() if name != "description"}
    kinds = [kind for kind in schema.pop("oneOf", ()) if kind != {"type": "null"}]
    for kind in kinds:
        schema |= kind
    tidied: dict[str, Any] = {name: parameter[name] for name in KEPT if name in parameter}
    if parameter["required"]:
        tidied["example"] = examples[parameter["name"]]
    elif "default" not in schema:
        tidied["description"] += f" Example: `{examples[parameter['name']]}`."
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
        "detail": DETAILS[status],
        "code": CODES[status],
        "instance": "urn:waardhaven:request:4f1c0d9e",
        "correlation_id": "4f1c0d9e",
        "errors": BROKEN if status == 422 else [],
    }
    media = {"schema": {"$ref": f"{REFERENCE}Problem"}, "example": example}
    response: dict[str, Any] = {"description": title(status), "content": {PROBLEM: media}}
    if status in RETRIED:
        description = "Seconds after which trying again may help."
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": description}}
    return response


def _problem_schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components([Problem], ref_template=REFERENCE + "{name}")
    return schemas
