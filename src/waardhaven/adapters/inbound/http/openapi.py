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

from waardhaven.adapters.inbound.http.errors import CODES, PROBLEM, Problem, title
from waardhaven.adapters.inbound.http.examples import ANSWERS, BROKEN, BUILD_ID, DETAILS
from waardhaven.adapters.inbound.http.job_bodies import job_schemas
from waardhaven.adapters.inbound.http.negotiation import ARROW, CSV, JSON
from waardhaven.adapters.inbound.http.openapi_bodies import body_schemas, sent_body
from waardhaven.adapters.inbound.http.policy import Access, Policy, policy_of
from waardhaven.adapters.inbound.http.tags import ALSO, OFFERS, TAGS, UPLOAD

TITLE = "Waardhaven AutoIndex"
DESCRIPTION = (
    "Rule-based investment indices: defined, computed, published, and auditable.\n\n"
    "Register or log in, then send the `access_token` (or an API key) as `Authorization: Bearer …`. "
    "Errors are problem documents (RFC 9457); `code` is for programs, `errors` names every bad field. "
    "Answers carry an `ETag`: send it back as `If-None-Match`. "
    "Series come by column, as JSON or as an Arrow stream."
)
METHODS = ("get", "post", "put", "patch", "delete")
KEPT: tuple[str, ...] = ("name", "in", "description", "required")
EXAMPLES: dict[str, object] = {
    "session": "0d4c8b60-7f0a-4a55-9d4e-2f6b6a1f2c11",
    "key": "b1f6ce0f-4f44-4b8c-a5b7-6f3f0f7d0b11",
    "user": "7ec64d09-c987-41d0-a1d2-fdc1bc6610a9",
    "provider": "github",
    "return_to": "/dashboard",
    "code": "d1f0a2",
    "state": "Vq1pXk0Zr7mB2nC8sD4tF6gH9jL3wE5yU0iO1aR_xQ-",
    "error": "access_denied",
    "role": "analyst",
    "active": "true",
    "search": "ada",
    "start": "2022-01-03",
    "end": "2022-12-28",
    "as_of": "2024-05-31T16:00:00Z",
    "currency": "EUR",
    "limit": 50,
    "cursor": "autoindex",
    "slug": "autoindex",
    "symbol": "AAPL",
    "actor": "7ec64d09-c987-41d0-a1d2-fdc1bc6610a9",
    "action": "user.",
    "target": "user:7ec64d09-c987-41d0-a1d2-fdc1bc6610a9",
    "since": "2024-05-31T16:00:00Z",
    "until": "2024-06-03",
    "correlation_id": "4f1c0d9e",
    "credential": "session",
    "job_id": "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77",
    "task_id": "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77",
    "name": "report.json",
    "type": "report",
    "owner": "7ec64d09-c987-41d0-a1d2-fdc1bc6610a9",
    "parent": "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77",
    "queue": "bulk",
    "scope": "all",
    "kinds": "job.,progress",
    "Last-Event-ID": "1042.1717430400000-0",
    "last_event_id": "1042.1717430400000-0",
    "Idempotency-Key": "nightly-2024-06-03",
    "symbols": "AAPL,MSFT",
    "adjust": "all",
    "frequency": "monthly",
    "source": "sample",
    "text": "apple",
    "asset_type": "equity",
    "mic": "XNAS",
    "universe": "sample-us20",
    "variant": "price",
    "archived": "all",
    "kind": "outlier",
    "verdict": "open",
    "flag_id": 1042,
    "import_id": "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77",
    "delimiter": "tab",
    "encoding": "cp1252",
    "columns": "date=Datum,close=Schluss",
    "of": "ACME",
    "mode": "smart",
    "format": "csv",
    "layout": "wide",
    "numbers": "european",
    "dates": "dmy",
    "adjustment": "raw",
    "quote_unit": "GBX",
    "date": "2022-12-28",
    "at": "closing",
    "settings": '{"kind": "returns", "calendar": "daily"}',
    "figure": f"{BUILD_ID}.level.2022-12-28",
    "version": 2,
    "reason": "fewer reviews",
    "benchmark": "SPX:0.6,QUAL:0.4",
    "index": "autoindex",
    "window": 252,
    "sessions": 252,
    "interval": 0.95,
    "by": "sector",
    "risk_free_rate": 0.02,
    "confidence": 0.95,
}
CURSORS = {
    **dict.fromkeys(("audit", "symbols", "assets", "dataQuality", "revisions"), "1042"),
    **dict.fromkeys(("jobs", "imports"), "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77"),
    **dict.fromkeys(("versions", "strategyConfigHistory"), "3"),
    "builds": BUILD_ID,
    **dict.fromkeys(("compositions", "rebalances"), "2022-12-27"),
    **dict.fromkeys(("riskMetricsHistory", "strategyRiskMetrics"), "2022-12-28.12"),
}
"""Cursors of pages that are not paged by slug."""
SUCCESS = ("200", "201", "202", "204", "303")
UNCOUNTED = frozenset({"health", "readiness"})
REFERENCE = "#/components/schemas/"
PAGE_NAME = re.compile(r"PageDocument_(?:\w+\.)*(\w+)_")
SERIES = (
    "SeriesDocument",
    "AssetSeriesDocument",
    "PricesDocument",
    "SimulationDocument",
    "BenchmarkDocument",
    "ComparisonDocument",
    "KnownNowDocument",
    "CompositionFileDocument",
    "PreviewDocument",
)
TABLES = ("CompositionFileDocument",)
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
    components["schemas"].update(_problem_schemas() | job_schemas())
    components["responses"] = {str(status): _problem_response(status) for status in CODES}
    handlers = {str(one.operation_id): one for one in _handlers(app)}
    components["schemas"].update(body_schemas(one.opt[UPLOAD] for one in _handlers(app) if UPLOAD in one.opt))
    for operation in _operations(schema):
        handler = handlers[operation["operationId"]]
        if UPLOAD in handler.opt:
            operation["requestBody"] = sent_body(handler.opt[UPLOAD])
        fields = _fields_example(operation, components["schemas"])
        examples = EXAMPLES | {"fields": fields, "cursor": CURSORS.get(operation["operationId"], "autoindex")}
        operation["parameters"] = [_tidy(each, examples) for each in operation.pop("parameters", ())]
        _complete(operation, handler)
    return schema


