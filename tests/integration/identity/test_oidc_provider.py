"""Sign-in through an issuer that does everything right, and through one that does anything wrong."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from tests.fakes.clock import FakeClock
from tests.integration.identity.conftest import FLOW
from tests.issuer import CLIENT, NONCE, SECRET, VERIFIER, LocalIssuer, encoded, key, signed

from waardhaven.adapters.outbound.identity_providers.oidc import OidcIdentityProvider
from waardhaven.application.ports.identity_provider import InvalidProof, ProvenIdentity, ProviderUnavailable

ELSE = "somebody else"


async def by_code(issuer: LocalIssuer, oidc: OidcIdentityProvider) -> ProvenIdentity:
    return await oidc.identity_of_code(issuer.approve(await oidc.authorization_url(FLOW)), FLOW)


async def test_right_token_proves_who_it_is(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, clock: FakeClock
):
    proven = await oidc.identity_of_token(issuer.token(), nonce=NONCE)
    assert (proven.provider, proven.subject) == ("oidc", "248289761001")
    assert (proven.email, proven.name) == ("ada@example.org", "Ada Lovelace")
    assert len(proven.proof_digest) == 32
    assert clock.now() + timedelta(minutes=10) <= proven.expires_at <= clock.now() + timedelta(minutes=11)


async def test_code_is_exchanged_for_the_same_person(issuer: LocalIssuer, oidc: OidcIdentityProvider):
    proven = await by_code(issuer, oidc)
    assert (proven.subject, proven.email) == ("248289761001", "ada@example.org")
    assert issuer.authentications == ["basic"]


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
async def test_every_rsa_algorithm_is_read(issuer: LocalIssuer, oidc: OidcIdentityProvider, algorithm: str):
    issuer.roll(key("other", algorithm))
    assert await oidc.identity_of_token(issuer.token(), nonce=NONCE)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "EdDSA"])
async def test_every_curve_is_read(issuer: LocalIssuer, oidc: OidcIdentityProvider, algorithm: str):
    issuer.roll(key("other", algorithm))
    assert await oidc.identity_of_token(issuer.token(), nonce=NONCE)


GOOD: dict[str, dict[str, Any]] = {
    "verified as text": {"email_verified": "true"},
    "several audiences, issued to us": {"aud": [ELSE, CLIENT], "azp": CLIENT},
    "one audience in a list": {"aud": [CLIENT]},
    "a hosted domain": {"hd": "example.org"},
    "no name": {"name": None},
    "a name that is no text": {"name": {"first": "Ada"}},
    "fractions of seconds": {"exp": 1717416600.5},
    "an issuer's clock ahead by less than a minute": {"iat": 1717416000 + 59},
    "the longest subject": {"sub": "x" * 255},
}


@pytest.mark.parametrize("case", GOOD)
async def test_unusual_but_right_tokens_are_accepted(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, case: str
):
    assert await oidc.identity_of_token(issuer.token(**GOOD[case]), nonce=NONCE)


NOW = 1717416000
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "the issuer with a slash": {"iss": "/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": ELSE},
    "no audience": {"aud": None},
    "an empty audience": {"aud": []},
    "an audience that holds ours": {"aud": f"{CLIENT} and more"},
    "audiences without ours": {"aud": [ELSE, "a third"], "azp": CLIENT},
    "several audiences without azp": {"aud": [ELSE, CLIENT]},
    "several audiences, issued to another": {"aud": [ELSE, CLIENT], "azp": ELSE},
    "a number for an audience": {"aud": 1},
    "an object for an audience": {"aud": {CLIENT: True}},
    "no nonce": {"nonce": None},
    "another nonce": {"nonce": "another"},
    "an empty nonce": {"nonce": ""},
    "the nonce in other letters": {"nonce": NONCE.swapcase()},
    "a nonce that is no text": {"nonce": [NONCE]},
    "half a character for a nonce": {"nonce": "\ud800"},
    "expired a moment ago": {"exp": NOW},
    "expired long ago": {"exp": NOW - 86_400, "iat": NOW - 86_500},
    "no expiry": {"exp": None},
    "an expiry that is text": {"exp": "1999999999"},
    "an expiry that is true": {"exp": True},
    "an expiry below zero": {"exp": -1},
    "issued in ten minutes": {"iat": NOW + 600},
    "issued a little too far ahead": {"iat": NOW + 61},
    "issued in the year 30000": {"iat": 10**12, "exp": 10**12 + 1},
    "issued when numbers end": {"iat": 10**300, "exp": 10**301},
    "issued ten minutes ago": {"iat": NOW - 600},
    "issued before time began": {"iat": -(10**300)},
    "no time of issue": {"iat": None},
    "not valid yet": {"nbf": NOW + 61},
    "not valid before a word": {"nbf": "tomorrow"},
    "unverified address": {"email_verified": False},
    "unverified address as text": {"email_verified": "false"},
    "nothing of verification": {"email_verified": None},
    "verified as a number": {"email_verified": 1},
    "verified as yes": {"email_verified": "yes"},
    "no address": {"email": None},
    "an empty address": {"email": ""},
    "an address without a host": {"email": "ada@"},
    "two addresses": {"email": "ada@example.org,eve@example.org"},
    "an address of several lines": {"email": "ada@example.org\nBcc: eve@example.org"},
    "an address that is a list": {"email": ["ada@example.org"]},
    "an address of 300 characters": {"email": f"{'a' * 300}@example.org"},
    "an address with the Kelvin sign": {"email": "\u212aevin@example.org"},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject too long": {"sub": "x" * 256},
    "a subject that is a number": {"sub": 248289761001},
    "a subject with a null": {"sub": "1\x00"},
    "a subject in other letters": {"sub": "ä"},
    "a token too large": {"padding": "x" * 20_000},
}


@pytest.mark.parametrize("case", WRONG_CLAIMS)
async def test_token_that_says_anything_wrong_is_refused(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, clock: FakeClock, case: str
):
    assert clock.now().timestamp() == NOW
    with pytest.raises(InvalidProof, match="not valid"):
        await oidc.identity_of_token(issuer.token(**WRONG_CLAIMS[case]), nonce=NONCE)


@pytest.mark.parametrize("case", [one for one in WRONG_CLAIMS if "nonce" not in one])
async def test_the_same_token_is_refused_when_it_comes_for_a_code(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, case: str
):
    issuer.claims = WRONG_CLAIMS[case]
    with pytest.raises(InvalidProof, match="not valid"):
        await by_code(issuer, oidc)


STRANGE = key("strange")
OTHER = key("one", copy=1)
Forgery = Callable[[dict[str, Any], dict[str, Any]], str]


def with_header(**changes: Any) -> Forgery:
    return lambda header, payload: signed({**header, **changes}, payload, key().private)


def with_key(**changes: Any) -> Forgery:
    """Sign with a key of the attacker and say in the header where to find it."""
    return lambda header, payload: signed({**header, **changes}, payload, OTHER.private)


def without_kid(header: dict[str, Any], payload: dict[str, Any]) -> str:
    return signed({"alg": header["alg"]}, payload, OTHER.private)


def spoilt(position: int) -> Forgery:
    def forge(header: dict[str, Any], payload: dict[str, Any]) -> str:
        parts = signed(header, payload, key().private).split(".")
        parts[position] = parts[position][:-8] + "AAAAAAAA"
        return ".".join(parts)

    return forge


def other_payload(header: dict[str, Any], payload: dict[str, Any]) -> str:
    head, _, signature = signed(header, payload, key().private).split(".")
    return f"{head}.{encoded(json.dumps({**payload, 'sub': 'root'}).encode())}.{signature}"


def raw(text: str) -> Forgery:
    return lambda _header, _payload: text


FORGERIES: dict[str, Forgery] = {
    "none": lambda header, payload: signed({**header, "alg": "none"}, payload, None) + "AA",
    "none without a signature": lambda header, payload: signed({**header, "alg": "none"}, payload, None),
    "None": lambda header, payload: signed({**header, "alg": "none"}, payload, None).replace(
        encoded(b'{"alg": "none"')[:8], encoded(b'{"alg": "None"')[:8]
    ),
    "HS256 under the public key": lambda header, payload: signed(
        {**header, "alg": "HS256"}, payload, key().pem
    ),
    "HS256 under the modulus": lambda header, payload: signed(
        {**header, "alg": "HS256"}, payload, key().public["n"].encode()
    ),
    "HS256 under the client secret": lambda header, payload: signed(
        {**header, "alg": "HS256"}, payload, SECRET.encode()
    ),
    "HS256 under nothing": lambda header, payload: signed({**header, "alg": "HS256"}, payload, b""),
    "another key under a known name": with_key(),
    "another key without a name": without_kid,
    "a key in the header": with_key(jwk=OTHER.public),
    "a key set at an address": with_key(jku="http://127.0.0.1:1/jwks"),
    "a certificate at an address": with_key(x5u="http://127.0.0.1:1/x", x5c=["AAAA"]),
    "an unknown name": with_header(kid="unknown"),
    "a path for a name": with_header(kid="../../../../dev/null"),
    "SQL for a name": with_header(kid="one' UNION SELECT 'AAAA"),
    "a number for a name": with_header(kid=1),
    "a list for a name": with_header(kid=["one"]),
    "half a character for a name": with_header(kid="\ud800"),
    "a very long name": with_header(kid="x" * 10_000),
    "a critical extension": with_header(crit=["exp"]),
    "an unknown critical extension": with_header(crit=["x"], x=True),
    "an empty list of critical extensions": with_header(crit=[]),
    "a payload that is not encoded": with_header(b64=False, crit=["b64"]),
    "an extension that changes nothing": with_header(b64=True),
    "an access token": with_header(typ="at+jwt"),
    "a logout token": with_header(typ="logout+jwt"),
    "a type that is no text": with_header(typ=1),
    "spoilt header": spoilt(0),
    "spoilt payload": spoilt(1),
    "spoilt signature": spoilt(2),
    "another payload": other_payload,
    "a payload that is a list": lambda header, _: signed(header, b"[1]", key().private),
    "a payload that is no json": lambda header, _: signed(header, b"\xff{", key().private),
    "a payload that is nested": lambda header, _: signed(header, b"[" * 9_000, key().private),
    "nothing": raw(""),
    "dots": raw(".."),
    "two parts": raw("e30.e30"),
    "four parts": raw("e30.e30.e30.e30"),
    "five parts": raw("e30.e30.e30.e30.e30"),
    "other letters": raw("ä.ö.ü"),
    "a list for a header": raw(f"{encoded(b'[]')}.e30.e30"),
    "a nested header": raw(f"{encoded(b'[' * 9_000)}.e30.e30"),
    "a header without an algorithm": raw("e30.e30.e30"),
    "an algorithm that is a list": raw(f"{encoded(json.dumps({'alg': ['RS256']}).encode())}.e30.e30"),
    "spaces": lambda header, payload: " " + signed(header, payload, key().private),
    "a line end": lambda header, payload: signed(header, payload, key().private) + "\n",
    "letters that are dropped": lambda header, payload: signed(header, payload, key().private) + "!",
    "padding": lambda header, payload: signed(header, payload, key().private) + "==",
}


@pytest.mark.parametrize("case", FORGERIES)
async def test_forged_token_is_refused(issuer: LocalIssuer, oidc: OidcIdentityProvider, case: str):
    issuer.forge = FORGERIES[case]
    with pytest.raises(InvalidProof, match="not valid"):
        await oidc.identity_of_token(issuer.token(), nonce=NONCE)


async def test_forger_of_these_tests_is_believed_when_nothing_is_wrong(
    issuer: LocalIssuer, oidc: OidcIdentityProvider
):
    for changes in ({}, {"typ": "jwt"}, {"jku": "http://127.0.0.1:1/", "jwk": OTHER.public}):
        issuer.forge = with_header(**changes)
        assert await oidc.identity_of_token(issuer.token(), nonce=NONCE)


async def test_keys_a_token_offers_are_never_fetched(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, stranger: LocalIssuer
):
    issuer.forge = with_key(jku=f"{stranger.url}/jwks", x5u=f"{stranger.url}/jwks")
    with pytest.raises(InvalidProof):
        await oidc.identity_of_token(issuer.token(), nonce=NONCE)
    assert not stranger.asked


async def test_no_nonce_is_no_expectation_that_can_be_met(issuer: LocalIssuer, oidc: OidcIdentityProvider):
    for said in ("", None):
        with pytest.raises(InvalidProof):
            await oidc.identity_of_token(issuer.token(nonce=said), nonce="")


async def test_token_ends_with_its_first_ten_minutes(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, clock: FakeClock
):
    token = issuer.token()
    proven = await oidc.identity_of_token(token, nonce=NONCE)
    clock.advance(timedelta(minutes=9, seconds=59))
    assert await oidc.identity_of_token(token, nonce=NONCE)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(InvalidProof):
        await oidc.identity_of_token(token, nonce=NONCE)
    assert clock.now() < proven.expires_at


ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


async def test_another_signature_of_the_same_words_is_the_same_proof(
    issuer: LocalIssuer, oidc: OidcIdentityProvider
):
    """Anybody can turn (r, s) into (r, n - s), which verifies as well: no second proof may come of it."""
    issuer.roll(key("curve", "ES256"))
    token = issuer.token()
    head, _, signature = token.rpartition(".")
    pair = urlsafe_b64decode(signature + "==")
    mirrored = ORDER_OF_P256 - int.from_bytes(pair[32:], "big")
    again = f"{head}.{encoded(pair[:32] + mirrored.to_bytes(32, 'big'))}"
    assert again != token
    first = await oidc.identity_of_token(token, nonce=NONCE)
    second = await oidc.identity_of_token(again, nonce=NONCE)
    assert first.proof_digest == second.proof_digest


async def test_code_counts_once(issuer: LocalIssuer, oidc: OidcIdentityProvider):
    code = issuer.approve(await oidc.authorization_url(FLOW))
    await oidc.identity_of_code(code, FLOW)
    with pytest.raises(InvalidProof):
        await oidc.identity_of_code(code, FLOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": VERIFIER[::-1]},
        {"code_verifier": ""},
        {"code_verifier": "short"},
        {"code_verifier": f"{VERIFIER}\n"},
        {"nonce": "of another flow"},
        {"provider": "github"},
    ],
    ids=lambda one: str(sorted(one.items())),
)
async def test_code_of_another_flow_is_refused(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, changes: dict[str, Any]
):
    code = issuer.approve(await oidc.authorization_url(FLOW))
    with pytest.raises(InvalidProof):
        await oidc.identity_of_code(code, replace(FLOW, **changes))


@pytest.mark.parametrize("code", ["", " ", "a b", "\x00", "a\nb", "ä", "x" * 2049, "unknown"])
async def test_what_is_no_code_is_refused(issuer: LocalIssuer, oidc: OidcIdentityProvider, code: str):
    with pytest.raises(InvalidProof):
        await oidc.identity_of_code(code, FLOW)
    assert issuer.asked["/token"] == (code == "unknown")


async def test_token_endpoint_that_gives_another_persons_token_is_not_believed(
    issuer: LocalIssuer, oidc: OidcIdentityProvider
):
    issuer.tokens = {"id_token": issuer.token("nonce of another person", sub="other")}
    with pytest.raises(InvalidProof):
        await by_code(issuer, oidc)


@pytest.mark.parametrize(
    "changes", [{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, {"at_hash": ""}, {"at_hash": 1}, {"at_hash": "ä"}]
)
async def test_access_token_that_is_not_the_id_tokens_is_refused(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, changes: dict[str, Any]
):
    issuer.claims = changes
    with pytest.raises(InvalidProof):
        await by_code(issuer, oidc)


@pytest.mark.parametrize("algorithm", ["RS384", "ES384", "RS512", "EdDSA"])
async def test_hash_of_the_access_token_follows_the_algorithm(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, algorithm: str
):
    issuer.roll(key("other", algorithm))
    signer: Any = jwt.PyJWS()._algorithms["RS512" if algorithm == "EdDSA" else algorithm]
    digest = signer.compute_hash_digest(b"an access token")
    issuer.claims = {"at_hash": encoded(digest[: len(digest) // 2])}
    assert await by_code(issuer, oidc)


@pytest.mark.parametrize("missing", ["id_token", "access_token"])
async def test_answer_without_a_token_proves_nothing(
    issuer: LocalIssuer, oidc: OidcIdentityProvider, missing: str
):
    issuer.tokens = {missing: None}
    with pytest.raises(InvalidProof):
        await by_code(issuer, oidc)


async def test_secret_goes_in_the_form_when_only_that_is_taken(
    issuer: LocalIssuer, oidc: OidcIdentityProvider
):
    issuer.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert await by_code(issuer, oidc)
    assert issuer.authentications == ["post"]


async def test_client_without_a_secret_is_proved_by_its_verifier_alone(
    issuer: LocalIssuer, make_oidc: Callable[..., OidcIdentityProvider]
):
    issuer.secret = None
    assert await by_code(issuer, make_oidc(client_secret=None))


async def test_wrong_secret_is_our_fault_not_the_persons(
    issuer: LocalIssuer, make_oidc: Callable[..., OidcIdentityProvider]
):
    with pytest.raises(ProviderUnavailable):
        await by_code(issuer, make_oidc(client_secret="another"))


async def test_parameters_of_the_authorization_endpoint_are_kept(
    issuer: LocalIssuer, oidc: OidcIdentityProvider
):
    issuer.discovery = {"authorization_endpoint": f"{issuer.url}/authorize?tenant=1"}
    assert (await oidc.authorization_url(FLOW)).startswith(f"{issuer.url}/authorize?tenant=1&response_type=")
