"""What every password hasher promises, whichever it is."""

import asyncio
import threading

import pytest
from tests.fakes.security import CHEAP, FakePasswordHasher

from waardhaven.adapters.outbound.security.passwords import (
    Argon2Parameters,
    Argon2PasswordHasher,
    TooManyLogins,
)
from waardhaven.application.ports.security import PasswordHasher


@pytest.fixture(params=["fake", "argon2"])
def hasher(request: pytest.FixtureRequest) -> PasswordHasher:
    return FakePasswordHasher() if request.param == "fake" else Argon2PasswordHasher(CHEAP)


async def test_the_right_password_matches_and_others_do_not(hasher: PasswordHasher) -> None:
    kept = await hasher.hash("correct horse")
    assert await hasher.verify("correct horse", kept)
    assert not await hasher.verify("Correct horse", kept)
    assert not await hasher.verify("", kept)


async def test_no_hash_never_matches(hasher: PasswordHasher) -> None:
    assert not await hasher.verify("correct horse", None)
    assert not await hasher.verify("the password of nobody", None)


async def test_a_fresh_hash_is_not_outdated(hasher: PasswordHasher) -> None:
    assert not hasher.is_outdated(await hasher.hash("correct horse"))


async def test_equal_passwords_have_different_hashes() -> None:
    argon2 = Argon2PasswordHasher(CHEAP)
    assert await argon2.hash("correct horse") != await argon2.hash("correct horse")


async def test_other_parameters_outdate_a_hash_that_still_verifies() -> None:
    kept = await Argon2PasswordHasher(CHEAP).hash("correct horse")
    stronger = Argon2PasswordHasher(Argon2Parameters(passes=2, memory_kib=64))
    assert stronger.is_outdated(kept)
    assert stronger.is_outdated("not a hash")
    assert await stronger.verify("correct horse", kept)
    assert not await stronger.verify("correct horse", "not a hash")


async def test_the_default_is_what_owasp_asks_at_least() -> None:
    kept = await Argon2PasswordHasher().hash("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_few_hashes_run_at_once_and_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    argon2 = Argon2PasswordHasher(CHEAP)
    running: list[int] = []
    inside = 0
    lock = threading.Lock()

    def slow(_password: str, _kept: str) -> bool:
        nonlocal inside
        with lock:
            inside += 1
            running.append(inside)
        threading.Event().wait(0.02)
        with lock:
            inside -= 1
        return True

    monkeypatch.setattr(Argon2PasswordHasher, "_matches", staticmethod(slow))
    await asyncio.gather(*(argon2.verify("x", "y") for _ in range(10)))
    assert max(running) == 2


async def test_a_flood_is_refused_instead_of_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    argon2 = Argon2PasswordHasher(Argon2Parameters(passes=1, memory_kib=64, waiting=3))
    found = await asyncio.gather(*(argon2.hash("x") for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, TooManyLogins) for one in found) == 2
    assert await argon2.hash("x")
