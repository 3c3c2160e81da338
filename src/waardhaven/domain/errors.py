"""One error base and seven families; a new error is one class.

Families decide the reaction at the edge: HTTP maps them to a status, the CLI to an exit code,
the worker to retry or fail.

    WaardhavenError
    ├── NotFound          404   the thing named does not exist (or is not yours to see)
    ├── Conflict          409   the request contradicts the present state
    ├── Invalid           422   the request breaks a rule; ``errors`` names fields and rules
    ├── Forbidden         403   known caller, missing permission
    ├── Unauthenticated   401   no valid proof of identity
    ├── TooManyRequests   429   too often in a short time; ``retry_after_seconds`` says when to come back
    └── Unavailable       503   a dependency is out of reach; trying again may help
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One broken rule: ``field`` is a dotted path such as ``schedule.lag``."""

    field: str
    rule: str


class WaardhavenError(Exception):
    """Base of every error a person can act on: a message, a machine code, and context."""

    def __init__(
        self,
        message: str,
        *,
        context: Mapping[str, object] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.context = dict(context or {})
        self.errors = tuple(errors)

    @property
    def code(self) -> str:
        """The class name in snake case, e.g. ``unknown_asset``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class NotFound(WaardhavenError):
    """The thing named does not exist for this caller."""


class Conflict(WaardhavenError):
    """The request contradicts the present state."""


class Invalid(WaardhavenError):
    """The request breaks a rule; every bad field is listed in ``errors``."""


class Forbidden(WaardhavenError):
    """The caller is known and lacks the permission."""


class Unauthenticated(WaardhavenError):
    """There is no valid proof of identity."""


class TooManyRequests(WaardhavenError):
    """Too often in a short time: the same request may succeed after ``retry_after_seconds``."""

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message, context={"retry_after_seconds": retry_after_seconds})
        self.retry_after_seconds = retry_after_seconds


class Unavailable(WaardhavenError):
    """A dependency is out of reach; trying again may help."""
