"""What a password must be."""

import pytest

from waardhaven.domain.identity.password import MAX_LENGTH, MIN_LENGTH, broken_password_rules

GOOD = "correct horse battery"


def rules(password: str, *, score: int = 4, email: str = "") -> list[str]:
    return [one.rule for one in broken_password_rules(password, score=score, email=email)]


@pytest.mark.parametrize("password", [GOOD, "k7#mQz!p0w", "x1" + "y" * (MAX_LENGTH - 2)])
def test_a_long_password_that_nobody_tries_first_is_accepted(password: str) -> None:
    assert rules(password, score=3) == []


def test_a_password_too_short_or_too_long_is_refused_with_the_limit() -> None:
    assert rules("k7#mQz!p0"[: MIN_LENGTH - 1]) == ["must have at least 10 characters"]
    assert rules(GOOD * 7) == ["must have at most 128 characters"]


@pytest.mark.parametrize(
    ("password", "email"),
    [
        ("1234567890", ""),
        ("QwertyUIOP", ""),
        ("zzzzzzzzzzzz", ""),
        ("ababababab", ""),
        ("ada.lovelace", "ada.lovelace@example.org"),
        ("Ada.Lovelace@example.org", "ada.lovelace@example.org"),
        ("gro.elpmaxe@ada", "ada@example.org"),
    ],
)
def test_what_is_tried_first_is_refused_whatever_its_score(password: str, email: str) -> None:
    for score in (0, 4):
        assert rules(password, score=score, email=email) == ["is among the passwords tried first"]


def test_the_name_of_another_person_is_no_reason_to_refuse() -> None:
    assert rules("ada.lovelace", email="grace@example.org") == []


@pytest.mark.parametrize("score", [0, 1, 2])
def test_a_password_that_is_easy_to_guess_is_refused(score: int) -> None:
    assert rules(GOOD, score=score) == ["is too easy to guess: use several unrelated words"]


def test_the_field_that_is_told_can_be_another() -> None:
    (broken,) = broken_password_rules(GOOD, score=0, field="new_password")
    assert broken.field == "new_password"
