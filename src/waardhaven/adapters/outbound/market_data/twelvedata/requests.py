"""Asking Twelve Data about many symbols: a queue, cut into requests as large as credits allow.

A symbol that fails takes no other with it: an error of a whole request is asked again symbol by symbol, a
request that is refused for want of credits is asked again smaller.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

from waardhaven.adapters.outbound.http_session.session import Answer, HttpSession
from waardhaven.adapters.outbound.market_data.keyed import Call, Patience, Question, Refused
from waardhaven.adapters.outbound.market_data.twelvedata.account import Account
from waardhaven.adapters.outbound.market_data.twelvedata.answers import (
    Meaning,
    Problem,
    by_symbol,
    typed,
    whole,
)
from waardhaven.adapters.outbound.market_data.twelvedata.queue import BatchSize, Item, Params, Queue
from waardhaven.application.ports.market_data import Reason
from waardhaven.application.ports.provider_gate import Period, ProviderGate

T = TypeVar("T")
U = TypeVar("U")
TRIES: Final = 3
"""How often a symbol is asked for that fails alone while others in its request do not."""
LARGEST_PLAIN: Final = 1024 * 1024
FOR_ALL: Final = frozenset({Reason.BAD_KEY, Reason.NO_CREDITS})
_PERIODS: Final = {Meaning.MINUTE: Period.MINUTE, Meaning.DAY: Period.DAY}
_REASONS: Final[Mapping[Meaning, Reason]] = {
    Meaning.UNKNOWN: Reason.UNKNOWN_SYMBOL,
    Meaning.PLAN: Reason.NOT_IN_PLAN,
    Meaning.BAD_KEY: Reason.BAD_KEY,
    Meaning.SERVER: Reason.UNAVAILABLE,
    Meaning.LEFT_OUT: Reason.UNAVAILABLE,
    Meaning.WRONG: Reason.WRONG_INSTRUMENT,
}
_LEFT_OUT: Final = "The answer leaves this symbol out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[T]):
    """One path: the member its answers have, their type, and credits a symbol.

    ``several``: takes more than one symbol. ``largest``: bytes of an answer, for each symbol.
    """

    path: str
    payload: str
    kind: type[T]
    cost: int = 1
    several: bool = True
    largest: int = 256 * 1024


class SymbolRequests:
    """Asks about symbols through one account; the size of requests is learnt for all of them."""

    def __init__(self, account: Account, http: HttpSession, gate: ProviderGate) -> None:
        """Ask nothing yet."""
        self.keyed = account.requests(http, gate)
        self._account = account
        self._size = BatchSize(account.plan.batch)

    async def answers(
        self, endpoint: Endpoint[T], queue: Queue, make: Callable[[Item, T], U | Problem], patience: Patience
    ) -> AsyncIterator[tuple[Item, U | Refused | None]]:
        """Yield what came of each item of the queue, which may grow meanwhile; None: there are no data.

        ``make`` turns what came into what is wanted; it runs in a thread.
        """
        while len(queue):
            chunk: list[Item] = []
            try:
                found = await self.keyed.ask(self._question(endpoint, queue, chunk, make), patience)
            except Refused as refused:
                for item in (chunk or queue.take(1)) + (queue.rest() if refused.reason in FOR_ALL else []):
                    yield item, refused
                continue
            self._size.answered()
            for item, outcome in await self._settled(queue, chunk, found):
                yield item, outcome

    async def single(
        self, endpoint: Endpoint[T], item: Item, make: Callable[[Item, T], U | Problem], patience: Patience
    ) -> U | None:
        """Return what came of one item, None when there are no data; raise Refused."""
        queue = Queue()
        queue.add(item)
        answer: U | None = None
        async for _, outcome in self.answers(endpoint, queue, make, patience):
            if isinstance(outcome, Refused):
                raise outcome
            answer = outcome
        return answer

    async def plain(
        self, path: str, params: Params, payload: str, kind: type[T], patience: Patience
    ) -> T | Problem:
        """Return the answer to a request that names no symbol or one, for one credit; raise Refused."""
        question = Question(
            wanted=lambda: 1,
            least=1,
            put=lambda _: self._call(path, params, 1024 * 1024),
            read=lambda answer: whole(answer, payload, kind),
        )
        return await self.keyed.ask(question, patience)

    def _question(
        self, endpoint: Endpoint[T], queue: Queue, chunk: list[Item], make: Callable[[Item, T], U | Problem]
    ) -> Question[list[U | Problem]]:
        """Return the next question; ``chunk`` holds what it is about, after each try anew."""

        def wanted() -> int:
            queue.put_back(chunk)
            chunk.clear()
            return endpoint.cost * (min(self._size.now, len(queue)) if endpoint.several else 1)

        def put(granted: int) -> Call:
            chunk[:] = queue.take(granted // endpoint.cost if endpoint.several else 1)
            symbols = ",".join(item.symbol for item in chunk)
            params = (("symbol", symbols), *chunk[0].params)
            return self._call(endpoint.path, params, endpoint.largest * (len(chunk) + 1))

        def read(answer: Answer) -> list[U | Problem]:
            return _read(endpoint, answer, chunk, make)

        def spent() -> None:
            self._size.shrink(len(chunk))

        return Question(wanted=wanted, least=endpoint.cost, put=put, read=read, spent=spent)

    def _call(self, path: str, params: Params, largest: int) -> Call:
        url = f"{self._account.base_url}{path}?{urlencode(params, safe=',/:')}"
        return Call(url=url, largest=largest, timeout_seconds=self._account.timeout_seconds)

    async def _settled(
        self, queue: Queue, chunk: list[Item], found: list[U | Problem]
    ) -> list[tuple[Item, U | Refused | None]]:
        """Return what is decided; the rest goes back into the queue."""
        first = found[0]
        if len(chunk) > 1 and isinstance(first, Problem) and all(one is first for one in found):
            self._divide(queue, chunk, first)
            return []
        settled: list[tuple[Item, U | Refused | None]] = []
        for item, one in zip(chunk, found, strict=True):
            if not isinstance(one, Problem):
                settled.append((item, one))
            elif await self._is_for_again(item, one):
                queue.add(item)
            else:
                settled.append((item, self._refusal(one)))
        return settled

    def _divide(self, queue: Queue, chunk: list[Item], problem: Problem) -> None:
        """Ask again in smaller parts what was refused as a whole."""
        if problem.meaning is Meaning.TOO_MANY:
            self._size.shrink(len(chunk))
        for item in chunk:
            item.alone = problem.meaning is not Meaning.TOO_MANY
            queue.add(item)

    async def _is_for_again(self, item: Item, problem: Problem) -> bool:
        """Tell whether to ask again for one symbol of an answer, and note that it is."""
        if problem.meaning in _PERIODS:
            await self.keyed.exhausted(_PERIODS[problem.meaning])
            return True
        if problem.meaning in (Meaning.SERVER, Meaning.LEFT_OUT):
            item.tries += 1
            return item.tries < TRIES
        if problem.meaning is Meaning.DOUBTFUL and not item.doubted:
            item.doubted = item.alone = True
            return True
        return False

    def _refusal(self, problem: Problem) -> Refused | None:
        if problem.meaning in (Meaning.NO_DATA, Meaning.DOUBTFUL):
            return None
        return Refused(_REASONS.get(problem.meaning, Reason.BAD_DATA), self.keyed.clean(problem.text))


def _read(
    endpoint: Endpoint[T], answer: Answer, chunk: list[Item], make: Callable[[Item, T], U | Problem]
) -> list[U | Problem]:
    """Return what an answer holds of each item, read one after the other. Runs in a thread."""
    if not endpoint.several:
        found = whole(answer, endpoint.payload, endpoint.kind)
        return [found if isinstance(found, Problem) else make(chunk[0], found)]
    parts = by_symbol(answer, [item.symbol for item in chunk], endpoint.payload)
    left_out = Problem(Meaning.LEFT_OUT, _LEFT_OUT)
    made: list[U | Problem] = []
    for item in chunk:
        one = typed(parts.get(item.symbol.lower(), left_out), endpoint.kind)
        made.append(one if isinstance(one, Problem) else make(item, one))
    return made
