"""An issuer whose documents are wrong, late, forged or gone: keys roll, nothing leads us astray."""

import asyncio
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests import replies
from tests.fakes.clock import FakeClock
from tests.integration.identity.conftest import FLOW, SHORT
from tests.issuer import CLIENT, NONCE, SECRET, VERIFIER, LocalIssuer, key

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import Answer, HttpSession
from waardhaven.adapters.outbound.identity_providers.oidc import Issuer, OidcIdentityProvider, google
from waardhaven.application.ports.identity_provider import (
    InvalidProof,
    ProvenIdentity,
    ProviderUnavailable,
    UnknownProvider,
)

WELL_KNOWN = "/.well-known/openid-configuration"


async def proof(issuer: LocalIssuer, oidc: OidcIdentityProvider) -> ProvenIdentity:
    return await oidc.identity_of_token(issuer.token(), nonce=NONCE)


@pytest.mark.parametrize("path", [WELL_KNOWN, "/jwks"])
@pytest.mark.parametrize("case", replies.NONSENSE)
async def test_document_that_is_nonsense_makes_the_provider_unavailable(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, path: str, case: str
):
    issuer.replies[path] = replies.NONSENSE[case]
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)
    assert issuer.asked[path] <= 2  # a connection that is cut is tried once more
    assert not issuer.asked["/elsewhere"]


@pytest.mark.parametrize("case", replies.NONSENSE)
async def test_token_endpoint_that_answers_nonsense_is_unavailable(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, case: str
):
    code = issuer.approve(await oidc.authorization_url(FLOW))
    issuer.replies["/token"] = replies.NONSENSE[case]
    with pytest.raises(ProviderUnavailable):
        await oidc.identity_of_code(code, FLOW)


TOKEN_ERRORS: dict[str, tuple[int, Any, type[Exception]]] = {
    "the code is not good": (400, {"error": "invalid_grant"}, InvalidProof),
    "an error we do not know": (400, {"error": "Tr\u0000oubl\u00e9"}, InvalidProof),
    "an error with status 200": (200, {"error": "access_denied"}, InvalidProof),
    "we are not known": (401, {"error": "invalid_client"}, ProviderUnavailable),
    "it is busy": (400, {"error": "temporarily_unavailable"}, ProviderUnavailable),
    "no reason": (400, {}, ProviderUnavailable),
    "tokens with status 400": (400, {"access_token": "a", "token_type": "Bearer"}, ProviderUnavailable),
    "nothing": (200, {}, ProviderUnavailable),
    "another kind of token": (
        200,
        {"access_token": "a", "id_token": "b", "token_type": "mac"},
        ProviderUnavailable,
    ),
    "tokens that are numbers": (200, {"access_token": 1, "token_type": "Bearer"}, ProviderUnavailable),
    "an id token that is none": (
        200,
        {"access_token": "a", "id_token": "b", "token_type": "bearer"},
        InvalidProof,
    ),
}


@pytest.mark.parametrize("case", TOKEN_ERRORS)
async def test_error_of_the_token_endpoint_is_told_apart(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, case: str
):
    status, body, expected = TOKEN_ERRORS[case]
    code = issuer.approve(await oidc.authorization_url(FLOW))
    issuer.replies["/token"] = replies.json(body, status=status)
    with pytest.raises(expected):
        await oidc.identity_of_code(code, FLOW)


ASTRAY = [
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/",
    "http://10.0.0.1/jwks",
    "http://example.org/jwks",
    "http://localhost.example.org/",
    "http://user:password@127.0.0.1/",
    "http://127.0.0.1@example.org/",
    "http://127.0.0.1\\@example.org/",
    "http://127.0.0.1/#fragment",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:port/",
    "http://[::1/",
    "http:///jwks",
    "http://127.0.0.1/a b",
    "http://127.0.0.1/\r\nHost: evil",
    f"http://127.0.0.1/{'x' * 3000}",
    "//127.0.0.1/jwks",
    "/jwks",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "ftp://127.0.0.1/",
    "unix:///run/x.sock",
    "javascript:alert(1)",
    "data:application/json,{}",
    "",
]


@pytest.mark.parametrize("address", ASTRAY)
@pytest.mark.parametrize("name", ["jwks_uri", "token_endpoint", "authorization_endpoint"])
async def test_discovery_leads_nowhere_it_should_not(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, name: str, address: str
):
    issuer.discovery = {name: address}
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)
    with pytest.raises(ProviderUnavailable):
        await oidc.authorization_url(FLOW)
    with pytest.raises(ProviderUnavailable):
        await oidc.identity_of_code("code", FLOW)
    assert set(issuer.asked) == {WELL_KNOWN}


