"""Keys change while people work: tokens of the former key count exactly as long as it is configured."""

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests.conftest import SECRET
from tests.security.site import ME, REFRESH, Site, bearer

FORMER, NEXT = "the secret key of the year before", "the secret key of the present year"
JWKS = "/.well-known/jwks.json"
KEYS: dict[str, Any] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "RS256": rsa.generate_private_key(65537, 2048),
}


def private(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


async def asked(site: Site, token: str) -> httpx.Response:
    return await site.client.get(ME, headers=bearer(token))


async def test_a_token_of_the_former_secret_counts_while_that_is_configured(
    begin: Callable[..., Any],
) -> None:
    async with begin({"secret_key": FORMER}) as before:
        person = await before.person()
    token, refresh = person.session["access_token"], person.refresh_token
    async with begin({"secret_key": NEXT, "previous_secret_keys": FORMER}) as overlap:
        assert (await asked(overlap, token)).status_code == 200
        renewed = (await overlap.client.post(REFRESH, json={"refresh_token": refresh})).json()
        assert jwt.get_unverified_header(renewed["access_token"]) != jwt.get_unverified_header(token)
    async with begin({"secret_key": NEXT}) as after:
        assert (await asked(after, token)).status_code == 401
        assert (await asked(after, renewed["access_token"])).status_code == 200


@pytest.mark.parametrize("algorithm", KEYS)
async def test_the_switch_to_a_key_pair_ends_no_session(begin: Callable[..., Any], algorithm: str) -> None:
    key = KEYS[algorithm]
    async with begin() as before:
        person = await before.person()
    token = person.session["access_token"]
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    async with begin({"token_private_key": private(key)}) as sudden:
        assert (await asked(sudden, token)).status_code == 401
    async with begin({"token_private_key": private(key), "previous_secret_keys": SECRET}) as after:
        assert (await asked(after, token)).status_code == 200
        renewed = (await after.client.post(REFRESH, json={"refresh_token": person.refresh_token})).json()
        assert jwt.get_unverified_header(renewed["access_token"])["alg"] == algorithm
        assert (await asked(after, renewed["access_token"])).status_code == 200


@pytest.mark.parametrize("algorithm", KEYS)
async def test_the_published_keys_verify_a_token_and_hold_nothing_private(
    begin: Callable[..., Any], algorithm: str
) -> None:
    async with begin({"token_private_key": private(KEYS[algorithm])}) as site:
        token = (await site.person()).session["access_token"]
        answer = await site.client.get(JWKS)
    keys = jwt.PyJWKSet.from_dict(answer.json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key.key, [algorithm], audience="waardhaven-api", issuer="waardhaven")
    assert claims["role"] == "viewer"
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set().union(*answer.json()["keys"])
    assert SECRET not in answer.text


async def test_a_shared_secret_is_never_published(site: Site) -> None:
    assert (await site.client.get(JWKS)).json() == {"keys": []}


async def test_a_former_key_pair_verifies_and_signs_no_more(begin: Callable[..., Any]) -> None:
    former, present = KEYS["ES256"], KEYS["EdDSA"]
    async with begin({"token_private_key": private(former)}) as before:
        person = await before.person()
    token = person.session["access_token"]
    rotated = {"token_private_key": private(present), "token_previous_keys": public(former)}
    async with begin(rotated) as overlap:
        assert (await asked(overlap, token)).status_code == 200
        assert len((await overlap.client.get(JWKS)).json()["keys"]) == 2
        again = await overlap.sign_in(person)
        assert jwt.get_unverified_header(again["access_token"])["alg"] == "EdDSA"
    async with begin({"token_private_key": private(present)}) as after:
        assert (await asked(after, token)).status_code == 401
