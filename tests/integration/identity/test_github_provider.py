"""Sign-in through GitHub, and through a GitHub that does anything wrong."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from structlog.testing import capture_logs
from tests import replies
from tests.fakes.clock import FakeClock
from tests.github_site import ACCESS, EMAILS, LocalGithub
from tests.integration.identity import conftest
from tests.issuer import CLIENT, NONCE, SECRET, VERIFIER

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.identity_providers.github import (
    GithubClient,
    GithubIdentityProvider,
    GithubSite,
)
from waardhaven.application.ports.identity_provider import InvalidProof, ProvenIdentity, ProviderUnavailable

FLOW = replace(conftest.FLOW, provider="github")
TOKEN, USER, ADDRESSES = "/login/oauth/access_token", "/user", "/user/emails"


async def sign_in(site: LocalGithub, github: GithubIdentityProvider) -> ProvenIdentity:
    return await github.identity_of_code(site.approve(await github.authorization_url(FLOW)), FLOW)


async def test_code_proves_the_numeric_user_and_the_primary_address(
    site: LocalGithub, github: GithubIdentityProvider, clock: FakeClock
):
    proven = await sign_in(site, github)
    assert (proven.provider, proven.subject) == ("github", "583231")
    assert (proven.email, proven.name) == ("ada@example.org", "Ada")
    assert len(proven.proof_digest) == 32
    assert proven.expires_at > clock.now()
    assert site.asked == {TOKEN: 1, USER: 1, ADDRESSES: 1}


async def test_browser_is_sent_to_github_itself_by_default(http: HttpSession, clock: FakeClock):
    github = GithubIdentityProvider(GithubClient(id=CLIENT, secret=SECRET), http, clock)
    address = await github.authorization_url(FLOW)
    query = dict(parse_qsl(urlsplit(address).query))
    assert address.startswith("https://github.com/login/oauth/authorize?")
    assert query["state"] == FLOW.state
    assert VERIFIER not in address
    assert SECRET not in address
    assert GithubSite().reach is Reach.PUBLIC


async def test_there_are_no_id_tokens(github: GithubIdentityProvider):
    with pytest.raises(InvalidProof):
        await github.identity_of_token("e30.e30.e30", nonce=NONCE)


async def test_code_counts_once(site: LocalGithub, github: GithubIdentityProvider):
    code = site.approve(await github.authorization_url(FLOW))
    await github.identity_of_code(code, FLOW)
    with pytest.raises(InvalidProof):
        await github.identity_of_code(code, FLOW)


@pytest.mark.parametrize(
    "changes", [{"code_verifier": VERIFIER[::-1]}, {"code_verifier": "x"}, {"provider": "oidc"}], ids=str
)
async def test_code_of_another_flow_is_refused(
    site: LocalGithub, github: GithubIdentityProvider, changes: dict[str, Any]
):
    code = site.approve(await github.authorization_url(FLOW))
    with pytest.raises(InvalidProof):
        await github.identity_of_code(code, replace(FLOW, **changes))


PRIMARY = EMAILS[1]
WRONG_ADDRESSES: dict[str, tuple[Any, type[Exception]]] = {
    "primary not verified": ([{**PRIMARY, "verified": False}, EMAILS[0]], InvalidProof),
    "none primary": ([EMAILS[0], EMAILS[2]], InvalidProof),
    "none": ([], InvalidProof),
    "two primary": ([PRIMARY, {**PRIMARY, "email": "eve@example.org"}], InvalidProof),
    "malformed": ([{**PRIMARY, "email": "ada"}], InvalidProof),
    "verified as text": ([{**PRIMARY, "verified": "true"}], ProviderUnavailable),
    "verified as a number": ([{**PRIMARY, "verified": 1}], ProviderUnavailable),
    "nothing of verification": ([{"email": "ada@example.org", "primary": True}], ProviderUnavailable),
    "an object": ({"message": "Not what you asked"}, ProviderUnavailable),
}


@pytest.mark.parametrize("case", WRONG_ADDRESSES)
async def test_only_one_verified_primary_address_counts(
    site: LocalGithub, github: GithubIdentityProvider, case: str
):
    site.emails, expected = WRONG_ADDRESSES[case]
    with pytest.raises(expected):
        await sign_in(site, github)


@pytest.mark.parametrize("number", [None, "583231", 0, -1, True, 1.5, [1], {}])
async def test_user_without_a_number_is_nobody(
    site: LocalGithub, github: GithubIdentityProvider, number: Any
):
    site.user["id"] = number
    with pytest.raises(ProviderUnavailable):
        await sign_in(site, github)


@pytest.mark.parametrize("path", [TOKEN, USER, ADDRESSES])
@pytest.mark.parametrize("case", replies.NONSENSE)
async def test_nonsense_proves_nothing(
    site: LocalGithub, github: GithubIdentityProvider, path: str, case: str
):
    site.replies[path] = replies.NONSENSE[case]
    expected = InvalidProof if case == "404" and path != TOKEN else ProviderUnavailable
    with pytest.raises(expected):
        await sign_in(site, github)
    assert not site.asked["/elsewhere"]


TOKEN_ANSWERS: dict[str, tuple[Any, type[Exception]]] = {
    "bad code": ({"error": "bad_verification_code"}, InvalidProof),
    "user refused": ({"error": "access_denied"}, InvalidProof),
    "unverified user": ({"error": "unverified_user_email"}, InvalidProof),
    "wrong secret": ({"error": "incorrect_client_credentials"}, ProviderUnavailable),
    "wrong address": ({"error": "redirect_uri_mismatch"}, ProviderUnavailable),
    "no token": ({"token_type": "bearer"}, ProviderUnavailable),
    "empty token": ({"access_token": "", "token_type": "bearer"}, ProviderUnavailable),
    "token of two lines": ({"access_token": "a\r\nX: y", "token_type": "bearer"}, ProviderUnavailable),
    "token in other letters": ({"access_token": "ä", "token_type": "bearer"}, ProviderUnavailable),
    "another type": ({"access_token": "a", "token_type": "mac"}, ProviderUnavailable),
    "a token that is not known": ({"access_token": "a", "token_type": "bearer"}, InvalidProof),
}


@pytest.mark.parametrize("case", TOKEN_ANSWERS)
async def test_error_of_the_token_endpoint_with_status_200_is_an_error(
    site: LocalGithub, github: GithubIdentityProvider, case: str
):
    body, expected = TOKEN_ANSWERS[case]
    site.replies[TOKEN] = replies.json(body)
    with pytest.raises(expected):
        await sign_in(site, github)


@pytest.mark.parametrize("path", [USER, ADDRESSES])
async def test_rate_limit_of_the_api_is_unavailability(
    site: LocalGithub, github: GithubIdentityProvider, path: str
):
    site.replies[path] = replies.json({"message": "API rate limit exceeded"}, status=403)
    with pytest.raises(ProviderUnavailable):
        await sign_in(site, github)


async def test_nothing_secret_is_shown_or_logged(site: LocalGithub, github: GithubIdentityProvider):
    site.emails = []
    with capture_logs() as lines:
        code = site.approve(await github.authorization_url(FLOW))
        with pytest.raises(InvalidProof) as refused:
            await github.identity_of_code(code, FLOW)
    shown = f"{lines} {refused.value!r} {github._client!r}"
    assert len(lines) == 1
    for secret in (ACCESS, SECRET, VERIFIER, code):
        assert secret not in shown
