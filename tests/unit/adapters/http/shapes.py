"""Whether a value has the shape a schema of the API document says."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

REFERENCE = "#/components/schemas/"
FORMATS = {"date": date.fromisoformat, "date-time": datetime.fromisoformat, "uuid": UUID}
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
KEYWORDS = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "default",
    "description",
    "enum",
    "examples",
    "format",
    "items",
    "maxLength",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
}


def deviations(
    document: dict[str, Any], schema: dict[str, Any], value: Any, where: str = "$"
) -> Iterator[str]:
    """Yield every way in which the value is not what the schema says, nothing undocumented allowed."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        yield from deviations(document, document["components"]["schemas"][name], value, where)
        return
    assert schema.keys() <= KEYWORDS, f"{where}: this check does not know {schema.keys() - KEYWORDS}"
    for options in (schema.get("oneOf"), schema.get("anyOf")):
        if options and all([*deviations(document, option, value, where)] for option in options):
            yield f"{where}: {value!r} is none of {options}"
    if "type" in schema:
        yield from _of_type(document, schema, value, where)


def _of_type(document: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    kind = schema["type"]
    if not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{where}: {value!r} is no {kind}"
    elif kind == "string":
        if value not in schema.get("enum", (value,)):
            yield f"{where}: {value!r} is none of {schema['enum']}"
        yield from _of_string(schema, value, where)
    elif kind == "array":
        for number, item in enumerate(value):
            yield from deviations(document, schema["items"], item, f"{where}[{number}]")
    elif kind == "object" and "properties" in schema:
        yield from _of_object(document, schema, value, where)


def _of_string(schema: dict[str, Any], value: str, where: str) -> Iterator[str]:
    if "format" in schema:
        try:
            FORMATS[schema["format"]](value)
        except ValueError:
            yield f"{where}: {value!r} is no {schema['format']}"
    if not re.search(schema.get("pattern", ""), value):
        yield f"{where}: {value!r} does not match {schema['pattern']}"


def _of_object(
    document: dict[str, Any], schema: dict[str, Any], value: dict[str, Any], where: str
) -> Iterator[str]:
    known = schema["properties"]
    yield from (f"{where}: {name} is missing" for name in {*schema.get("required", ())} - value.keys())
    yield from (f"{where}: {name} is not documented" for name in value.keys() - known.keys())
    for name in value.keys() & known.keys():
        yield from deviations(document, known[name], value[name], f"{where}.{name}")


def body_schema(document: dict[str, Any], path: str, method: str, status: int, media: str) -> dict[str, Any]:
    """Return the schema of a documented answer."""
    response = document["paths"][path][method]["responses"][str(status)]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    found: dict[str, Any] = response["content"][media]["schema"]
    return found
