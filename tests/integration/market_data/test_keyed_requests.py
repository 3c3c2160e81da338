"""What all sources with a key share, with a key in the query: the worst place for it."""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
import stamina
from structlog.testing import capture_logs
from tests.fakes.provider_gate import FakeProviderGate
from tests.integration.market_data.hand import Hand
from tests.integration.market_data.twelvedata_tools import AT_ONCE
from tests.twelvedata_site import PASSING, LocalTwelveData, twelvedata_site

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import Answer, HttpSession
from waardhaven.adapters.outbound.market_data.keyed import (
    MOST_REFUSALS,
    Again,
    Backoff,
    Call,
    KeyedRequests,
    Patience,
    Question,
    Refused,
    Spent,
)
from waardhaven.application.ports.market_data import Reason
from waardhaven.application.ports.provider_gate import Allotment, Period

SECRET = "a-secret-key-0123456789"


def in_query(key: str, url: str) -> tuple[str, Mapping[str, str]]:
    return f"{url}&api_token={key}", {}


@pytest.fixture
async def site() -> AsyncIterator[LocalTwelveData]:
    async with twelvedata_site() as site:
        yield site


@pytest.fixture
async def http() -> AsyncIterator[HttpSession]:
    session = HttpSession(timeout_seconds=0.3)
    yield session
    await session.close()


def requests(http: HttpSession, **changes: Any) -> KeyedRequests:
    clock = Hand()
    given = {"gate": FakeProviderGate(clock), "allotment": Allotment(per_minute=10), "backoff": AT_ONCE}
    return KeyedRequests(
        provider="some",
        key=SECRET,
        authenticate=in_query,
        http=http,
        reach=Reach.LOOPBACK,
        pause=clock.pause,
        **(given | changes),
    )


def question(site: LocalTwelveData, read: Any = None, *, least: int = 1) -> Question[int]:
    def failed(answer: Answer) -> int:
        raise Again(f"HTTP {answer.status}")

    return Question(
        wanted=lambda: least,
        least=least,
        put=lambda _: Call(url=f"{site.url}/eod?x=1", largest=10_000, timeout_seconds=0.3),
        read=read or failed,
    )


@pytest.mark.parametrize("fault", PASSING)
async def test_key_in_a_query_stands_in_no_log_and_no_error(
    site: LocalTwelveData, http: HttpSession, fault: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    site.key_in_query = SECRET
    site.faults.extend([fault] * 9)
    with capture_logs() as logs, pytest.raises(Refused) as caught:
        await requests(http).ask(question(site), Patience(0.5))
    assert any(SECRET in path for path in site.asked)
    assert caught.value.reason is Reason.UNAVAILABLE
    chain: list[BaseException] = [caught.value]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(following)
    texts = [text for one in chain for text in (str(one), repr(one), repr(vars(one)))]
    assert not [text for text in (*texts, repr(logs), caplog.text) if SECRET in text]


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """The seconds between tries, as they are chosen."""
    chosen: list[float] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: chosen.append(details.wait_for)])
    yield chosen
    stamina.instrumentation.set_on_retry_hooks(None)


async def test_tries_are_further_and_further_apart_up_to_a_bound(
    site: LocalTwelveData, http: HttpSession, waits: list[float]
):
    site.key_in_query = SECRET
    backoff = Backoff(attempts=6, first=0.01, longest=0.04, jitter=0.005)
    with pytest.raises(Refused):
        await requests(http, backoff=backoff).ask(question(site), Patience(9999))
    assert len(site.asked) == 6
    assert len(waits) == 5
    for wait, bound in zip(waits, [0.01, 0.02, 0.04, 0.04, 0.04], strict=True):
        assert bound - 1e-9 <= wait <= min(bound + 0.005, 0.04) + 1e-9
    assert len(set(waits[:2])) == 2


async def test_each_try_sets_credits_aside_before_it_asks(site: LocalTwelveData, http: HttpSession):
    site.key_in_query = SECRET
    made = requests(http)
    with pytest.raises(Refused):
        await made.ask(question(site, least=3), Patience(9999))
    taken = [credit for _, credit in made.gate.providers["some"].taken]  # type: ignore[attr-defined]
    assert taken == [3] * len(site.asked)


async def test_server_that_never_answers_uses_patience_up(site: LocalTwelveData, http: HttpSession):
    site.key_in_query = SECRET
    site.faults.extend(["hang"] * 9)
    with pytest.raises(Refused) as caught:
        await requests(http).ask(question(site), Patience(0.4))
    assert caught.value.reason is Reason.UNAVAILABLE
    assert len(site.asked) == 2


async def test_request_dearer_than_a_minute_is_refused_at_once(site: LocalTwelveData, http: HttpSession):
    with pytest.raises(Refused) as caught:
        await requests(http).ask(question(site, least=11), Patience(9999))
    assert caught.value.reason is Reason.NO_CREDITS
    assert site.asked == []


async def test_provider_that_never_accepts_its_credits_is_not_asked_for_ever(
    site: LocalTwelveData, http: HttpSession
):
    def refused(_: Answer) -> int:
        raise Spent(Period.MINUTE)

    site.key_in_query = SECRET
    with pytest.raises(Refused) as caught:
        await requests(http).ask(question(site, refused), Patience(1e9))
    assert caught.value.reason is Reason.NO_CREDITS
    assert len(site.asked) == MOST_REFUSALS


@pytest.mark.parametrize("header", ["", "x", "-1", "1.5", "9" * 12, "²"])
async def test_report_that_is_no_number_is_no_report(site: LocalTwelveData, http: HttpSession, header: str):
    site.key_in_query = SECRET
    made = requests(http, used_header="x-used")
    site.extra_headers = {"X-Used": header}
    assert await made.ask(question(site, lambda _: 7), Patience(1)) == 7
    assert (await made.gate.state("some")).minute_used == 1


async def test_report_of_the_provider_is_told_to_the_gate(site: LocalTwelveData, http: HttpSession):
    site.key_in_query = SECRET
    made = requests(http, left_header="x-left")
    site.extra_headers = {"X-Left": "3"}
    await made.ask(question(site, lambda _: 7), Patience(1))
    assert (await made.gate.state("some")).minute_used == 7
