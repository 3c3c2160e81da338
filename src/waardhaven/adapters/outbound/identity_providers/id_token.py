"""ID tokens: every check of OpenID Connect Core §3.1.3.7 that does not need the network."""

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha384, sha512
from typing import Any

import jwt
import msgspec

from waardhaven.adapters.outbound.identity_providers.distrust import Refused
from waardhaven.adapters.outbound.identity_providers.jwks import ALGORITHMS

LARGEST_TOKEN = 16 * 1024
LONGEST_SUBJECT = 255
LEEWAY = 60
"""Seconds by which the issuer's clock may be ahead of ours."""
OLDEST = 600
"""Seconds after which a token is no longer proof of a sign-in that happens now."""
TYPES = frozenset({"jwt", "application/jwt"})
HASHES = {"256": sha256, "384": sha384, "512": sha512, "DSA": sha512}
_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_READER = jwt.PyJWS()


class Header(msgspec.Struct):
    """What is read of a header; keys and addresses of keys inside it (jku, jwk, x5c, x5u) never are."""

    alg: str
    kid: str | None = None
    typ: str | None = None
    crit: Any = msgspec.UNSET
    b64: Any = msgspec.UNSET


class Claims(msgspec.Struct):
    """What is read of a payload, types checked."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    azp: str | None = None
    nbf: int | float | None = None
    nonce: str | None = None
    at_hash: str | None = None
    email: str | None = None
    email_verified: bool | str | None = None
    name: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say. ``issuers`` are spellings of one issuer."""

    issuers: tuple[str, ...]
    client_id: str
    nonce: str = field(repr=False)
    now: datetime


def read_header(token: str) -> Header:
    """Return the header of a token nobody has verified yet; raise Refused."""
    if len(token) > LARGEST_TOKEN or not _SHAPE.fullmatch(token):
        raise Refused("it is no token, or too large")
    try:
        header = msgspec.convert(jwt.get_unverified_header(token), Header)
    except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError) as error:
        raise Refused("the header is malformed") from error
    if header.alg not in ALGORITHMS:
        raise Refused("the algorithm is not accepted")
    if header.typ is not None and header.typ.lower() not in TYPES:
        raise Refused("it is another kind of token")
    if header.crit is not msgspec.UNSET or header.b64 is not msgspec.UNSET:
        raise Refused("the header asks for an extension")
    return header


def read_claims(token: str, key: Any, algorithm: str) -> Claims:
    """Return the claims when ``key`` signed them with ``algorithm``; raise Refused."""
    try:
        payload = _READER.decode(token, key, algorithms=[algorithm])
        return msgspec.json.decode(payload, type=Claims)
    except (jwt.PyJWTError, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Refused(f"signature or claims are not right: {type(error).__name__}") from error


def check_claims(claims: Claims, expected: Expected) -> None:
    """Raise Refused unless the token is for us, from the issuer, of this very moment and sign-in."""
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    rules = [
        (claims.iss in expected.issuers, "the issuer is another"),
        (expected.client_id in audience, "it is meant for somebody else"),
        (len(audience) == 1 or claims.azp == expected.client_id, "it was issued to somebody else"),
        (_is_subject(claims.sub), "the subject is malformed"),
        (_is_nonce(claims.nonce, expected.nonce), "the nonce is another"),
        (claims.email_verified in {True, "true"}, "the e-mail address is not verified"),
    ]
    for holds, reason in (*rules, *_times(claims, expected.now.timestamp())):
        if not holds:
            raise Refused(reason)


def check_access_token(claims: Claims, access_token: str, algorithm: str) -> None:
    """Raise Refused when ``at_hash`` is there and is not the access token's (§3.1.3.6)."""
    digest = HASHES[algorithm[-3:]](access_token.encode(errors="surrogatepass")).digest()
    half = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if claims.at_hash is not None and not _is_same(claims.at_hash, half):
        raise Refused("the access token is another")


def proof_digest(token: str) -> bytes:
    """Return 32 bytes that stand for a verified token.

    Only the signed text counts: the spelling of a signature can be changed without breaking it, and a
    proof must not be spent twice in two spellings.
    """
    return sha256(token.rpartition(".")[0].encode()).digest()


def proof_ends(claims: Claims) -> datetime:
    """Return when no further check could accept the token."""
    return datetime.fromtimestamp(min(claims.exp, claims.iat + OLDEST), UTC) + timedelta(seconds=1)


def _times(claims: Claims, now: float) -> list[tuple[bool, str]]:
    return [
        (now < claims.exp, "it has expired"),
        (claims.iat <= now + LEEWAY, "it was issued in the future"),
        (now < claims.iat + OLDEST, "it is too old"),
        (claims.nbf is None or claims.nbf <= now + LEEWAY, "it is not valid yet"),
    ]


def _is_subject(text: str) -> bool:
    return 0 < len(text) <= LONGEST_SUBJECT and text.isascii() and text.isprintable()


def _is_nonce(said: str | None, expected: str) -> bool:
    return bool(expected) and said is not None and _is_same(said, expected)


def _is_same(one: str, other: str) -> bool:
    """Compare in a time that does not tell where the texts differ."""
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))
