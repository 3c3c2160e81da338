"""Sources one after the other: what the first can not give, the next is asked for."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from waardhaven.application.ports.market_data import (
    LATER,
    ActionsOf,
    BarColumns,
    Capability,
    MarketData,
    NotDelivered,
    Quote,
    Reason,
    SharesOutstanding,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing

T = TypeVar("T", BarColumns, ActionsOf, SharesOutstanding)
log = structlog.get_logger(__name__)
SILENCE = "The source did not answer."


@dataclass(slots=True)
class _Remaining:
    """Instruments nobody has answered yet, and what was said of them."""

    wanted: dict[Listing, Wanted]
    said: dict[Listing, list[NotDelivered]] = field(default_factory=dict)

    def answered(self, listing: Listing) -> None:
        self.wanted.pop(listing, None)

    def refused(self, answer: NotDelivered) -> None:
        self.said.setdefault(answer.listing, []).append(answer)

    def unanswered(self, source: str, detail: str) -> None:
        """Note of whatever a source said nothing about that it may have something another time."""
        for listing in self.wanted:
            if not any(one.source == source for one in self.said.get(listing, ())):
                self.refused(
                    NotDelivered(listing=listing, source=source, reason=Reason.UNAVAILABLE, detail=detail)
                )

    def verdicts(self, capability: Capability) -> Iterable[NotDelivered]:
        """Yield one answer for each instrument left: the first that may change, else the first."""
        for listing in self.wanted:
            said = self.said.get(listing) or [_not_offered(listing, capability)]
            first = next((one for one in said if one.reason in LATER), said[0])
            detail = (
                "; ".join(f"{one.source}: {one.detail}" for one in said) if len(said) > 1 else first.detail
            )
            yield NotDelivered(listing=listing, source=first.source, reason=first.reason, detail=detail)


class ChainedMarketData(MarketData):
    """Asks its sources in order, for each capability and each instrument by itself.

    Its name tells which sources, so that what one set of them said is not taken for the word of another.
    """

    def __init__(self, sources: Sequence[MarketData]) -> None:
        """Ask ``sources``, the preferred first."""
        self._sources = tuple(sources)
        self.name = "+".join(one.name for one in sources)
        self.capabilities = frozenset().union(*(one.capabilities for one in sources))

    def bars(self, wanted: Sequence[Wanted]) -> AsyncIterator[BarColumns | NotDelivered]:
        """See MarketData. Every part bears the source that delivered it."""
        return self._asked(Capability.BARS, lambda source, some: source.bars(some), wanted)

    def actions(self, wanted: Sequence[Wanted]) -> AsyncIterator[ActionsOf | NotDelivered]:
        """See MarketData."""
        return self._asked(Capability.ACTIONS, lambda source, some: source.actions(some), wanted)

    def shares(self, listings: Sequence[Listing]) -> AsyncIterator[SharesOutstanding | NotDelivered]:
        """See MarketData."""
        return self._asked(
            Capability.SHARES,
            lambda source, some: source.shares([one.listing for one in some]),
            [Wanted(listing=one) for one in listings],
        )

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        """See MarketData."""
        left = _Remaining({one: Wanted(listing=one) for one in listings})
        found: dict[Listing, Quote | NotDelivered] = {}
        for source in self._able(Capability.QUOTES):
            if left.wanted:
                await _quoted(source, left, found)
        found |= {one.listing: one for one in left.verdicts(Capability.QUOTES)}
        return [found[one] for one in listings]

    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        """See MarketData. The first source that finds anything answers."""
        failure = None
        for source in self._able(Capability.SEARCH):
            try:
                found = await source.search(text, limit=limit)
            except SourceUnavailable as error:
                failure = error
                continue
            if found:
                return found
        if failure is not None:
            raise failure
        return ()

    def _able(self, capability: Capability) -> list[MarketData]:
        return [one for one in self._sources if capability in one.capabilities]

    async def _asked(
        self,
        capability: Capability,
        ask: Callable[[MarketData, Sequence[Wanted]], AsyncIterator[T | NotDelivered]],
        wanted: Sequence[Wanted],
    ) -> AsyncIterator[T | NotDelivered]:
        left = _Remaining({one.listing: one for one in wanted})
        for source in self._able(capability):
            if not left.wanted:
                break
            delivered, silence = set[Listing](), SILENCE
            stream = ask(source, [one.of(source.name) for one in left.wanted.values()])
            try:
                async for answer in stream:
                    if isinstance(answer, NotDelivered):
                        left.refused(answer)
                    else:
                        delivered.add(answer.listing)
                        yield answer
            except SourceUnavailable as error:
                silence = _unreachable(source, error)
            finally:
                await _closed(stream)
            for listing in delivered:
                left.answered(listing)
            left.unanswered(source.name, silence)
        for verdict in left.verdicts(capability):
            yield verdict


async def _quoted(source: MarketData, left: _Remaining, found: dict[Listing, Quote | NotDelivered]) -> None:
    answers, silence = list[Quote | NotDelivered](), SILENCE
    try:
        answers += await source.quotes(list(left.wanted))
    except SourceUnavailable as error:
        silence = _unreachable(source, error)
    for answer in answers:
        if isinstance(answer, NotDelivered):
            left.refused(answer)
        else:
            found[answer.listing] = answer
            left.answered(answer.listing)
    left.unanswered(source.name, silence)


def _unreachable(source: MarketData, error: SourceUnavailable) -> str:
    log.warning("source_unavailable", source=source.name, detail=error.message)
    return error.message


async def _closed(stream: AsyncIterator[object]) -> None:
    """Let a source that nobody listens to any more end what it has under way."""
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()


def _not_offered(listing: Listing, capability: Capability) -> NotDelivered:
    return NotDelivered(
        listing=listing,
        source="chain",
        reason=Reason.NOT_OFFERED,
        detail=f"No source that is set up offers {capability}.",
    )
