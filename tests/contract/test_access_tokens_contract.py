"""What access tokens promise."""

import base64
import hmac
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.fakes.clock import FakeClock
from tests.fakes.security import TOKENS

from waardhaven.adapters.outbound.security.access_tokens import JwtAccessTokens, TokenSettings
from waardhaven.adapters.outbound.security.keys import pem_keys
from waardhaven.application.ports.security import InvalidToken
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import SessionId, UserId

ADA = UserId(UUID(int=1))
SESSION = SessionId(UUID(int=2))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(clock: FakeClock) -> JwtAccessTokens:
    return JwtAccessTokens(TOKENS, clock)


def forged(clock: FakeClock, **changes: object) -> str:
    """Return a token that is right but for the changes; None removes a claim."""
    now = int(clock.now().timestamp())
    header = {"kid": TOKENS.key_id, "typ": "at+jwt"}
    payload: dict[str, object] = {
        "iss": "waardhaven",
        "aud": "waardhaven-api",
        "sub": str(ADA),
        "role": "viewer",
        "sid": str(UUID(int=2)),
        "ver": 1,
        "jti": "1",
        "iat": now,
        "exp": now + 60,
    }
    secret = str(changes.pop("secret", TOKENS.secret))
    algorithm = str(changes.pop("algorithm", "HS256"))
    header |= {name: str(changes.pop(name)) for name in ("kid", "typ") if name in changes}
    payload = {name: value for name, value in (payload | changes).items() if value is not None}
    return jwt.encode(payload, secret, algorithm=algorithm, headers=header)


def test_a_token_says_whose_it_is_and_until_when(tokens: JwtAccessTokens, clock: FakeClock) -> None:
    token = tokens.issue(ADA, Role.ANALYST, session=SESSION, version=3)
    claims = tokens.read(token.value)
    assert (claims.user, claims.role, claims.session, claims.version) == (ADA, Role.ANALYST, SESSION, 3)
    assert claims.expires_at == token.expires_at == clock.now() + timedelta(minutes=15)


def test_each_token_has_an_id_of_its_own(tokens: JwtAccessTokens) -> None:
    issued = [tokens.issue(ADA, Role.VIEWER, session=SESSION, version=1) for _ in range(3)]
    read = {tokens.read(one.value).token_id for one in issued}
    assert len(read) == 3


def test_a_token_ends_also_after_it_was_read(tokens: JwtAccessTokens, clock: FakeClock) -> None:
    token = tokens.issue(ADA, Role.VIEWER, session=SESSION, version=1).value
    clock.advance(timedelta(minutes=14, seconds=59))
    tokens.read(token)
    clock.advance(timedelta(seconds=1))
    for _ in range(2):
        with pytest.raises(InvalidToken):
            tokens.read(token)


