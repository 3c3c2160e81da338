"""A question as it was sent, answered as it goes out: reading and writing are part of the computation."""

from collections.abc import Callable
from typing import TypeVar

from waardhaven.application.answers import Sent

Q = TypeVar("Q")
V = TypeVar("V")


def answered(
    content: Sent, read: Callable[[Sent], Q], measure: Callable[[Q], V], write: Callable[[V], bytes]
) -> bytes:
    """Return ``write(measure(read(content)))``: large questions are read and written beside the event loop.

    Every function must be importable, as the computation may run in another process.
    """
    return write(measure(read(content)))
