"""How long an answer takes says as little as the answer: real hashes, real time, many tries in turns."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from statistics import quantiles
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.security.site import LOGIN, REGISTER, STRONG, V1, Site

from waardhaven.adapters.outbound.security.passwords import Argon2Parameters

TRIES = 25
ROUNDS = 5
"""A busy machine spoils a round; a difference that is really there shows in every one."""
CLOSE = 0.25
"""By how much of the smaller one two times may differ; a check that skips the hash differs by 90 %."""
Ask = Callable[[], Awaitable[httpx.Response]]
CHANGING = {"x-correlation-id", "date"}
FORGOT = f"{V1}/auth/forgot-password"


@pytest.fixture
async def real(begin: Callable[..., Any]) -> AsyncIterator[Site]:
    """The application with the password hashes and the quiet time of production, proof of addresses on."""
    async with begin({"email_verification": True}, hashes=Argon2Parameters(), quiet_seconds=0.25) as site:
        yield site


async def measured(kinds: Mapping[str, Ask], tries: int = TRIES) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the lower quartile of each kind, and its last answer.

    They are asked in turns, so that a busy moment of the machine meets every kind alike.
    """
    times: dict[str, list[float]] = {name: [] for name in kinds}
    answers: dict[str, Any] = {}
    for number in range(tries + 2):
        for name, ask in kinds.items():
            began = time.perf_counter()
            answer = await ask()
            if number >= 2:
                times[name].append(time.perf_counter() - began)
            answers[name] = shown(answer)
    return {name: quantiles(taken)[0] for name, taken in times.items()}, answers


def shown(answer: httpx.Response) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return what a stranger sees of an answer, without what is different every time."""
    headers = {name: value for name, value in answer.headers.items() if name not in CHANGING}
    headers.pop("content-length")
    body = {
        name: value for name, value in answer.json().items() if name not in {"instance", "correlation_id"}
    }
    return answer.status_code, headers, body


async def alike(
    kinds: Mapping[str, Ask], *, tries: int = TRIES, close: float = CLOSE
) -> tuple[dict[str, float], dict[str, Any]]:
    """Measure until the times are close, a few rounds at most; the answers are equal in every round."""
    for _ in range(ROUNDS):
        found, answers = await measured(kinds, tries)
        first = next(iter(answers.values()))
        assert all(answer == first for answer in answers.values()), answers
        if spread(found) < close:
            return found, answers
    raise AssertionError(found)


def spread(found: Mapping[str, float]) -> float:
    return max(found.values()) / min(found.values()) - 1


@pytest.mark.timeout(240)
async def test_a_refused_login_takes_the_same_time_whatever_was_wrong(
    real: Site, record_property: Callable[[str, object], None]
) -> None:
    known, closed = await real.person(), await real.person()
    unproved = f"n{uuid4().hex}@example.org"
    await real.client.post(REGISTER, json={"email": unproved, "password": STRONG})
    await real.rows("UPDATE app_user SET is_active = false WHERE id = $1 RETURNING id", closed.id)
    kinds = {
        "unknown address": ("nobody@example.org", STRONG),
        "unknown username": ("nobody", STRONG),
        "wrong password": (known.email, STRONG),
        "closed account, right password": (closed.email, closed.password),
        "unproved address": (unproved, "wrong"),
    }

    def asking(email: str, password: str) -> Ask:
        async def ask() -> httpx.Response:
            await real.rows("SELECT 1")  # a connection of the pool is warm
            return await patient(real, {"email": email, "password": password})

        return ask

    found, answers = await alike({name: asking(*pair) for name, pair in kinds.items()})
    record_property("seconds", {name: round(value, 4) for name, value in found.items()})
    assert answers["unknown address"][0] == 401


@pytest.mark.timeout(240)
async def test_the_right_password_of_an_unproved_address_is_refused_in_the_same_words(
    real: Site, record_property: Callable[[str, object], None]
) -> None:
    """The mail that is sent again takes some milliseconds: only who knows the password can see them."""
    unproved = f"n{uuid4().hex}@example.org"
    await real.client.post(REGISTER, json={"email": unproved, "password": STRONG})
    right, wrong = ({"email": unproved, "password": one} for one in (STRONG, f"{STRONG}!"))
    kinds = {"right": lambda: patient(real, right), "wrong": lambda: patient(real, wrong)}
    found, answers = await alike(kinds, close=1.0)
    record_property("seconds", {name: round(value, 4) for name, value in found.items()})
    assert answers["right"][0] == 401


async def patient(site: Site, body: dict[str, str]) -> httpx.Response:
    """Log in from an address nobody failed at before, so that no delay is measured."""
    async with site.at(f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1") as client:
        return await client.post(LOGIN, json=body)


@pytest.mark.timeout(240)
async def test_registering_and_forgetting_take_the_same_time_with_or_without_an_account(
    real: Site, record_property: Callable[[str, object], None]
) -> None:
    known = await real.person()

    def registering(email: Callable[[], str]) -> Ask:
        return lambda: real.client.post(REGISTER, json={"email": email(), "password": STRONG})

    def forgetting(email: str) -> Ask:
        return lambda: real.client.post(FORGOT, json={"email": email})

    registers = {
        "unknown": registering(lambda: f"n{uuid4().hex}@example.org"),
        "known": registering(lambda: known.email),
    }
    forgets = {"unknown": forgetting("nobody@example.org"), "known": forgetting(known.email)}
    for what, kinds in {"register": registers, "forgot": forgets}.items():
        found, answers = await alike(kinds)
        record_property(f"seconds to {what}", {name: round(value, 4) for name, value in found.items()})
        assert answers["known"][0] == 202


async def test_comparing_secrets_takes_no_shorter_when_more_of_them_is_right(real: Site) -> None:
    """What is compared are digests: how much of a secret is right changes nothing of them."""
    person = await real.person()
    body = {"name": "k", "scopes": ["indices:read"]}
    session = person.bearer
    key = (await real.client.post(f"{V1}/auth/api-keys", json=body, headers=session)).json()["secret"]

    def guessing(right: int) -> Ask:
        guess = key[:right] + "".join("A" if one != "A" else "B" for one in key[right:])
        headers = {"Authorization": f"Bearer {guess}"}
        return lambda: real.client.get(f"{V1}/index/currencies", headers=headers)

    kinds = {"one right": guessing(len("whk_0123456789_") + 1), "all but one": guessing(len(key) - 1)}
    _, answers = await alike(kinds, tries=60, close=0.5)
    assert answers["one right"][0] == 401
