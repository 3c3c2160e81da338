"""Two accounts never differ by case or by the way one text is written alone."""

import unicodedata
from uuid import uuid4

import pytest
from tests.security.site import LOGIN, ME, REGISTER, STRONG, V1, Site
from tests.unit.adapters.http.expect import fields, problem

TWINS = (
    "\u0430da{0}@example.org",
    "ad\u00e9{0}@example.org",
    "ade\u0301{0}@example.org",
    "\uff41da{0}@example.org",
    "ada{0}\uff20example.org",
    "ada{0}\u200b@example.org",
    "\u202eada{0}@example.org",
    "ada{0}@ex\u0430mple.org",
    "ada{0}@\uff45xample.org",
    "ada{0}@exam\u00dfle.org",
    "\u0130da{0}@example.org",
    "ada{0}\u00a0@example.org",
    "ada{0}@example.org\u2060",
)


async def rows(site: Site, mark: str) -> list[str]:
    found = await site.rows("SELECT email FROM app_user WHERE strpos(email, $1) > 0", mark)
    return [row["email"] for row in found]


@pytest.mark.parametrize("twin", TWINS)
async def test_an_address_that_only_looks_like_one_opens_no_account(site: Site, twin: str) -> None:
    mark = uuid4().hex[:8]
    assert (await site.client.post(REGISTER, json=account(f"ada{mark}@example.org"))).status_code == 202
    email = twin.format(mark)
    for form in ("NFC", "NFD"):
        body = account(unicodedata.normalize(form, email))
        assert fields(problem(await site.client.post(REGISTER, json=body), 422)) == {"email"}
    assert await rows(site, mark) == [f"ada{mark}@example.org"]
    assert (await site.client.post(LOGIN, json=account(email))).status_code == 401
    mails = {mail.to for mail in await site.inbox() if mark in mail.to}
    assert mails <= {f"ada{mark}@example.org"}


def account(email: str) -> dict[str, str]:
    return {"email": email, "password": STRONG}


@pytest.mark.parametrize(
    "spelling",
    ["ADA{0}@EXAMPLE.ORG", " ada{0}@example.org", "\u2003ada{0}@Example.Org", "aDa{0}@example.org"],
)
async def test_case_and_space_around_make_no_second_account(site: Site, spelling: str) -> None:
    mark = uuid4().hex[:8]
    await site.client.post(REGISTER, json=account(f"ada{mark}@example.org"))
    answer = await site.client.post(REGISTER, json=account(spelling.format(mark)))
    assert answer.status_code == 202, "as if it were new"
    assert await rows(site, mark) == [f"ada{mark}@example.org"]
    assert (await site.client.post(LOGIN, json=account(spelling.format(mark)))).status_code == 200


async def test_the_kelvin_sign_is_a_k_and_mail_goes_to_the_k(site: Site) -> None:
    mark = uuid4().hex[:8]
    await site.client.post(REGISTER, json=account(f"\u212aate{mark}@example.org"))
    assert await rows(site, mark) == [f"kate{mark}@example.org"]
    body = {"email": f"\u212aate{mark}@example.org"}
    await site.client.post(f"{V1}/auth/forgot-password", json=body)
    assert [mail.to for mail in await site.inbox() if mark in mail.to] == [f"kate{mark}@example.org"]


@pytest.mark.parametrize(
    "name", ["\u0430dmin", "adm\u0131n", "ad\u200bmin", "\uff41dmin", "admin\u0301", "a@b.org"]
)
async def test_a_username_that_only_looks_like_one_is_refused(site: Site, name: str) -> None:
    person = await site.person()
    answer = await site.client.put(ME, json={"username": name}, headers=person.bearer)
    assert fields(problem(answer, 422)) == {"username"}
    body = account(f"n{uuid4().hex}@example.org") | {"username": name}
    assert fields(problem(await site.client.post(REGISTER, json=body), 422)) == {"username"}


async def test_a_username_is_taken_in_any_case(site: Site) -> None:
    ada, bob = await site.person(), await site.person()
    for name in (ada.username.upper(), f" {ada.username} "):
        answer = await site.client.put(ME, json={"username": name}, headers=bob.bearer)
        problem(answer, 409)


async def test_a_username_is_never_somebodys_address(site: Site) -> None:
    ada, bob = await site.person(), await site.person()
    answer = await site.client.put(ME, json={"username": ada.email}, headers=bob.bearer)
    problem(answer, 422)


async def test_a_new_address_of_the_account_follows_the_same_rules(site: Site) -> None:
    person = await site.person()
    for twin in TWINS:
        body = {"email": twin.format("x"), "password": person.password}
        answer = await site.client.put(ME, json=body, headers=person.bearer)
        assert fields(problem(answer, 422)) == {"email"}