_REDIRECT = {
    "description": "Go on there.",
    "headers": {"Location": {"schema": {"type": "string"}, "description": "Where to go on."}},
}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": (
        "The `access_token` that register and log in answer with, or an API key. What a key may do is "
        "narrowed by its scopes, which are the permissions named here as `x-permission`."
    ),
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
        properties = _resolved(properties["items"]["items"], schemas).get("properties", {})
    return ",".join([*properties][:2])


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas.get(schema.get("$ref", "").removeprefix(REFERENCE), schema)
    return found


def _success(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the one answer that is neither a problem nor repeats an earlier one."""
    found: dict[str, Any] = next(
        operation["responses"][one] for one in SUCCESS if one in operation["responses"]
    )
    return found


def _complete(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    policy = policy_of(handler.opt)
    if policy is None:
        raise LookupError(f"The route of {operation['operationId']} has no policy.")
    operation["security"] = [] if policy.is_public else [{SCHEME: []}]
    _tell_permission(operation, policy)
    _tidy_body(operation.get("requestBody", {}))
    responses = operation["responses"]
    responses.pop("400", None)
    for status in _expected(operation, policy, handler.opt.get(ALSO, ())):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{status}"})
    success = _success(operation)
    success["description"] = operation["summary"]
    if "303" in responses:
        responses["303"] = _REDIRECT
    responses.get("204", {}).pop("content", None)
    if operation["operationId"] in ANSWERS:
        media = next(iter(success["content"]))
        success["content"][media]["example"] = ANSWERS[operation["operationId"]]
    for offered in handler.opt.get(OFFERS, ()):
        success["content"][offered] = {"schema": {"type": "string", "format": "binary"}}
    if _is_reading(operation):
        responses["304"] = {"description": "The client has the present answer already."}
        success["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "Tag of this answer."}}
        _offer_arrow(success)
    operation["responses"] = dict(sorted(responses.items()))


def _tidy_body(body: dict[str, Any]) -> None:
    """Say of a body that may be missing that it is not required, in place of null being one."""
    for media in body.get("content", {}).values():
        kinds = [kind for kind in media["schema"].get("oneOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            media["schema"] = kinds[0]
            body["required"] = False


def _tell_permission(operation: dict[str, Any], policy: Policy) -> None:
    if policy.permission is not None:
        operation["x-permission"] = str(policy.permission)
        operation["description"] += f"\n\nNeeds the permission `{policy.permission}`."
    elif policy.access is Access.SIGNED_IN:
        operation["description"] += "\n\nNeeds a person who signed in: API keys are refused."


def _is_reading(operation: dict[str, Any]) -> bool:
    """Tell whether answers are negotiated, tagged and cached."""
    return any(parameter["name"] == "fields" for parameter in operation["parameters"])


def _expected(operation: dict[str, Any], policy: Policy, also: tuple[int, ...]) -> list[int]:
    """Return the error statuses an operation can answer with."""
    named = any(parameter["in"] == "path" for parameter in operation["parameters"])
    statuses = [500]
    statuses += [] if operation["operationId"] in UNCOUNTED else [429]
    statuses += [] if policy.is_public else [401, 403, 503]
    statuses += [403] if policy.cookie else []
    statuses += [404, 406] if _is_reading(operation) else []
    statuses += [404, 409] if named else []
    statuses += [422] if operation["parameters"] else []
    statuses += [400, 408, 413, 415, 422, 503] if "requestBody" in operation else []
    statuses += also
    return sorted(set(statuses))


def _tidy(parameter: dict[str, Any], examples: dict[str, object]) -> dict[str, Any]:
    """Return a parameter without what says nothing: absence is ``required: false``, not null.

    What must be given has an ``example``, which Swagger UI fills in; what may be given only shows one.
    """
    schema = {name: value for name, value in parameter["schema"].items() if name != "description"}
    kinds = [kind for kind in schema.pop("oneOf", ()) if kind != {"type": "null"}]
    kinds += schema.pop("allOf", ())
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
    if reference.rpartition("/")[2] in TABLES:
        content[CSV] = {"schema": {"type": "string"}}


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