@pytest.mark.parametrize(
    "said", [None, "", "https://evil.example", "{url}/", "HTTP{rest}", "{url}/tenant", 1, ["{url}"]], ids=str
)
async def test_discovery_of_another_issuer_is_not_used(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, said: Any
):
    named = said.format(url=issuer.url, rest=issuer.url[4:]) if isinstance(said, str) else said
    issuer.discovery = {"issuer": named}
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)
    assert not issuer.asked["/jwks"]


@pytest.mark.parametrize("name", ["jwks_uri", "token_endpoint", "authorization_endpoint"])
async def test_discovery_without_a_part_is_not_used(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, name: str
):
    issuer.discovery = {name: None}
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)


async def test_token_endpoint_that_takes_no_secret_is_not_told_it(
    issuer: LocalIssuer, oidc: OidcIdentityProvider
):
    issuer.discovery = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    with pytest.raises(ProviderUnavailable):
        await oidc.identity_of_code(issuer.approve(await oidc.authorization_url(FLOW)), FLOW)
    assert not issuer.asked["/token"]


async def test_redirect_is_not_followed(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, stranger: LocalIssuer
):
    issuer.replies["/jwks"] = replies.redirect(f"{stranger.url}/jwks")
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)
    assert not stranger.asked


async def test_issuer_that_should_be_public_is_not_asked_on_this_machine(
    issuer: LocalIssuer, make_oidc: Callable[..., OidcIdentityProvider]
):
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, make_oidc(reach=Reach.PUBLIC))
    assert not issuer.asked


class FarAway(HttpSession):
    """Makes the issuer's discovery appear to come from a public address."""

    async def get(self, url: str, **changes: Any) -> Answer:
        answer = await super().get(url, **changes)
        return Answer(status=answer.status, headers={}, body=answer.body, reach=Reach.PUBLIC)


async def test_public_issuer_can_not_lead_us_inside(issuer: LocalIssuer, clock: FakeClock):
    http = FarAway(timeout_seconds=SHORT)
    registered = Issuer(name="oidc", url=issuer.url, client_id=CLIENT, client_secret=SECRET)
    oidc = OidcIdentityProvider(registered, http, clock)
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)
    with pytest.raises(ProviderUnavailable):
        await oidc.identity_of_code(issuer.approve(await oidc.authorization_url(FLOW)), FLOW)
    assert set(issuer.asked) == {WELL_KNOWN}
    await http.close()


async def test_plain_http_is_for_issuers_on_this_machine(http: HttpSession, clock: FakeClock):
    for url in (
        "http://10.0.0.1",
        "http://issuer.example",
        "http://localhost.example.org",
        "ftp://127.0.0.1",
    ):
        oidc = OidcIdentityProvider(Issuer(name="oidc", url=url, client_id=CLIENT), http, clock)
        with pytest.raises(ProviderUnavailable):
            await oidc.authorization_url(FLOW)


async def test_keys_are_fetched_once_while_they_are_fresh(issuer: LocalIssuer, oidc: OidcIdentityProvider):
    await asyncio.gather(*(proof(issuer, oidc) for _ in range(20)))
    assert (issuer.asked[WELL_KNOWN], issuer.asked["/jwks"]) == (1, 1)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 3600),
        ("public, max-age=600", 600),
        ("max-age=0", 60),
        ("no-store", 60),
        ("max-age=999999999", 86_400),
        ("max-age=99999999999999999999", 3600),
        ("max-age=-5", 3600),
        ("x-max-age=5", 3600),
    ],
)
async def test_keys_are_fresh_as_long_as_the_issuer_says_within_bounds(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, clock: FakeClock, said: str | None, seconds: int
):
    issuer.cache_control = said
    await proof(issuer, oidc)
    clock.advance(timedelta(seconds=seconds - 1))
    await proof(issuer, oidc)
    assert issuer.asked["/jwks"] == 1
    clock.advance(timedelta(seconds=1))
    await proof(issuer, oidc)
    assert issuer.asked["/jwks"] == 2


async def test_key_roll_is_followed_at_once(issuer: LocalIssuer, oidc: OidcIdentityProvider):
    old = issuer.token()
    await oidc.identity_of_token(old, nonce=NONCE)
    issuer.roll(key("two", copy=1))
    assert await proof(issuer, oidc)
    assert issuer.asked["/jwks"] == 2
    with pytest.raises(InvalidProof):
        await oidc.identity_of_token(old, nonce=NONCE)


async def test_withdrawn_key_is_forgotten_when_keys_are_fetched_again(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, clock: FakeClock
):
    await proof(issuer, oidc)
    clock.advance(timedelta(hours=1))
    old = issuer.token()
    issuer.roll(key("two", copy=1))
    with pytest.raises(InvalidProof):
        await oidc.identity_of_token(old, nonce=NONCE)


