"""The risk metrics of what was published, as they were measured then."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.types import Floats, IndexId


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """A publication in force whose risk metrics are not stored."""

    publication: int
    index: IndexId
    slug: str
    from_day: date
    through_day: date
    effective_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSet:
    """The metrics of an index from its base to ``day``, measured as known when ``publication`` took effect.

    ``names``, ``units``, ``values`` (m,) and ``reasons`` belong together: a value is NaN where there is a
    reason. ``returns``: periods measured; ``common``: those on which the benchmark is known too, None without
    one. ``code``: version of the package that measured.
    """

    publication: int
    day: date
    base: date
    currency: str
    variant: str
    benchmark: str | None
    returns: int
    common: int | None
    coverage: float
    periods_per_year: float
    risk_free_rate: float
    confidence: float
    trials: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    values: Floats
    reasons: tuple[str | None, ...]
    notes: tuple[str, ...]
    code: str
    measured_at: datetime


class RiskStore(Protocol):
    """Sets of risk metrics, one for a publication and day; a stored one never changes."""

    @abstractmethod
    async def claim(self, *, limit: int) -> list[Unmeasured]:
        """Return publications in force that are to be measured, oldest first, at most ``limit``.

        Nobody else is given one of them for a minute, and twice as long after each time it was given, at
        most a day: one that can not be measured does not stand in the way of others.
        """

    @abstractmethod
    async def keep(self, one: Unmeasured, sets: Sequence[RiskSet], *, by: Principal) -> None:
        """Store the sets of a publication, none where there is nothing to measure, in one transaction.

        The publication is done then. A set that is there stays as it is.
        """

    @abstractmethod
    async def newest(
        self, index: IndexId, *, limit: int, before: tuple[date, int] | None = None
    ) -> list[RiskSet]:
        """Return sets by day and publication, newest first, those before (day, publication) when given."""
