"""What may be asked of a provider now: credits and a circuit breaker, shared by all processes."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from waardhaven.domain.errors import Unavailable


class GateUnavailable(Unavailable):
    """The shared budget can not be read, so nothing is spent."""


class Period(StrEnum):
    """What a budget of credits is counted over: wall-clock minutes and days in UTC."""

    MINUTE = "minute"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """Credits of a provider; None: not counted over that period."""

    per_minute: int | None
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What was set aside. ``credits`` 0: nothing now; ``retry_seconds``: until ``period`` is new.

    ``probe``: the breaker is half open and this caller is the one that tries.
    """

    credits: int
    retry_seconds: float = 0.0
    period: Period | None = None
    breaker_open: bool = False
    probe: bool = False


class Breaker(StrEnum):
    """``closed``: requests pass. ``open``: none does. ``half_open``: one does, to see."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """Credits spent or set aside in the present minute and day, and the breaker."""

    minute_used: int
    day_used: int
    breaker: Breaker
    failures: int
    open_until: datetime | None = None
    last_error: str | None = None


class ProviderGate(Protocol):
    """Counts credits of a provider and remembers its failures, atomically, for all processes.

    Nothing is ever granted beyond the allotment, whatever else asks at the same time. Every method raises
    GateUnavailable when the count is out of reach: then nothing may be asked of the provider.
    """

    @abstractmethod
    async def take(self, provider: str, *, wanted: int, least: int, allotment: Allotment) -> Grant:
        """Set aside up to ``wanted`` credits, none when fewer than ``least`` are left.

        While the breaker is open nothing is granted and ``retry_seconds`` tells until when.
        """

    @abstractmethod
    async def observe(self, provider: str, *, used: int | None, left: int | None, limit: int | None) -> None:
        """Correct the present minute by what the provider says was used; it only ever counts up.

        ``left`` counts when ``limit`` is known and ``used`` is not.
        """

    @abstractmethod
    async def exhausted(self, provider: str, period: Period) -> None:
        """Note that the provider says a period's credits are spent: nothing more is granted in it."""

    @abstractmethod
    async def failed(self, provider: str, error: str) -> None:
        """Count a failure; the fifth in a row opens the breaker for a minute, after that every one does."""

    @abstractmethod
    async def succeeded(self, provider: str) -> None:
        """Forget failures and close the breaker."""

    @abstractmethod
    async def state(self, provider: str) -> GateState:
        """Return the counts as they are."""
