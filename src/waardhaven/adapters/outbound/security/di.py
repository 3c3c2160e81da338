"""Proofs of identity for the container.

Needs TokenSettings, SealingSettings, PseudonymKey, Argon2Parameters and Clock from outside.
"""

from typing import NewType

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.security.access_tokens import JwtAccessTokens, TokenSettings
from waardhaven.adapters.outbound.security.password_strength import ZxcvbnPasswordStrength
from waardhaven.adapters.outbound.security.passwords import Argon2Parameters, Argon2PasswordHasher
from waardhaven.adapters.outbound.security.pseudonyms import KeyedPseudonyms
from waardhaven.adapters.outbound.security.sealing import AesSealing, SealingSettings
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.application.ports.sealing import Sealing
from waardhaven.application.ports.security import AccessTokens, PasswordHasher, PasswordStrength

PseudonymKey = NewType("PseudonymKey", str)
"""What keyed digests of people are made with."""


class SecurityProvider(Provider):
    """One hasher (it bounds how many hashes run at once) and one token reader a process."""

    scope = Scope.APP

    strength = provide(ZxcvbnPasswordStrength, provides=PasswordStrength)

    @provide
    def passwords(self, parameters: Argon2Parameters) -> PasswordHasher:
        """Return the password hasher."""
        return Argon2PasswordHasher(parameters)

    @provide
    def tokens(self, settings: TokenSettings, clock: Clock) -> AccessTokens:
        """Return the reader and writer of access tokens."""
        return JwtAccessTokens(settings, clock)

    @provide
    def sealing(self, settings: SealingSettings, clock: Clock) -> Sealing:
        """Return what seals values that leave the house."""
        return AesSealing(settings, clock)

    @provide
    def pseudonyms(self, key: PseudonymKey) -> Pseudonyms:
        """Return what makes keyed digests."""
        return KeyedPseudonyms(key)
