"""Sign-in through GitHub: OAuth 2.0 without ID tokens, the verified address from its API.

Source: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps and
https://docs.github.com/en/rest/users/emails
"""

from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.identity_providers import codes
from waardhaven.adapters.outbound.identity_providers.distrust import (
    Refused,
    Unusable,
    shown_name,
    translated,
    trusted_email,
)
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.identity_provider import Flow, IdentityProvider, ProvenIdentity

T = TypeVar("T")
NAME = "github"
SCOPE = "read:user user:email"
CODE_LIFE = timedelta(minutes=10)
LARGEST_DOCUMENT = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class GithubSite:
    """Where GitHub is; tests put another in its place."""

    web: str = "https://github.com"
    api: str = "https://api.github.com"
    reach: Reach = Reach.PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class GithubClient:
    """What we are called at GitHub."""

    id: str
    secret: str = field(repr=False)


class _User(msgspec.Struct):
    id: int
    name: Any = None


class _Email(msgspec.Struct):
    email: str
    primary: bool
    verified: bool


class GithubIdentityProvider(IdentityProvider):
    """Believes what GitHub's API says to an access token, which is used twice and forgotten."""

    def __init__(
        self, client: GithubClient, http: HttpSession, clock: Clock, *, site: GithubSite | None = None
    ) -> None:
        """Ask nothing before the first sign-in."""
        self._client = client
        self._http = http
        self._clock = clock
        self._site = site or GithubSite()

    @property
    def name(self) -> str:
        """The provider's name."""
        return NAME

    async def identity_of_token(self, id_token: str, *, nonce: str) -> ProvenIdentity:  # noqa: ARG002 - none
        """Raise InvalidProof: GitHub issues no ID tokens."""
        with translated(NAME):
            raise Refused("GitHub issues no ID tokens")

    async def authorization_url(self, flow: Flow) -> str:
        """Return where to send the browser."""
        query = codes.authorization_query(flow, client_id=self._client.id, scope=SCOPE)
        return codes.with_query(f"{self._site.web}/login/oauth/authorize", query)

    async def identity_of_code(self, code: str, flow: Flow) -> ProvenIdentity:
        """Exchange a code and ask who it is; raise InvalidProof or ProviderUnavailable."""
        with translated(NAME):
            token = await self._access_token(codes.token_form(code, flow, provider=NAME))
            user = await self._asked("/user", token, _User)
            emails = await self._asked("/user/emails?per_page=100", token, list[_Email])
            if user.id <= 0:
                raise Unusable("the user has no id")
            return ProvenIdentity(
                provider=NAME,
                subject=str(user.id),
                email=_primary(emails),
                name=shown_name(user.name),
                proof_digest=sha256(f"{NAME}:{code}".encode()).digest(),
                expires_at=self._clock.now() + CODE_LIFE,
            )

    async def _access_token(self, form: dict[str, str]) -> str:
        answer = await self._http.post_form(
            f"{self._site.web}/login/oauth/access_token",
            form | {"client_id": self._client.id, "client_secret": self._client.secret},
            reach=self._site.reach,
            limit=LARGEST_DOCUMENT,
        )
        token = codes.read_tokens(answer).access_token
        if not token or not token.isascii() or not token.isprintable():
            raise Unusable("the access token is malformed")
        return token

    async def _asked(self, path: str, token: str, kind: type[T]) -> T:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Authorization": f"Bearer {token}",
        }
        answer = await self._http.get(
            f"{self._site.api}{path}", headers=headers, reach=self._site.reach, limit=LARGEST_DOCUMENT
        )
        if answer.status in {401, 404}:
            raise Refused(f"GitHub does not tell who it is: {answer.status}")
        if answer.status != 200:
            raise Unusable(f"the API of GitHub answered with {answer.status}")
        return answer.json(kind)


def _primary(emails: list[_Email]) -> str:
    """Return the one address that is primary and verified; raise Refused."""
    found = [one.email for one in emails if one.primary and one.verified]
    if len(found) != 1:
        raise Refused("there is no verified primary e-mail address")
    return trusted_email(found[0])
