"""Content negotiation (RFC 9110): which media type, which encoding, whether the client has it already."""

from dataclasses import dataclass
from functools import lru_cache

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
CSV = "text/csv"
IDENTITY = "identity"
ENCODINGS = ("br", "gzip")
"""Encodings on offer, best first."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding chosen; ``forced`` when the client refuses plain bytes, however small."""

    name: str
    forced: bool = False


@lru_cache(maxsize=512)
def media_type(accept: str, offered: tuple[str, ...]) -> str | None:
    """Return the offered type the ``Accept`` header likes best (first on a tie), None when none will do."""
    ranges = _qualities(accept)
    if not ranges:
        return offered[0]
    scored = [(_media_quality(offer, ranges), -position) for position, offer in enumerate(offered)]
    best, position = max(scored)
    return offered[-position] if best > 0 else None


@lru_cache(maxsize=512)
def encoding(accept_encoding: str | None) -> Encoding | None:
    """Return the best encoding an ``Accept-Encoding`` header allows, None when it allows none."""
    if accept_encoding is None:
        return Encoding(IDENTITY)
    asked = dict(_qualities(accept_encoding))
    rest = asked.get("*", 0.0)
    plain = asked.get(IDENTITY, rest if "*" in asked else 1.0)
    offers = [(asked.get(name, rest), -rank, name) for rank, name in enumerate(ENCODINGS)]
    quality, _, name = max(offers)
    prefers_plain = IDENTITY in asked and plain > quality
    if quality > 0 and not prefers_plain:
        return Encoding(name, forced=plain <= 0)
    return Encoding(IDENTITY) if plain > 0 else None


def is_current(if_none_match: str, etag: str) -> bool:
    """Tell whether an ``If-None-Match`` header names ``etag`` (weak comparison) or anything (``*``)."""
    if if_none_match.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in if_none_match.split(","))


def _qualities(header: str) -> list[tuple[str, float]]:
    """Return the tokens of a header with their q values, lower-cased; other parameters are dropped."""
    parsed = []
    for part in header.split(","):
        token, *params = (piece.strip().lower() for piece in part.split(";"))
        if token:
            parsed.append((token, _quality(params)))
    return parsed


def _quality(params: list[str]) -> float:
    value = next((param[2:].strip() for param in params if param.startswith("q=")), "1")
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return min(max(quality, 0.0), 1.0) if quality == quality else 0.0  # noqa: PLR0124 - NaN differs from itself


def _media_quality(offer: str, ranges: list[tuple[str, float]]) -> float:
    """Return the q value of the most specific range that covers the offer."""
    wildcard = offer.partition("/")[0] + "/*"
    for covering in (offer, wildcard, "*/*"):
        found = [quality for name, quality in ranges if name == covering]
        if found:
            return max(found)
    return 0.0
