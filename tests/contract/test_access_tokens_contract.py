"""What access tokens promise."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.security import TOKENS

from waardhaven.adapters.outbound.security.access_tokens import JwtAccessTokens, TokenSettings
from waardhaven.application.ports.security import InvalidToken
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import UserId

ADA = UserId(UUID(int=1))


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
    token = tokens.issue(ADA, Role.ANALYST)
    claims = tokens.read(token.value)
    assert (claims.user, claims.role) == (ADA, Role.ANALYST)
    assert claims.expires_at == token.expires_at == clock.now() + timedelta(minutes=15)


def test_each_token_has_an_id_of_its_own(tokens: JwtAccessTokens) -> None:
    read = {tokens.read(tokens.issue(ADA, Role.VIEWER).value).token_id for _ in range(3)}
    assert len(read) == 3


def test_a_token_ends_also_after_it_was_read(tokens: JwtAccessTokens, clock: FakeClock) -> None:
    token = tokens.issue(ADA, Role.VIEWER).value
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
        {"exp": 0},
        {"exp": 1e300},
        {"exp": "soon"},
        *({name: None} for name in ("iss", "aud", "sub", "role", "jti", "iat", "exp")),
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
        tokens.read(tokens.issue(ADA, Role.VIEWER).value)
    assert len(tokens._read) == 2


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        TokenSettings(secret="x" * 31)
