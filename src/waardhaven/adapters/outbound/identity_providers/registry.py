"""Which sign-ins are configured: a new one is one file and one entry."""

from dataclasses import dataclass, field

from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.identity_providers.github import GithubClient, GithubIdentityProvider
from waardhaven.adapters.outbound.identity_providers.oidc import Issuer, OidcIdentityProvider, google
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.identity_provider import (
    IdentityProvider,
    IdentityProviders,
    UnknownProvider,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What was registered with the providers; a provider that lacks a part is not offered."""

    google_client_id: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    github_client_id: str | None = None
    github_client_secret: str | None = field(default=None, repr=False)


class ConfiguredProviders(IdentityProviders):
    """The providers of the settings, in a fixed order."""

    def __init__(self, *providers: IdentityProvider) -> None:
        """Hold providers of different names."""
        self._providers = {one.name: one for one in providers}

    def get(self, name: str) -> IdentityProvider:
        """Return a provider; raise UnknownProvider."""
        provider = self._providers.get(name)
        if provider is None:
            raise UnknownProvider("No sign-in of that name is configured here.")
        return provider

    def names(self) -> tuple[str, ...]:
        """Return the names of all providers."""
        return tuple(self._providers)


def configured(settings: ProviderSettings, http: HttpSession, clock: Clock) -> ConfiguredProviders:
    """Return the providers whose settings are complete."""
    found: list[IdentityProvider] = []
    if settings.google_client_id:
        found.append(OidcIdentityProvider(google(settings.google_client_id), http, clock))
    if settings.oidc_issuer and settings.oidc_client_id:
        issuer = Issuer(
            name="oidc",
            url=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
        )
        found.append(OidcIdentityProvider(issuer, http, clock))
    if settings.github_client_id and settings.github_client_secret:
        client = GithubClient(id=settings.github_client_id, secret=settings.github_client_secret)
        found.append(GithubIdentityProvider(client, http, clock))
    return ConfiguredProviders(*found)
