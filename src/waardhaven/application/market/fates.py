"""What became of each symbol in a refresh."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from waardhaven.application.ports.market_data import NotDelivered
from waardhaven.application.ports.market_facts import Listing

Key = tuple[str, str]


class Fate(StrEnum):
    """``updated``: bars were written. ``unchanged``: all were there. ``fresh``: there was nothing to ask for.

    ``empty``: the source has no bars in the days asked for. ``failed``: it gave none, see the reason.
    ``deferred``: not reached in time; the next refresh goes on.
    """

    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FRESH = "fresh"
    EMPTY = "empty"
    FAILED = "failed"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolFate:
    """One symbol. ``through``: its newest bar of those delivered."""

    symbol: str
    mic: str
    fate: Fate
    source: str | None = None
    bars: int = 0
    through: date | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(slots=True)
class Fates:
    """Collects what happens, symbol by symbol."""

    known: dict[Key, SymbolFate] = field(default_factory=dict)

    def put(self, listing: Listing, fate: Fate, **more: object) -> None:
        """Note a symbol's fate; bars of several series of it add up, and written ones count most."""
        key = (listing.symbol, listing.mic)
        before = self.known.get(key)
        one = SymbolFate(symbol=listing.symbol, mic=listing.mic, fate=fate, **more)  # type: ignore[arg-type]
        if before is not None and before.bars:
            one = _joined(before, one)
        self.known[key] = one

    def refused(self, answer: NotDelivered) -> None:
        """Note that a source gave nothing, unless bars of the symbol came before."""
        key = (answer.listing.symbol, answer.listing.mic)
        if key not in self.known:
            self.put(
                answer.listing,
                Fate.FAILED,
                source=answer.source,
                reason=str(answer.reason),
                detail=answer.detail,
            )

    def of(self, listing: Listing) -> SymbolFate | None:
        """Return a symbol's fate so far."""
        return self.known.get((listing.symbol, listing.mic))

    def listed(self) -> tuple[SymbolFate, ...]:
        """Return all of them by symbol."""
        return tuple(self.known[key] for key in sorted(self.known))


def _joined(one: SymbolFate, other: SymbolFate) -> SymbolFate:
    fate = Fate.UPDATED if Fate.UPDATED in (one.fate, other.fate) else other.fate
    days = [day for day in (one.through, other.through) if day is not None]
    return SymbolFate(
        symbol=one.symbol,
        mic=one.mic,
        fate=fate,
        source=one.source,
        bars=one.bars + other.bars,
        through=max(days, default=None),
    )
