"""From a bearer token to who is asking."""

import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from waardhaven.application.identity.secrets import digest_of
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.revocations import Revocations
from waardhaven.application.ports.security import AccessTokens, Claims, InvalidToken
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.api_key import MARK, ApiKey, prefix_of
from waardhaven.domain.identity.roles import Credential, Principal, Role
from waardhaven.domain.identity.user import User

REMEMBERED = 4096
REMEMBERED_FOR = timedelta(seconds=2)
USE_NOTED_EVERY = timedelta(minutes=1)


class RevocationsUnknown(Unavailable):
    """Whether the token was ended is not known while the database is out of reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """The token that opens everything when nothing else does (ADMIN_TOKEN); None: there is none."""

    token: str | None = field(repr=False)

    def opens_with(self, token: str) -> bool:
        """Compare in a time that tells nothing of the token."""
        return self.token is not None and hmac.compare_digest(digest_of(token), digest_of(self.token))


class Authenticate:
    """Tells who holds an access token, an API key, or the break-glass token.

    Access tokens need no I/O: revocations are known in the process. API keys are looked up and
    remembered for two seconds. Each use of the break-glass token is audited before it is believed.
    """

    def __init__(
        self,
        tokens: AccessTokens,
        revocations: Revocations,
        uow: UnitOfWork,
        clock: Clock,
        break_glass: BreakGlass,
    ) -> None:
        """Ask these."""
        self._tokens = tokens
        self._revocations = revocations
        self._uow = uow
        self._clock = clock
        self._break_glass = break_glass
        self._keys: OrderedDict[bytes, tuple[Principal, datetime]] = OrderedDict()

    def known(self, token: str) -> Principal | None:
        """Return who holds a token, None when the answer needs more than a look. No I/O."""
        if token.startswith(MARK):
            return self._remembered(digest_of(token), self._clock.now())
        if not self._revocations.is_current():
            return None
        try:
            claims = self._tokens.read(token)
        except InvalidToken:
            return None
        return None if self._revocations.refuses(claims) else _session(claims)

    async def __call__(self, token: str) -> Principal:
        """Return who holds the token; raise InvalidToken, or RevocationsUnknown while nobody knows."""
        if token.startswith(MARK):
            return await self._holder_of_key(token)
        if self._break_glass.opens_with(token):
            return await self._breaking_glass()
        claims = self._tokens.read(token)
        await self._revocations.settled()
        if not self._revocations.is_current():
            raise RevocationsUnknown(
                "The database is out of reach: nobody can say whether the token still counts."
            )
        if self._revocations.refuses(claims):
            raise InvalidToken("The session of this token has ended, or its account changed. Log in again.")
        return _session(claims)

    async def _breaking_glass(self) -> Principal:
        principal = Principal(user=None, role=Role.ADMIN, credential=Credential.BREAK_GLASS)
        async with self._uow() as tx:
            await tx.audit.record("break_glass.used", by=principal, target="system")
            await tx.commit()
        return principal

    async def _holder_of_key(self, token: str) -> Principal:
        digest, now = digest_of(token), self._clock.now()
        if (known := self._remembered(digest, now)) is not None:
            return known
        principal = await self._look_up(token, digest, now)
        self._keys[digest] = principal, now + REMEMBERED_FOR
        self._keys.move_to_end(digest)
        if len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        return principal

    def _remembered(self, digest: bytes, now: datetime) -> Principal | None:
        known = self._keys.get(digest)
        return known[0] if known is not None and now < known[1] else None

    async def _look_up(self, token: str, digest: bytes, now: datetime) -> Principal:
        prefix = prefix_of(token)
        if prefix is None:
            raise _refused()
        async with self._uow() as tx:
            key = await tx.api_keys.by_prefix(prefix)
            user = await tx.users.by_id(key.user) if key else None
            if key is None or user is None or not _opens(key, user, digest, now):
                raise _refused()
            if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
                await tx.api_keys.used(key.id, now)
                await tx.commit()
        return Principal(
            user=user.id,
            role=user.role,
            credential=Credential.API_KEY,
            key=key.id,
            scopes=key.scopes,
            per_minute=key.per_minute,
        )


def _session(claims: Claims) -> Principal:
    return Principal(user=claims.user, role=claims.role, session=claims.session)


def _opens(key: ApiKey, user: User, digest: bytes, now: datetime) -> bool:
    return hmac.compare_digest(key.digest, digest) and key.is_usable(now) and user.may_sign_in


def _refused() -> InvalidToken:
    return InvalidToken("The API key is not valid.")
