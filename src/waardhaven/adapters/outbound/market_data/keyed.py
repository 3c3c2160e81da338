"""Asking a provider that wants a key and counts requests: what every such source does alike.

Credits are set aside at the gate before anything is sent, once for every try. What may pass (5xx, timeouts,
broken connections, garbled bodies) is tried again with growing pauses; a spent minute is waited for. The key
is known to one function alone and stands in no text that leaves this file.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import stamina
import structlog

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import Answer, HttpSession, RequestFailed
from waardhaven.application.ports.market_data import Reason
from waardhaven.application.ports.provider_gate import Allotment, GateUnavailable, Period, ProviderGate

log = structlog.get_logger(__name__)

T = TypeVar("T")
Authenticate = Callable[[str, str], tuple[str, Mapping[str, str]]]
"""From the key and an address to the address and the headers that carry the key."""
PATIENCE_SECONDS: Final = 90.0
LARGEST_DETAIL: Final = 200
MOST_REFUSALS: Final = 60
"""Refusals for want of credits of one request, after which the plan is not what it was said to be."""
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class Again(Exception):
    """Nothing came of it this time; another try may bring it. The text holds no secret."""


class Spent(Exception):
    """The provider says that the credits of a period are used up."""

    def __init__(self, period: Period) -> None:
        super().__init__(f"The credits of this {period} are spent.")
        self.period = period


class Refused(Exception):
    """The provider will not give it, or not now; ``reason`` says which, the text is for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: an address without the key, and the bounds of its answer."""

    url: str
    largest: int
    timeout_seconds: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[T]):
    """What is asked. Every try is put anew, since the credits granted for it may be others.

    ``wanted``: credits that would be best. ``least``: without which nothing can be asked. ``put`` makes the
    request for the credits granted. ``read`` is called in a thread and raises Again, Spent or Refused.
    ``spent`` is told that a try was refused for want of credits.
    """

    wanted: Callable[[], int]
    least: int
    put: Callable[[int], Call]
    read: Callable[[Answer], T]
    spent: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Patience:
    """The seconds that may still be spent waiting for one answer to a caller."""

    left: float

    def spend(self, seconds: float, reason: Reason, why: str) -> None:
        """Take ``seconds`` off; raise Refused when there are not so many left."""
        if seconds > self.left:
            raise Refused(reason, why)
        self.left -= seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often one request is tried, and the pauses between, in seconds."""

    attempts: int = 6
    first: float = 0.5
    longest: float = 8.0
    jitter: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequests:
    """Asks one provider with one key.

    ``used_header`` and ``left_header`` name the headers (lower case) in which the provider tells the credits
    of the present minute. ``pause`` waits for credits.
    """

    provider: str
    key: str = field(repr=False)
    authenticate: Authenticate = field(repr=False)
    http: HttpSession
    gate: ProviderGate
    allotment: Allotment
    used_header: str = ""
    left_header: str = ""
    reach: Reach = Reach.PUBLIC
    backoff: Backoff = field(default_factory=Backoff)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    def __post_init__(self) -> None:
        """Raise ValueError for a key that can not be sent; the text does not repeat it."""
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"The key of {self.provider} is empty or has characters that no key has.")

    async def ask(self, question: Question[T], patience: Patience) -> T:
        """Return what ``question.read`` makes of the answer.

        Raises Refused: what ``read`` refuses, NO_CREDITS and UNAVAILABLE beyond the patience or the tries.
        """
        backoff = self.backoff
        tries = stamina.retry_context(
            on=Again,
            attempts=backoff.attempts,
            timeout=None,
            wait_initial=backoff.first,
            wait_max=backoff.longest,
            wait_jitter=backoff.jitter,
        )
        try:
            async for attempt in tries:
                with attempt:
                    return await self._try(question, patience, attempt.next_wait)
        except Again as error:
            raise Refused(Reason.UNAVAILABLE, str(error)) from None
        except GateUnavailable as error:
            raise Refused(Reason.UNAVAILABLE, error.message) from None
        raise AssertionError

    async def exhausted(self, period: Period) -> None:
        """Note that the provider says a period's credits are spent."""
        await self._tell(self.gate.exhausted(self.provider, period))

    def clean(self, text: str) -> str:
        """Return a text of the provider fit for people and logs: one line, bounded, without the key."""
        line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
        return line.replace(self.key, "***")[:LARGEST_DETAIL]

    async def _try(self, question: Question[T], patience: Patience, next_wait: float) -> T:
        """Ask once for what is granted; a try for which the credits did not suffice does not count."""
        for _ in range(MOST_REFUSALS):
            granted = await self._granted(question, patience)
            began = time.monotonic()
            try:
                return await self._exchange(question.put(granted), question.read)
            except Spent as spent:
                await self.exhausted(spent.period)
                question.spent()
            except Again as error:
                patience.spend(time.monotonic() - began + next_wait, Reason.UNAVAILABLE, str(error))
                raise
        raise Refused(Reason.NO_CREDITS, f"{self.provider} does not accept the credits of its plan.")

    async def _granted(self, question: Question[T], patience: Patience) -> int:
        """Return the credits set aside, at least ``question.least``, waiting for them if need be."""
        per_minute = self.allotment.per_minute
        if per_minute is not None and question.least > per_minute:
            needs = f"It costs {question.least} credits; the plan has {per_minute} a minute."
            raise Refused(Reason.NO_CREDITS, needs)
        while True:
            grant = await self.gate.take(
                self.provider, wanted=question.wanted(), least=question.least, allotment=self.allotment
            )
            if grant.credits:
                return grant.credits
            if grant.breaker_open:
                reason, why = Reason.UNAVAILABLE, f"{self.provider} failed several times in a row."
            else:
                reason, why = Reason.NO_CREDITS, f"The credits of this {grant.period} are spent."
            patience.spend(grant.retry_seconds, reason, why)
            await self.pause(grant.retry_seconds)

    async def _exchange(self, call: Call, read: Callable[[Answer], T]) -> T:
        """Send one request and tell the gate what came of it."""
        try:
            made = await asyncio.to_thread(read, await self._sent(call))
        except Again as error:
            failure = self.clean(str(error))
        except (Refused, Spent):
            await self._tell(self.gate.succeeded(self.provider))
            raise
        else:
            await self._tell(self.gate.succeeded(self.provider))
            return made
        await self._tell(self.gate.failed(self.provider, failure))
        raise Again(failure)

    async def _sent(self, call: Call) -> Answer:
        url, headers = self.authenticate(self.key, call.url)
        try:
            answer = await self.http.get(
                url,
                headers=headers,
                reach=self.reach,
                limit=call.largest,
                timeout_seconds=call.timeout_seconds,
            )
        except RequestFailed as error:
            raise Again(str(error)) from None
        await self._observe(answer)
        return answer

    async def _observe(self, answer: Answer) -> None:
        used, left = (_count(answer, name) for name in (self.used_header, self.left_header))
        log.debug("provider_answered", provider=self.provider, status=answer.status, used=used, left=left)
        if used is not None or left is not None:
            limit = self.allotment.per_minute
            await self._tell(self.gate.observe(self.provider, used=used, left=left, limit=limit))

    async def _tell(self, told: Awaitable[None]) -> None:
        """Tell the gate; what was already answered is not lost because the gate can not be told."""
        try:
            await told
        except GateUnavailable:
            log.warning("provider_gate_not_told", provider=self.provider)


def _count(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
