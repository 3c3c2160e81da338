"""Access tokens as signed JSON Web Tokens."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import AccessToken, AccessTokens, Claims, InvalidToken
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import UserId

ALGORITHM = "HS256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068
MIN_SECRET = 32
MAX_TOKEN = 4096
REQUIRED = ["exp", "iat", "jti", "sub", "iss", "aud", "role"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """``secret`` has at least 32 characters; ``remembered`` bounds the decoded tokens kept."""

    secret: str = field(repr=False)
    issuer: str = "waardhaven"
    audience: str = "waardhaven-api"
    lifetime: timedelta = timedelta(minutes=15)
    remembered: int = 4096

    def __post_init__(self) -> None:
        """Refuse a secret that could be guessed."""
        if len(self.secret) < MIN_SECRET:
            raise ValueError(f"SECRET_KEY must have at least {MIN_SECRET} characters.")

    @property
    def key_id(self) -> str:
        """Names the key without telling it."""
        return hashlib.sha256(b"waardhaven-kid:" + self.secret.encode()).hexdigest()[:16]


class JwtAccessTokens(AccessTokens):
    """Signs and reads HS256 tokens. Decoded tokens are remembered; their expiry is checked every time."""

    def __init__(self, settings: TokenSettings, clock: Clock) -> None:
        """Sign with ``settings``, tell the time by ``clock``."""
        self._settings = settings
        self._clock = clock
        self._key_id = settings.key_id
        self._read: OrderedDict[str, Claims] = OrderedDict()

    def issue(self, user: UserId, role: Role) -> AccessToken:
        """Return a new token for a user."""
        now = self._clock.now().replace(microsecond=0)
        expires_at = now + self._settings.lifetime
        payload = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": str(user),
            "role": str(role),
            "jti": uuid4().hex,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        header = {"kid": self._key_id, "typ": TOKEN_TYPE}
        value = jwt.encode(payload, self._settings.secret, algorithm=ALGORITHM, headers=header)
        return AccessToken(value=value, expires_at=expires_at)

    def read(self, token: str) -> Claims:
        """Return the claims of a valid token; raise InvalidToken."""
        claims = self._read.get(token)
        if claims is None:
            claims = self._decoded(token)
            self._read[token] = claims
            if len(self._read) > self._settings.remembered:
                self._read.popitem(last=False)
        if claims.expires_at <= self._clock.now():
            self._read.pop(token, None)
            raise InvalidToken("The access token has expired.")
        return claims

    def _decoded(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN:
            raise InvalidToken("The access token is not valid.")
        try:
            whole = jwt.decode_complete(
                token,
                self._settings.secret,
                algorithms=[ALGORITHM],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                options={"require": REQUIRED, "verify_exp": False, "verify_iat": False},
            )
            return self._claims(whole["header"], whole["payload"])
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise InvalidToken("The access token is not valid.") from error

    def _claims(self, header: dict[str, Any], payload: dict[str, Any]) -> Claims:
        if header.get("kid") != self._key_id or header.get("typ") != TOKEN_TYPE:
            raise ValueError("another key or kind of token")
        return Claims(
            user=UserId(UUID(payload["sub"])),
            role=Role(payload["role"]),
            token_id=str(payload["jti"]),
            expires_at=datetime.fromtimestamp(int(payload["exp"]), UTC),
        )