async def test_flood_of_unknown_keys_asks_the_issuer_twice_a_minute_at_most(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, clock: FakeClock
):
    async def unknown(number: int) -> None:
        issuer.header = {"kid": f"unknown-{number}"}
        with pytest.raises(InvalidProof):
            await oidc.identity_of_token(issuer.token(), nonce=NONCE)

    await asyncio.gather(*(unknown(number) for number in range(50)))
    assert issuer.asked["/jwks"] == 2
    clock.advance(timedelta(seconds=29))
    await unknown(50)
    assert issuer.asked["/jwks"] == 2
    clock.advance(timedelta(seconds=1))
    await asyncio.gather(*(unknown(number) for number in range(50)))
    assert issuer.asked["/jwks"] == 3


async def test_keys_outlive_an_issuer_that_is_gone_by_a_day(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, clock: FakeClock
):
    await proof(issuer, oidc)
    await issuer.stop()
    clock.advance(timedelta(hours=24, minutes=59))
    assert await proof(issuer, oidc)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)


async def test_issuer_that_comes_back_is_asked_again(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, clock: FakeClock
):
    await issuer.stop()
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            await proof(issuer, oidc)
    await issuer.start()
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)
    assert not issuer.asked
    clock.advance(timedelta(seconds=5))
    assert await proof(issuer, oidc)


async def test_failure_is_shared_by_all_who_wait(issuer: LocalIssuer, oidc: OidcIdentityProvider):
    issuer.replies["/jwks"] = replies.never
    found = await asyncio.wait_for(
        asyncio.gather(*(proof(issuer, oidc) for _ in range(20)), return_exceptions=True), 4 * SHORT
    )
    assert {type(one) for one in found} == {ProviderUnavailable}
    assert issuer.asked["/jwks"] == 1


async def test_one_who_leaves_does_not_spoil_it_for_the_others(
    issuer: LocalIssuer, oidc: OidcIdentityProvider
):
    first = asyncio.create_task(proof(issuer, oidc))
    second = asyncio.create_task(proof(issuer, oidc))
    await asyncio.sleep(0)
    first.cancel()
    assert await second


def rsa_member(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**key().public, **changes}.items() if value is not None}


PASSED_OVER: dict[str, dict[str, Any]] = {
    "for encryption": rsa_member(use="enc"),
    "a use that is no text": rsa_member(use=["sig"]),
    "operations without verifying": rsa_member(key_ops=["encrypt"]),
    "operations that are no list": rsa_member(key_ops="verify"),
    "another algorithm": rsa_member(alg="RS512"),
    "a symmetric algorithm": rsa_member(alg="HS256"),
    "an algorithm that is no text": rsa_member(alg=["RS256"]),
    "too short": {**key("one", bits=1024).public},
    "no modulus": rsa_member(n=None),
    "no exponent": rsa_member(e=None),
    "an exponent of one": rsa_member(e="AQ"),
    "an even exponent": rsa_member(e="Ag"),
    "an enormous exponent": rsa_member(e="x" * 300),
    "an enormous modulus": rsa_member(n="x" * 20_000),
    "a modulus that is a number": rsa_member(n=1),
    "a modulus that is empty": rsa_member(n=""),
    "a modulus in other letters": rsa_member(n="ä"),
    "a name that is a number": rsa_member(kid=1),
    "a type that is a list": rsa_member(kty=["RSA"]),
    "a type that is unknown": rsa_member(kty="AKP"),
    "no type": rsa_member(kty=None),
    "a type that does not fit": {**key("one", "ES256").public},
    "another curve": {**key("one", "ES256").public, "crv": "P-384"},
    "an unknown curve": {**key("one", "ES256").public, "crv": "secp256k1"},
    "a point off the curve": {**key("one", "ES256").public, "x": "AAAA" * 11, "y": "AAAA" * 11},
    "Ed25519 too short": {**key("one", "EdDSA").public, "x": "AAAA"},
    "Ed25519 by another name": {**key("one", "EdDSA").public, "crv": "X25519"},
}


@pytest.mark.parametrize("case", PASSED_OVER)
async def test_unfit_key_verifies_nothing_and_spoils_nothing(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, case: str
):
    issuer.published = [PASSED_OVER[case], key("two", copy=1).public]
    with pytest.raises(InvalidProof):
        await proof(issuer, oidc)
    issuer.key = key("two", copy=1)
    assert await proof(issuer, oidc)


SECRET_SETS: dict[str, dict[str, Any]] = {
    "shared secret": {"kty": "oct", "k": "AAAA", "kid": "s", "alg": "HS256"},
    "shared secret for encryption": {"kty": "oct", "use": "enc", "kid": "s"},
    "secret under another type": rsa_member(kid="s", k="AAAA"),
    "private exponent": rsa_member(kid="s", d="AAAA"),
}


