"""Which sign-ins are configured: a new one is one file and one entry.

A sign-in is imported where it is configured.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from waardhaven.adapters.outbound.http_session.session import HttpSession
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


def openid(settings: ProviderSettings, http: HttpSession, clock: Clock) -> Iterator[IdentityProvider]:
    """Give Google and the issuer of one's own, each where its settings are complete."""
    if not (settings.google_client_id or (settings.oidc_issuer and settings.oidc_client_id)):
        return
    from waardhaven.adapters.outbound.identity_providers.oidc import Issuer, OidcIdentityProvider, google

    if settings.google_client_id:
        yield OidcIdentityProvider(google(settings.google_client_id), http, clock)
    if settings.oidc_issuer and settings.oidc_client_id:
        issuer = Issuer(
            name="oidc",
            url=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
        )
        yield OidcIdentityProvider(issuer, http, clock)


def github(settings: ProviderSettings, http: HttpSession, clock: Clock) -> Iterator[IdentityProvider]:
    """Give GitHub where its settings are complete."""
    if settings.github_client_id and settings.github_client_secret:
        from waardhaven.adapters.outbound.identity_providers.github import (
            GithubClient,
            GithubIdentityProvider,
        )

        client = GithubClient(id=settings.github_client_id, secret=settings.github_client_secret)
        yield GithubIdentityProvider(client, http, clock)


SIGN_INS: Final = (openid, github)
"""In the order they are offered."""


def configured(settings: ProviderSettings, http: HttpSession, clock: Clock) -> ConfiguredProviders:
    """Return the providers whose settings are complete."""
    return ConfiguredProviders(*(one for make in SIGN_INS for one in make(settings, http, clock)))
