"""The format of server-sent events (WHATWG HTML, section 9.2)."""

from typing import Final

MEDIA: Final = "text/event-stream"
RETRY: Final = b"retry: 2000\n"
"""How long a browser waits, in milliseconds, before it connects again."""


def frame(event: str, data: bytes) -> bytes:
    """Return an event without an id; ``data`` is JSON of one line."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)


def with_id(mark: str, framed: bytes) -> bytes:
    """Put an id before an event."""
    return b"id: %s\n%s" % (mark.encode(), framed)


def ping(mark: str) -> bytes:
    """Return what keeps a quiet connection open and moves the id to resume from; no event for a page."""
    return with_id(mark, b": ping\n\n")


def opening(mark: str) -> bytes:
    """Return what a stream begins with: how soon to reconnect, and the id to resume from."""
    return RETRY + with_id(mark, b"\n")
