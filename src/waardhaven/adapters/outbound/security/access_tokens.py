"""Access tokens as signed JSON Web Tokens (RFC 7519, RFC 9068)."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import jwt

from waardhaven.adapters.outbound.security.keys import Key, pem_keys, shared_key
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import AccessToken, AccessTokens, Claims, InvalidToken
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import SessionId, UserId

TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068
MAX_TOKEN = 4096
REQUIRED = ["exp", "iat", "jti", "sub", "iss", "aud", "role", "sid", "ver"]


@dataclass(frozen=True, kw_only=True)
class TokenSettings:
    """What tokens are signed with.

    ``secret`` (at least 32 characters) signs by HS256 unless ``private_key`` (PEM) is given. Tokens of
    ``previous`` secrets and ``previous_keys`` (PEM blocks) are read as long as these are configured: the
    overlap of a key rotation. Beside a private key the secret itself counts only as a previous one.
    ``remembered`` bounds the decoded tokens kept. Raises ValueError.
    """

    secret: str = field(repr=False)
    previous: tuple[str, ...] = field(default=(), repr=False)
    private_key: str | None = field(default=None, repr=False)
    previous_keys: str | None = field(default=None, repr=False)
    issuer: str = "waardhaven"
    audience: str = "waardhaven-api"
    lifetime: timedelta = timedelta(minutes=15)
    remembered: int = 4096

    def __post_init__(self) -> None:
        """Refuse keys that could be guessed or can not be read."""
        if self.signing.sign is None:
            raise ValueError("TOKEN_PRIVATE_KEY holds a public key.")
        self.verifying  # noqa: B018 - reads them all

    @cached_property
    def signing(self) -> Key:
        """The key of new tokens."""
        return pem_keys(self.private_key)[0] if self.private_key else shared_key(self.secret)

    @cached_property
    def verifying(self) -> dict[str, Key]:
        """Every key a token may be signed with, by its id."""
        keys = [self.signing, *(shared_key(one) for one in self.previous)]
        keys += pem_keys(self.previous_keys) if self.previous_keys else []
        return {one.id: one for one in keys}

    @property
    def key_id(self) -> str:
        """Names the signing key without telling it."""
        return self.signing.id


class JwtAccessTokens(AccessTokens):
    """Signs and reads tokens. Decoded tokens are remembered; their expiry is checked every time.

    A token's ``kid`` chooses among our own keys, and the key alone the algorithm: what the header says
    of it, or of keys elsewhere, counts for nothing.
    """

    def __init__(self, settings: TokenSettings, clock: Clock) -> None:
        """Sign with ``settings``, tell the time by ``clock``."""
        self._settings = settings
        self._clock = clock
        self._read: OrderedDict[str, Claims] = OrderedDict()

    def issue(self, user: UserId, role: Role, *, session: SessionId, version: int) -> AccessToken:
        """Return a new token for a user."""
        now = self._clock.now().replace(microsecond=0)
        expires_at = now + self._settings.lifetime
        payload = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": str(user),
            "role": str(role),
            "sid": str(session),
            "ver": version,
            "jti": uuid4().hex,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        key = self._settings.signing
        header = {"kid": key.id, "typ": TOKEN_TYPE}
        value = jwt.encode(payload, key.sign, algorithm=key.algorithm, headers=header)
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

    def public_keys(self) -> list[dict[str, str]]:
        """See AccessTokens."""
        found = (key.public() for key in self._settings.verifying.values())
        return [one for one in found if one is not None]

    def _decoded(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN:
            raise InvalidToken("The access token is not valid.")
        try:
            header = jwt.get_unverified_header(token)
            key = self._settings.verifying[str(header.get("kid"))]
            payload = jwt.decode(
                token,
                key.verify,
                algorithms=[key.algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                options={"require": REQUIRED, "verify_exp": False, "verify_iat": False},
            )
            return self._claims(header, payload)
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise InvalidToken("The access token is not valid.") from error

    def _claims(self, header: dict[str, Any], payload: dict[str, Any]) -> Claims:
        if header.get("typ") != TOKEN_TYPE:
            raise ValueError("another kind of token")
        return Claims(
            user=UserId(UUID(payload["sub"])),
            role=Role(payload["role"]),
            session=SessionId(UUID(payload["sid"])),
            version=int(payload["ver"]),
            token_id=str(payload["jti"]),
            expires_at=datetime.fromtimestamp(int(payload["exp"]), UTC),
        )
