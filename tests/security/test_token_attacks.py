"""Forged, borrowed and misused tokens: none opens anything, and all refusals look alike."""

import asyncio
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm
from tests.conftest import SECRET
from tests.security.site import LOGIN, ME, REFRESH, Person, Site, bearer
from tests.security.test_sessions import mailed_token
from tests.unit.adapters.http.expect import problem

OURS = ec.generate_private_key(ec.SECP256R1())
THEIRS = ec.generate_private_key(ec.SECP256R1())


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public_pem(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def public_der(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def parsed(text: str) -> dict[str, Any]:
    return dict(json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def by_secret(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """Sign by HS256 without asking a library whether that is wise."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), sha256))}"


def by_key(header: dict[str, Any], claims: dict[str, Any], key: Any = THEIRS, alg: str = "ES256") -> str:
    return jwt.encode(claims, key, algorithm=alg, headers=header)


@dataclass(frozen=True)
class Stolen:
    """A genuine token, taken apart."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signature: str

    @property
    def promoted(self) -> dict[str, Any]:
        return self.claims | {"role": "admin"}


Forge = Callable[[Stolen], str]
FORGERIES: dict[str, Forge] = {
    "HS256 by our public PEM": lambda t: by_secret(t.header | {"alg": "HS256"}, t.promoted, public_pem(OURS)),
    "HS256 by our public PEM, stripped": lambda t: by_secret(
        t.header | {"alg": "HS256"}, t.promoted, public_pem(OURS).strip()
    ),
    "HS256 by our public DER": lambda t: by_secret(t.header | {"alg": "HS256"}, t.promoted, public_der(OURS)),
    "HS256 by nothing": lambda t: by_secret(t.header | {"alg": "HS256"}, t.promoted, b""),
    "HS256 by SECRET_KEY under the asymmetric kid": lambda t: by_secret(
        t.header | {"alg": "HS256"}, t.promoted, SECRET.encode()
    ),
    "none": lambda t: f"{part(t.header | {'alg': 'none'})}.{part(t.promoted)}.",
    "None": lambda t: f"{part(t.header | {'alg': 'None'})}.{part(t.promoted)}.",
    "nOnE with our signature": lambda t: f"{part(t.header | {'alg': 'nOnE'})}.{part(t.claims)}.{t.signature}",
    "no algorithm": lambda t: (
        f"{part({'kid': t.header['kid'], 'typ': 'at+jwt'})}.{part(t.claims)}.{t.signature}"
    ),
    "signed by another key": lambda t: by_key(t.header, t.promoted),
    "tampered role": lambda t: f"{part(t.header)}.{part(t.promoted)}.{t.signature}",
    "tampered subject": lambda t: f"{part(t.header)}.{part(t.claims | {'sub': str(uuid4())})}.{t.signature}",
    "later end": lambda t: f"{part(t.header)}.{part(t.claims | {'exp': 9_999_999_999})}.{t.signature}",
    "signature cut off": lambda t: f"{part(t.header)}.{part(t.claims)}.",
    "signature of zeros": lambda t: f"{part(t.header)}.{part(t.claims)}.{part(bytes(64))}",
    "signature in DER": lambda t: (
        f"{part(t.header)}.{part(t.claims)}.{part(bytes.fromhex('3006020100020100'))}"
    ),
    "own jwk": lambda t: by_key(
        t.header | {"jwk": ECAlgorithm.to_jwk(THEIRS.public_key(), True)}, t.promoted
    ),
    "expired": lambda t: by_key(t.header, t.claims | {"exp": int(time.time()) - 1}, OURS),
    "ends in the year 292 billion": lambda t: by_key(t.header, t.claims | {"exp": 2**63}, OURS),
    "foreign issuer": lambda t: by_key(t.header, t.claims | {"iss": "https://evil.example"}, OURS),
    "foreign audience": lambda t: by_key(t.header, t.claims | {"aud": "another-api"}, OURS),
    "no audience": lambda t: by_key(t.header, {k: v for k, v in t.claims.items() if k != "aud"}, OURS),
    "no end": lambda t: by_key(t.header, {k: v for k, v in t.claims.items() if k != "exp"}, OURS),
    "no session": lambda t: by_key(t.header, {k: v for k, v in t.claims.items() if k != "sid"}, OURS),
    "unknown role": lambda t: by_key(t.header, t.claims | {"role": "root"}, OURS),
    "role of another type": lambda t: by_key(t.header, t.claims | {"role": ["admin"]}, OURS),
    "subject that is no id": lambda t: by_key(t.header, t.claims | {"sub": "1 OR 1=1"}, OURS),
    "version that is no number": lambda t: by_key(t.header, t.claims | {"ver": "x"}, OURS),
    "type of an ID token": lambda t: by_key(t.header | {"typ": "JWT"}, t.claims, OURS),
    "not valid yet": lambda t: by_key(t.header, t.claims | {"nbf": int(time.time()) + 3600}, OURS),
    "foreign kid": lambda t: by_key(t.header | {"kid": "0000000000000000"}, t.claims, OURS),
    "kid that is a path": lambda t: by_secret(
        {"alg": "HS256", "typ": "at+jwt", "kid": "../../../../dev/null"}, t.promoted, b""
    ),
    "kid that is SQL": lambda t: by_secret(
        {"alg": "HS256", "typ": "at+jwt", "kid": "x' UNION SELECT 'k' --"}, t.promoted, b"k"
    ),
    "kid of another type": lambda t: by_secret(
        {"alg": "HS256", "typ": "at+jwt", "kid": [t.header["kid"]]}, t.promoted, public_pem(OURS)
    ),
    "unknown critical header": lambda t: by_key(t.header | {"crit": ["exp"]}, t.claims, OURS),
    "HS256 by an empty secret without kid": lambda t: by_secret(
        {"alg": "HS256", "typ": "at+jwt"}, t.promoted, b""
    ),
    "huge": lambda t: by_key(t.header, t.claims | {"pad": "x" * 5_000}, OURS),
    "a header that is a list": lambda t: f"{part([])}.{part(t.claims)}.{t.signature}",
    "claims that are a list": lambda t: f"{part(t.header)}.{part([])}.{t.signature}",
    "not a token": lambda _: "a.b.c",
    "five parts": lambda t: f"{part(t.header)}....{part(t.claims)}",
    "not ASCII": lambda _: "\u00e9\u00ff.\u00e9.\u00e9",
    "an API key of nobody": lambda _: f"whk_{'a' * 10}_{'A' * 43}",
    "an API key of another form": lambda _: "whk_' OR 1=1 --_x",
}


@pytest.fixture
async def signing(begin: Callable[..., Any]) -> AsyncIterator[Site]:
    """The application with a key pair for its tokens."""
    async with begin({"token_private_key": pem(OURS)}) as site:
        yield site


def taken_apart(token: str) -> Stolen:
    header, claims, signature = token.split(".")
    return Stolen(parsed(header), parsed(claims), signature)


async def victim(site: Site) -> tuple[Person, Stolen]:
    person = await site.person()
    stolen = taken_apart(person.session["access_token"])
    assert stolen.header["alg"] == "ES256"
    assert (await site.client.get(ME, headers=person.bearer)).status_code == 200
    again = by_key(stolen.header, stolen.claims, OURS)
    assert (await site.client.get(ME, headers=bearer(again))).status_code == 200, "forgeries fail for cause"
    return person, stolen


async def test_every_forged_token_is_refused_in_the_same_words(signing: Site) -> None:
    _, stolen = await victim(signing)
    details = set()
    for name, forge in FORGERIES.items():
        headers = {b"Authorization": b"Bearer " + forge(stolen).encode("latin-1")}
        for path in (ME, "/api/v1/index/current", "/api/v1/admin/users"):
            answer = await signing.client.get(path, headers=headers)
            body = problem(answer, 401, "invalid_token")
            assert answer.headers["www-authenticate"] == "Bearer", name
            if not forge(stolen).startswith("whk_"):
                details.add(body["detail"])
    assert details <= {"The access token is not valid.", "The access token has expired."}


async def test_a_forgery_does_not_get_in_by_coming_again(signing: Site) -> None:
    _, stolen = await victim(signing)
    forged = bearer(FORGERIES["tampered role"](stolen))
    answers = [await signing.client.get("/api/v1/admin/users", headers=forged) for _ in range(3)]
    assert [one.status_code for one in answers] == [401] * 3


@pytest.mark.parametrize("name", ["jku", "x5u"])
async def test_no_header_of_a_token_makes_us_fetch_a_key(signing: Site, name: str) -> None:
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys.json"
        _, stolen = await victim(signing)
        forged = by_key(stolen.header | {name: address, "kid": "theirs"}, stolen.promoted)
        problem(await signing.client.get(ME, headers=bearer(forged)), 401, "invalid_token")
    assert asked == []


@pytest.mark.parametrize("scheme", ["Basic", "Token", "bearer\t", "JWT", ""])
async def test_a_genuine_token_counts_under_its_scheme_alone(site: Site, scheme: str) -> None:
    person = await site.person()
    headers = {"Authorization": f"{scheme} {person.session['access_token']}"}
    problem(await site.client.get(ME, headers=headers), 401)


@pytest.mark.parametrize("where", ["access_token", "token", "api_key", "authorization"])
async def test_a_token_in_the_query_or_in_a_cookie_proves_nothing(site: Site, where: str) -> None:
    token = (await site.person()).session["access_token"]
    problem(await site.client.get(ME, params={where: token}), 401)
    problem(await site.client.get(ME, headers={"Cookie": f"{where}={token}"}), 401)


async def test_the_first_of_two_authorization_headers_counts(site: Site) -> None:
    person = await site.person()
    twice = [
        (b"authorization", b"Bearer nonsense"),
        (b"authorization", person.bearer["Authorization"].encode()),
    ]
    problem(await site.client.get(ME, headers=twice), 401)


async def test_a_refresh_token_is_no_access_token_and_the_reverse(site: Site) -> None:
    person = await site.person()
    problem(await site.client.get(ME, headers=bearer(person.refresh_token)), 401, "invalid_token")
    swapped = await site.client.post(REFRESH, json={"refresh_token": person.session["access_token"][:128]})
    problem(swapped, 401, "invalid_refresh_token")
    long = await site.client.post(REFRESH, json={"refresh_token": person.session["access_token"]})
    problem(long, 422)
    assert (await site.client.get(ME, headers=person.bearer)).status_code == 200, "nothing ended by that"


async def test_a_mailed_token_is_no_access_or_refresh_token(site: Site) -> None:
    person = await site.person()
    await site.client.post("/api/v1/auth/forgot-password", json={"email": person.email})
    token = await mailed_token(site, person)
    problem(await site.client.get(ME, headers=bearer(token)), 401)
    problem(await site.client.post(REFRESH, json={"refresh_token": token}), 401)
    problem(await site.client.post("/api/v1/auth/verify-email", json={"token": token}), 401)


async def test_a_login_answers_with_a_token_that_names_no_key_of_ours_but_its_id(signing: Site) -> None:
    person, stolen = await victim(signing)
    assert set(stolen.header) == {"alg", "kid", "typ"}
    assert set(stolen.claims) == {"iss", "aud", "sub", "role", "sid", "ver", "jti", "iat", "exp"}
    assert stolen.claims["exp"] - stolen.claims["iat"] == 900
    again = await signing.client.post(LOGIN, json={"email": person.email, "password": person.password})
    assert taken_apart(again.json()["access_token"]).claims["jti"] != stolen.claims["jti"]
