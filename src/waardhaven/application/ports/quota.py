"""How many requests a caller may make, decided without waiting for anything."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The state of a caller's quota after a request. ``reset_seconds``: until the window is new."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: float


class Quotas(Protocol):
    """Requests of a key in a minute, for all processes together.

    Tokens are leased to each process and taken from the lease without I/O; leases are settled with the
    shared counter off the hot path. While that is out of reach each process counts by itself, so that
    the limit holds for each of them. It never raises.
    """

    @abstractmethod
    async def take(self, key: str, *, limit: int) -> Allowance:
        """Take one of ``limit`` requests a minute; one key is always used with the same limit.

        Waits (briefly, bounded) only when this process has no lease for the key.
        """
