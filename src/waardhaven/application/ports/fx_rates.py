"""A source of foreign-exchange rates."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from waardhaven.domain.types import Days, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedRates:
    """Dated rates of one quote currency: 1 ``base`` = ``rate`` units of ``quote``, increasing by day."""

    base: str
    quote: str
    source: str
    fixing: str
    day: Days
    rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRate:
    """1 ``base`` = ``rate`` units of ``quote`` at an instant."""

    base: str
    quote: str
    source: str
    rate: float
    at: datetime


class FxRates(Protocol):
    """Rates of one fixing: what a source publishes, neither filled nor crossed."""

    name: str
    fixing: str

    @abstractmethod
    async def rates(self, *, start: date | None = None, end: date | None = None) -> Sequence[QuotedRates]:
        """Return every currency's rates within the days; raise SourceUnavailable or CorruptSource."""

    @abstractmethod
    async def spot(self, base: str, quote: str) -> SpotRate | None:
        """Return the present rate, None from a source of dated rates alone; raise SourceUnavailable."""


@dataclass(frozen=True, slots=True)
class FxSources:
    """The sources of rates that are set up, each with a fixing of its own; may be none."""

    sources: tuple[FxRates, ...] = ()
