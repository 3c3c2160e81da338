"""The API document as a list of things to attack."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

NOBODY = str(UUID(int=0xDEAD))
HARMLESS: dict[str, object] = {
    "flag_id": 2**40,
    "slug": "autoindex",
    "symbol": "AAPL",
    "provider": "google",
    "start": "2022-01-03",
    "end": "2022-12-28",
    "as_of": "2030-01-01",
    "since": "2020-01-01",
    "until": "2030-01-01",
    "currency": "USD",
    "variant": "price",
    "limit": 50,
    "credential": "session",
    "role": "viewer",
    "scopes": ["indices:read"],
}


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    path: str
    method: str
    told: Mapping[str, Any]
    schemas: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def id(self) -> str:
        return str(self.told["operationId"])

    @property
    def is_open(self) -> bool:
        return not self.told["security"]

    def parameters(self, where: str) -> dict[str, Mapping[str, Any]]:
        return {one["name"]: one["schema"] for one in self.told["parameters"] if one["in"] == where}

    def body(self) -> dict[str, Any]:
        """Return the properties of the body."""
        content = self.told.get("requestBody", {}).get("content", {}).get("application/json", {})
        return dict(self._resolved(content.get("schema", {})).get("properties", {}))

    def required(self) -> list[str]:
        """Return the names a body must have."""
        content = self.told.get("requestBody", {}).get("content", {}).get("application/json", {})
        return list(self._resolved(content.get("schema", {})).get("required", ()))

    def is_text(self, schema: Mapping[str, Any]) -> bool:
        """Tell whether a string may stand here."""
        kinds = [self._resolved(one) for one in (schema, *schema.get("oneOf", ()), *schema.get("anyOf", ()))]
        return any(kind.get("type") == "string" for kind in kinds)

    def address(self, values: Mapping[str, object] | None = None) -> str:
        """Return the path filled in; what is not said is an id of nothing."""
        filled = self.path
        for name in self.parameters("path"):
            value = {**HARMLESS, **(values or {})}.get(name, NOBODY)
            filled = filled.replace(f"{{{name}}}", quote(str(value), safe=""))
        return filled

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        found = schema.get("$ref", "").rpartition("/")[2]
        resolved: Mapping[str, Any] = self.schemas.get(found, schema)
        return resolved


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Return every operation, except streams.

    Their answers have no end, which no client here waits for; test_live_streams.py and
    test_live_quotes.py ask them for everything that is asked of others.
    """
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        for method, told in item.items():
            if not is_stream(told):
                yield Operation(path, method, told, schemas)


def is_stream(told: Mapping[str, Any]) -> bool:
    """Tell whether the answer to an operation has no end."""
    return "text/event-stream" in told["responses"].get("200", {}).get("content", {})
