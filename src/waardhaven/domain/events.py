"""What happened, as typed facts: written in the transaction of what they tell."""

from dataclasses import dataclass, fields
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact. ``kind`` is its name outside; consumers must tolerate seeing a fact twice."""

    kind: ClassVar[str]

    def payload(self) -> dict[str, object]:
        """Return the fields as JSON knows them."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesCommitted(Event):
    """Bars of daily prices were inserted or changed, in ``series`` series."""

    kind: ClassVar[str] = "market.prices_committed"
    vintage: int
    inserted: int
    changed: int
    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsCommitted(Event):
    """Small facts of one kind (``what``: assets, sessions, fx …) were inserted or superseded."""

    kind: ClassVar[str] = "market.facts_committed"
    what: str
    vintage: int
    inserted: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDefined(Event):
    """An index has its first definition."""

    kind: ClassVar[str] = "index.defined"
    index: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyChanged(Event):
    """An index has another definition; it holds from the next build on."""

    kind: ClassVar[str] = "strategy.changed"
    index: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexAccessChanged(Event):
    """Who may see or change an index is another."""

    kind: ClassVar[str] = "index.access_changed"
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexArchived(Event):
    """An index is out of sight; what was published of it is kept."""

    kind: ClassVar[str] = "index.archived"
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRestored(Event):
    """An archived index is there again."""

    kind: ClassVar[str] = "index.restored"
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewForced(Event):
    """Somebody asked for a review of an index; it holds from the next build on."""

    kind: ClassVar[str] = "index.review_forced"
    index: int
    after_day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFinished(Event):
    """A build of an index is stored; nothing is published by that."""

    kind: ClassVar[str] = "index.build_finished"
    index: int
    build: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPublished(Event):
    """Days of a build became official history."""

    kind: ClassVar[str] = "index.published"
    index: int
    publication: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantTried(Event):
    """Somebody saw what other rules of an index lead to; its deflated Sharpe ratio is another."""

    kind: ClassVar[str] = "index.variant_tried"
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMeasured(Event):
    """The risk metrics of a publication are stored."""

    kind: ClassVar[str] = "index.risk_measured"
    index: int
    publication: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(Event):
    """An account has another role or state, or other data."""

    kind: ClassVar[str] = "user.changed"
    user: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChanged(Event):
    """A job is in another state, or waits for another attempt. ``owner`` None: the system's."""

    kind: ClassVar[str] = "job.changed"
    job: UUID
    type: str
    state: str
    attempt: int
    owner: UUID | None
    parent: UUID | None
    code: str | None


def distinct(*events: type[Event]) -> tuple[type[Event], ...]:
    """Return the events; raise ValueError if two have the same kind."""
    if len({one.kind for one in events}) != len(events):
        raise ValueError("Two events have the same kind.")
    return events


EVENTS: tuple[type[Event], ...] = distinct(
    PricesCommitted,
    FactsCommitted,
    IndexDefined,
    StrategyChanged,
    IndexAccessChanged,
    IndexArchived,
    IndexRestored,
    ReviewForced,
    BuildFinished,
    IndexPublished,
    VariantTried,
    RiskMeasured,
    UserChanged,
    JobChanged,
)