@pytest.mark.parametrize("case", SECRET_SETS)
async def test_set_with_a_secret_in_it_is_refused(issuer: LocalIssuer, oidc: OidcIdentityProvider, case: str):
    issuer.published.append(SECRET_SETS[case])
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)


async def test_set_of_too_many_keys_is_refused(issuer: LocalIssuer, oidc: OidcIdentityProvider):
    issuer.published = [rsa_member(kid=f"key-{number}") for number in range(101)]
    with pytest.raises(ProviderUnavailable):
        await proof(issuer, oidc)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_one_name_for_keys_of_two_types_finds_the_one_that_fits(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, algorithm: str
):
    issuer.published = [key("one", kind).public for kind in ("ES256", "RS256", "ES384", "EdDSA")]
    issuer.key = key("one", algorithm)
    assert await proof(issuer, oidc)


async def test_one_name_for_two_keys_of_a_type_verifies_nothing(
    issuer: LocalIssuer, oidc: OidcIdentityProvider
):
    issuer.published = [key().public, key("one", copy=1).public]
    with pytest.raises(InvalidProof):
        await proof(issuer, oidc)


async def test_token_need_not_name_the_only_key(issuer: LocalIssuer, oidc: OidcIdentityProvider):
    issuer.header = {"kid": None}
    assert await proof(issuer, oidc)
    issuer.roll(key("two", copy=1), withdraw=False)
    issuer.key = key()
    oidc = OidcIdentityProvider(oidc._issuer, oidc._http, oidc._clock)
    with pytest.raises(InvalidProof):
        await proof(issuer, oidc)


async def test_algorithm_confusion_by_curve_is_refused(issuer: LocalIssuer, oidc: OidcIdentityProvider):
    wide = key("one", "ES384")
    issuer.published = [{**wide.public, "alg": None}]
    issuer.key = key("one", "ES256")
    with pytest.raises(InvalidProof):
        await proof(issuer, oidc)


async def test_google_is_known_by_both_its_names_and_takes_no_codes(
    issuer: LocalIssuer, make_oidc: Callable[..., OidcIdentityProvider], http: HttpSession, clock: FakeClock
):
    known = google("ours.apps.googleusercontent.com")
    assert (known.url, known.reach, known.client_secret) == (
        "https://accounts.google.com",
        Reach.PUBLIC,
        None,
    )
    here = make_oidc(name="google", spellings=known.spellings)
    for name in ("accounts.google.com", issuer.url):
        assert (await here.identity_of_token(issuer.token(iss=name), nonce=NONCE)).provider == "google"
    with pytest.raises(InvalidProof):
        await here.identity_of_token(
            issuer.token(iss="https://accounts.google.com.evil.example"), nonce=NONCE
        )
    real = OidcIdentityProvider(known, http, clock)
    with pytest.raises(UnknownProvider):
        await real.authorization_url(FLOW)
    with pytest.raises(UnknownProvider):
        await real.identity_of_code("code", FLOW)


async def test_nothing_secret_is_shown_or_logged(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, make_oidc: Callable[..., OidcIdentityProvider]
):
    issuer.claims = {"email": "ada@example.org\n"[::-1], "name": "Lovelace"}
    with capture_logs() as lines:
        token = issuer.token(email_verified=False)
        with pytest.raises(InvalidProof) as refused:
            await oidc.identity_of_token(token, nonce=NONCE)
        code = issuer.approve(await oidc.authorization_url(FLOW))
        issuer.replies["/token"] = replies.never
        with pytest.raises(ProviderUnavailable) as failed:
            await oidc.identity_of_code(code, FLOW)
        issuer.replies["/token"] = replies.json({"error": "invalid_grant", "error_description": SECRET})
        with pytest.raises(InvalidProof):
            await oidc.identity_of_code(code, FLOW)
    assert [one["event"] for one in lines] == [
        "identity_proof_refused",
        "identity_provider_unavailable",
        "identity_proof_refused",
    ]
    shown = f"{lines} {refused.value!r} {failed.value!r} {oidc._issuer!r} {FLOW!r}"
    for secret in (token, code, SECRET, VERIFIER, NONCE, FLOW.state, "Lovelace", "ada@"):
        assert secret not in shown


async def test_name_that_leads_elsewhere_between_check_and_use_leads_nowhere(
    issuer: LocalIssuer, http: HttpSession, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    """A name server answers the issuer's name with a public address first and with ours afterwards."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "issuer.example":
            return real(host, *rest, **more)
        asked.append(host)
        return real("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    for url in ("https://issuer.example", f"http://issuer.example:{issuer.url.rpartition(':')[2]}"):
        assert (await http_failure(http, url)) == "No answer: ForbiddenAddress."
    assert len(asked) == 2
    assert not issuer.asked


async def http_failure(http: HttpSession, url: str) -> str:
    with pytest.raises(Exception, match="No answer") as failed:
        await http.get(url)
    return str(failed.value)
