"""How commands reach the container, and what their endings mean."""

import sys
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from dishka import AsyncContainer
from rich.console import Console

from waardhaven.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    WaardhavenError,
)

T = TypeVar("T")
EXIT_CODES: dict[type[WaardhavenError], int] = {
    Invalid: 2,
    NotFound: 3,
    Conflict: 4,
    Forbidden: 5,
    Unauthenticated: 5,
    Unavailable: 6,
    TooManyRequests: 6,
}


class Runner(Protocol):
    """Runs one coroutine over a request scope of the container."""

    console: Console

    def run(self, work: Callable[[AsyncContainer], Awaitable[T]]) -> T:
        """Return what ``work`` returns."""


def exit_code(error: WaardhavenError) -> int:
    """Return the exit code of an error's family."""
    return next((code for family, code in EXIT_CODES.items() if isinstance(error, family)), 1)


def complain(message: str, code: int) -> int:
    """Say one line on standard error and return the exit code."""
    Console(file=sys.stderr, soft_wrap=True).print(f"waardhaven: {message}", markup=False, highlight=False)
    return code
