"""Somebody else who knows who a person is: Google, any OpenID Connect issuer, GitHub."""

from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from waardhaven.domain.errors import NotFound, Unauthenticated, Unavailable


class UnknownProvider(NotFound):
    """No sign-in of that name is configured here."""


class InvalidProof(Unauthenticated):
    """The provider's proof is forged, expired, meant for somebody else, or says too little."""


class ProviderUnavailable(Unavailable):
    """The provider can not be reached or answers nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenIdentity:
    """Who a provider says a person is.

    ``subject`` never changes; ``email`` was verified by the provider. ``proof_digest`` (32 bytes) and
    ``expires_at`` let a proof be spent once.
    """

    provider: str
    subject: str
    email: str
    name: str | None = None
    proof_digest: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What has to be remembered between sending a browser away and its return (10 minutes at most)."""

    provider: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    redirect_uri: str


class IdentityProvider(Protocol):
    """One provider. Every answer of it is distrusted until proved."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The provider's name in addresses and links: ``google``, ``oidc``, ``github``."""

    @abstractmethod
    async def identity_of_token(self, id_token: str, *, nonce: str) -> ProvenIdentity:
        """Verify an ID token a client obtained itself; raise InvalidProof or ProviderUnavailable.

        Providers without ID tokens raise InvalidProof.
        """

    @abstractmethod
    async def authorization_url(self, flow: Flow) -> str:
        """Return where to send the browser (code flow, PKCE S256); raise ProviderUnavailable."""

    @abstractmethod
    async def identity_of_code(self, code: str, flow: Flow) -> ProvenIdentity:
        """Exchange a code and prove who came back; raise InvalidProof or ProviderUnavailable."""


class IdentityProviders(Protocol):
    """The providers configured here, by name."""

    @abstractmethod
    def get(self, name: str) -> IdentityProvider:
        """Return a provider; raise UnknownProvider."""

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Return the names of all providers."""
