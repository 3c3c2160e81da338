"""Proofs of identity for the container. Needs TokenSettings, Argon2Parameters and Clock from outside."""

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.security.access_tokens import JwtAccessTokens, TokenSettings
from waardhaven.adapters.outbound.security.passwords import Argon2Parameters, Argon2PasswordHasher
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import AccessTokens, PasswordHasher


class SecurityProvider(Provider):
    """One hasher (it bounds how many hashes run at once) and one token reader a process."""

    scope = Scope.APP

    @provide
    def passwords(self, parameters: Argon2Parameters) -> PasswordHasher:
        """Return the password hasher."""
        return Argon2PasswordHasher(parameters)

    @provide
    def tokens(self, settings: TokenSettings, clock: Clock) -> AccessTokens:
        """Return the reader and writer of access tokens."""
        return JwtAccessTokens(settings, clock)
