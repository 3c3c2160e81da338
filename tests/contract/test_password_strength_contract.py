"""PasswordStrength: what every implementation must do."""

import pytest
from tests.fakes.security import FakePasswordStrength

from waardhaven.adapters.outbound.security.password_strength import ZxcvbnPasswordStrength
from waardhaven.application.ports.security import PasswordStrength
from waardhaven.domain.identity.password import MIN_SCORE


@pytest.fixture(params=[FakePasswordStrength, ZxcvbnPasswordStrength])
def strength(request: pytest.FixtureRequest) -> PasswordStrength:
    made: PasswordStrength = request.param()
    return made


async def test_unrelated_words_are_strong(strength: PasswordStrength):
    assert await strength.score("correct horse battery", personal=["ada", "ada@example.org"]) >= MIN_SCORE


@pytest.mark.parametrize("password", ["password1234", "adalovelace", "qwerty123456"])
async def test_common_and_personal_passwords_are_weak(strength: PasswordStrength, password: str):
    assert await strength.score(password, personal=["adalovelace", "", "adalovelace@example.org"]) < MIN_SCORE


@pytest.mark.parametrize("password", ["", "x" * 128, "ß" * 128, "\x00" * 20, "a\ud7ff🌍" * 20])
async def test_any_text_has_a_score(password: str):
    score = await ZxcvbnPasswordStrength().score(password, personal=["🌍" * 300])
    assert score in range(5)
