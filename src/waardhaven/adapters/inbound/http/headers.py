"""Request headers by name, collected once at the edge."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

COMBINED = {b"accept": b", ", b"accept-encoding": b", ", b"if-none-match": b", ", b"cookie": b"; "}
"""Headers that are lists, and what stands between their items."""
SCOPE_KEY = "request_headers"

Headers = dict[bytes, bytes]


def collected(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers by name; where a list is meant, repeated ones are joined, else the first counts."""
    pairs = list(pairs)
    headers = dict(pairs)
    if len(headers) < len(pairs):
        headers = {}
        for name, value in pairs:
            if name in headers and name in COMBINED:
                headers[name] += COMBINED[name] + value
            else:
                headers.setdefault(name, value)
    return headers


def of(scope: Mapping[str, Any]) -> Headers:
    """Return the headers the edge collected for a request."""
    return cast("Headers", scope[SCOPE_KEY])


def text(headers: Headers, name: bytes) -> str | None:
    """Return a header as text, None when it was not sent."""
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
