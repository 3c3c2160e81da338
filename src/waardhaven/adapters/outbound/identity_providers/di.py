"""Federated sign-in for the container. Needs ProviderSettings, HttpSession and Clock from outside."""

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.identity_providers.registry import ProviderSettings, configured
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.identity_provider import IdentityProviders


class IdentityProvidersProvider(Provider):
    """One of each provider a process: they keep the keys of their issuers."""

    scope = Scope.APP

    @provide
    def providers(self, settings: ProviderSettings, http: HttpSession, clock: Clock) -> IdentityProviders:
        """Return the providers that are configured."""
        return configured(settings, http, clock)
