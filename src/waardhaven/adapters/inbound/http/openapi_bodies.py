"""Bodies that handlers take as they were sent: what the API document says of them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

REFERENCE = "#/components/schemas/"
FILES = ("text/csv", "application/vnd.apache.parquet", "application/octet-stream")
"""What an uploaded file may be, unless its handler says so itself."""
BINARY = {"schema": {"type": "string", "format": "binary"}}
Sent = bool | tuple[str, ...] | Mapping[str, type | None]
"""What is under UPLOAD: a file, of these types; or by type a record, None for bytes."""


def sent_body(sent: Sent) -> dict[str, Any]:
    """Return what the document says of a body."""
    content = {media: _schema(kind) for media, kind in _kinds(sent).items()}
    is_file = not any(_kinds(sent).values())
    return {"required": True, "content": content} | ({"description": "The file itself."} if is_file else {})


def body_schemas(bodies: Iterable[Sent]) -> dict[str, Any]:
    """Return the schemas of the records among bodies, by name."""
    kinds = [kind for sent in bodies for kind in _kinds(sent).values() if kind is not None]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REFERENCE + "{name}")
    return schemas


def _kinds(sent: Sent) -> Mapping[str, type | None]:
    if isinstance(sent, Mapping):
        return sent
    return dict.fromkeys(sent if isinstance(sent, tuple) else FILES)


def _schema(kind: type | None) -> dict[str, Any]:
    return BINARY if kind is None else {"schema": {"$ref": f"{REFERENCE}{kind.__name__}"}}
