"""What the handlers need from the container, resolved once and only when first wanted."""

from dataclasses import dataclass, field
from typing import cast

from dishka import AsyncContainer

from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.rate_limit import RateLimiter
from waardhaven.application.ports.security import AccessTokens


@dataclass(slots=True)
class Services:
    """Objects that live as long as the process; ``/health`` needs none of them."""

    container: AsyncContainer
    _tokens: AccessTokens | None = field(default=None, init=False)
    _generation: Generation | None = field(default=None, init=False)

    async def tokens(self) -> AccessTokens:
        """Return the reader of access tokens."""
        tokens = self._tokens
        if tokens is None:
            self._tokens = tokens = cast("AccessTokens", await self.container.get(AccessTokens))
        return tokens

    async def generation(self) -> Generation:
        """Return the generation of the data."""
        generation = self._generation
        if generation is None:
            self._generation = generation = cast("Generation", await self.container.get(Generation))
        return generation

    async def rate_limiter(self) -> RateLimiter:
        """Return the counter of attempts."""
        return cast("RateLimiter", await self.container.get(RateLimiter))
