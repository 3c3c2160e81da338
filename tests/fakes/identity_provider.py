from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.fakes.clock import FakeClock

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.identity_provider import (
    Flow,
    IdentityProvider,
    IdentityProviders,
    InvalidProof,
    ProvenIdentity,
    ProviderUnavailable,
    UnknownProvider,
)

LIFE = timedelta(minutes=10)


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


@dataclass
class FakeIdentityProvider(IdentityProvider):
    """Knows one person at a time: change ``subject`` and ``email`` to be another.

    ``issue`` gives an ID token, ``approve`` is the person who agrees in the browser; ``failing`` makes the
    provider unreachable and ``verified`` its address unproved.
    """

    called: str = "oidc"
    clock: Clock = field(default_factory=FakeClock)
    subject: str = "248289761001"
    email: str = "ada@example.org"
    person: str | None = "Ada Lovelace"
    verified: bool = True
    failing: bool = False
    tokens: dict[str, tuple[str, ProvenIdentity]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.called

    def issue(self, nonce: str) -> str:
        """Return an ID token for the person."""
        token = f"{self.called}-token-{len(self.tokens)}"
        self.tokens[token] = (nonce, self._proven(token))
        return token

    def approve(self, address: str) -> str:
        """Return the code a browser would come back with."""
        code = f"{self.called}-code-{len(self.codes)}"
        self.codes[code] = dict(parse_qsl(urlsplit(address).query))
        return code

    async def identity_of_token(self, id_token: str, *, nonce: str) -> ProvenIdentity:
        self._require_reachable()
        said, proven = self.tokens.get(id_token, ("", None))
        if proven is None or not self.verified or said != nonce or self.clock.now() >= proven.expires_at:
            raise InvalidProof("The proof of identity is not valid.")
        return proven

    async def authorization_url(self, flow: Flow) -> str:
        self._require_reachable()
        query = {
            "state": flow.state,
            "code_challenge": digest(flow.code_verifier).hex(),
            "code_challenge_method": "S256",
            "redirect_uri": flow.redirect_uri,
        }
        return f"https://{self.called}.example/authorize?{urlencode(query)}"

    async def identity_of_code(self, code: str, flow: Flow) -> ProvenIdentity:
        self._require_reachable()
        asked = self.codes.get(code)
        self.codes[code] = {}
        fits = asked and asked["code_challenge"] == digest(flow.code_verifier).hex()
        if not fits or not self.verified or flow.provider != self.called:
            raise InvalidProof("The proof of identity is not valid.")
        return self._proven(code)

    def _proven(self, proof: str) -> ProvenIdentity:
        return ProvenIdentity(
            provider=self.called,
            subject=self.subject,
            email=self.email,
            name=self.person,
            proof_digest=digest(proof),
            expires_at=self.clock.now() + LIFE,
        )

    def _require_reachable(self) -> None:
        if self.failing:
            raise ProviderUnavailable("The sign-in provider can not be reached.")


class FakeIdentityProviders(IdentityProviders):
    """The fakes a test gives it."""

    def __init__(self, providers: Iterable[IdentityProvider] = ()) -> None:
        self.providers = {one.name: one for one in providers}

    def get(self, name: str) -> IdentityProvider:
        if name not in self.providers:
            raise UnknownProvider("No sign-in of that name is configured here.")
        return self.providers[name]

    def names(self) -> tuple[str, ...]:
        return tuple(self.providers)
