"""Addresses and usernames: one spelling for each account."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waardhaven.domain.identity.names import (
    broken_email_rules,
    broken_username_rules,
    normalised,
    username_from,
)

GOOD = (
    "ada@example.org",
    "a@b",
    "first.last+tag@mail.example.co.uk",
    "o'brien@example.org",
    "a_b-c@xn--exmple-cua.org",
    "1!#$%&*/=?^`{|}~@1.org",
    f"{'l' * 64}@example.org",
)
BAD = (
    "",
    "ada",
    "@",
    "ada@",
    "@example.org",
    "a@b@c",
    ".a@b",
    "a.@b",
    "a..b@c",
    "a b@c",
    "a@b c",
    "a@-b.org",
    "a@b-.org",
    "a@b..org",
    "a@.org",
    "a@b_c.org",
    "a@[127.0.0.1]",
    '"a"@b',
    "a,b@c",
    "a;b@c",
    "<a@b>",
    "a\\b@c",
    "a@b\r\nbcc: c@d",
    "a\x00@b",
    f"{'l' * 65}@example.org",
    f"a@{'d' * 64}.org",
    "@".join(["a", ".".join(["d" * 60] * 5)]),
)
LOOKALIKES = (
    "\u0430da@example.org",
    "ad\u00e9@example.org",
    "ade\u0301@example.org",
    "\uff41da@example.org",
    "ada\uff20example.org",
    "ada\u200b@example.org",
    "ada\u202egro@example.org",
    "ada@ex\u0430mple.org",
    "ada@example\u3002org",
    "ada@\u2147xample.org",
    "ada@stra\u00dfe.org",
    "\u017fam@example.org",
    "ad\u0131@example.org",
    "\u0130da@example.org",
    "\ufb01@example.org",
    "ada@\u0661.org",
    "ada\u00ad@example.org",
    "\U0001d4eada@example.org",
)


@pytest.mark.parametrize("email", GOOD)
def test_an_address_of_the_usual_form_is_accepted(email: str) -> None:
    assert broken_email_rules(normalised(email)) == []


@pytest.mark.parametrize("email", BAD)
def test_what_is_no_address_is_refused(email: str) -> None:
    assert [one.field for one in broken_email_rules(normalised(email))] == ["email"]


@pytest.mark.parametrize("email", LOOKALIKES)
def test_an_address_that_only_looks_like_another_is_refused(email: str) -> None:
    (broken,) = broken_email_rules(normalised(email))
    assert "ASCII" in broken.rule


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_two_accepted_addresses_are_one_by_case_or_normalisation(one: str, other: str) -> None:
    emails = {normalised(f"{local}@example.org") for local in (one, other, one.upper(), one.swapcase())}
    accepted = {email for email in emails if not broken_email_rules(email)}
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert len({unicodedata.normalize(form, email).casefold() for email in accepted}) == len(accepted)


def test_the_kelvin_sign_is_the_letter_it_looks_like() -> None:
    assert normalised("\u212aate@example.org") == "kate@example.org"


@pytest.mark.parametrize("name", ["ada", "a.b", "a-b_c.9", "000", "x" * 32])
def test_a_username_of_the_usual_form_is_accepted(name: str) -> None:
    assert broken_username_rules(normalised(name)) == []


@pytest.mark.parametrize(
    "name",
    ["", "ab", "x" * 33, "-ab", "ab.", "a b", "a@b", "\u0430da", "ada\u200b", "ad\u00e9", "a/b", "ada\n"],
)
def test_a_username_of_another_form_is_refused(name: str) -> None:
    assert [one.field for one in broken_username_rules(name)] == ["username"]


@given(st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,32}(\.[a-z0-9_+-]{1,30})?", fullmatch=True))
def test_a_username_made_from_an_address_is_one(local: str) -> None:
    email = f"{local}@example.org"
    assert broken_email_rules(email) == []
    assert broken_username_rules(username_from(email)) == []


@pytest.mark.parametrize(
    ("email", "username"),
    [
        ("ada@example.org", "ada"),
        ("ada+news@example.org", "ada-news"),
        ("_ada_@example.org", "ada"),
        ("a@b", "user-a"),
        ("+@b", "user"),
        (f"{'l' * 40}@example.org", "l" * 24),
    ],
)
def test_a_username_is_the_local_part_of_its_address_where_that_is_long_enough(
    email: str, username: str
) -> None:
    assert username_from(email) == username