def test_the_forger_of_these_tests_is_believed_when_nothing_is_wrong(
    tokens: JwtAccessTokens, clock: FakeClock
) -> None:
    assert tokens.read(forged(clock)).user == ADA


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "another secret that is also long enough for any algorithm of the family"},
        {"algorithm": "HS512"},
        {"kid": "other"},
        {"typ": "JWT"},
        {"iss": "somebody"},
        {"aud": "something"},
        {"sub": "not an id"},
        {"role": "king"},
        {"sid": "not an id"},
        {"ver": "first"},
        {"exp": 0},
        {"exp": 1e300},
        {"exp": "soon"},
        *({name: None} for name in ("iss", "aud", "sub", "role", "jti", "iat", "exp", "sid", "ver")),
    ],
)
def test_a_token_that_is_wrong_in_anything_is_refused(
    tokens: JwtAccessTokens, clock: FakeClock, changes: dict[str, object]
) -> None:
    with pytest.raises(InvalidToken):
        tokens.read(forged(clock, **dict(changes)))


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "ä", "x" * 5000, "e30.e30.", "\x00"])
def test_what_is_no_token_is_refused(tokens: JwtAccessTokens, token: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.read(token)


def test_an_unsigned_token_is_refused(tokens: JwtAccessTokens) -> None:
    with pytest.raises(InvalidToken):
        tokens.read(jwt.encode({"sub": str(ADA)}, None, algorithm="none", headers={"kid": TOKENS.key_id}))


def test_remembered_tokens_are_bounded(clock: FakeClock) -> None:
    tokens = JwtAccessTokens(replace(TOKENS, remembered=2), clock)
    for _ in range(5):
        tokens.read(tokens.issue(ADA, Role.VIEWER, session=SESSION, version=1).value)
    assert len(tokens._read) == 2


def keys(kind: str) -> tuple[str, str]:
    """Return a new private key and its public one as PEM."""
    made = {
        "EdDSA": Ed25519PrivateKey.generate,
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
    }[kind]()
    private = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private, public


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_tokens_signed_by_a_private_key_are_verified_by_the_published_one(clock: FakeClock, algorithm: str):
    private, _ = keys(algorithm)
    tokens = JwtAccessTokens(replace(TOKENS, private_key=private), clock)
    value = tokens.issue(ADA, Role.VIEWER, session=SESSION, version=1).value
    assert tokens.read(value).user == ADA
    (published,) = tokens.public_keys()
    assert published["alg"] == algorithm
    assert "d" not in published
    found = jwt.PyJWKSet.from_dict({"keys": [published]}).keys[0]
    decoded = jwt.decode(
        value, found, algorithms=[algorithm], audience="waardhaven-api", options={"verify_exp": False}
    )
    assert decoded["sub"] == str(ADA)


def test_shared_secret_is_never_published(tokens: JwtAccessTokens):
    assert tokens.public_keys() == []


def test_public_key_as_a_secret_signs_nothing(clock: FakeClock):
    private, public = keys("RS256")
    settings = replace(TOKENS, private_key=private)
    tokens = JwtAccessTokens(settings, clock)
    signed = forged(clock, kid=settings.key_id)
    head, body, _ = signed.split(".")
    by_public = hmac.digest(public.encode(), f"{head}.{body}".encode(), "sha256")
    confused = f"{head}.{body}.{base64.urlsafe_b64encode(by_public).decode().rstrip('=')}"
    for token in (signed, confused):
        with pytest.raises(InvalidToken):
            tokens.read(token)


def test_former_keys_count_while_they_are_configured(clock: FakeClock):
    private, public = keys("ES256")
    secret = "the next secret, which is also long enough for tests"
    old = JwtAccessTokens(TOKENS, clock).issue(ADA, Role.VIEWER, session=SESSION, version=1).value
    asymmetric = JwtAccessTokens(replace(TOKENS, private_key=private), clock)
    signed = asymmetric.issue(ADA, Role.VIEWER, session=SESSION, version=1).value
    overlap = TokenSettings(secret=secret, previous=(TOKENS.secret,), previous_keys=public)
    after = TokenSettings(secret=secret)
    for token in (old, signed):
        assert JwtAccessTokens(overlap, clock).read(token).user == ADA
        with pytest.raises(InvalidToken):
            JwtAccessTokens(after, clock).read(token)
    with pytest.raises(InvalidToken):
        asymmetric.read(old)
    switching = replace(TOKENS, private_key=private, previous=(TOKENS.secret,))
    assert JwtAccessTokens(switching, clock).read(old).user == ADA


@pytest.mark.parametrize(
    "bad", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"]
)
def test_keys_that_can_not_be_read_are_refused(bad: str):
    with pytest.raises(ValueError, match="PEM"):
        pem_keys(bad)


def test_weak_and_odd_keys_are_refused():
    odd = [rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP384R1())]
    for one in odd:
        pem = one.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        with pytest.raises(ValueError, match="P-256"):
            pem_keys(pem)
    with pytest.raises(ValueError, match="public"):
        replace(TOKENS, private_key=keys("EdDSA")[1])


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        TokenSettings(secret="x" * 31)
