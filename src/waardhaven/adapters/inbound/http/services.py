"""What the handlers need from the container, resolved once and only when first wanted."""

from dataclasses import dataclass, field
from typing import TypeVar

from dishka import AsyncContainer

from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.security import AccessTokens

T = TypeVar("T")


@dataclass(slots=True)
class Services:
    """Objects that live as long as the process; ``/health`` needs none of them."""

    container: AsyncContainer
    _tokens: AccessTokens | None = field(default=None, init=False)
    _generation: Generation | None = field(default=None, init=False)

    async def tokens(self) -> AccessTokens:
        """Return the reader of access tokens."""
        if self._tokens is None:
            self._tokens = await self.container.get(AccessTokens)
        return self._tokens

    async def generation(self) -> Generation:
        """Return the generation of the data."""
        if self._generation is None:
            self._generation = await self.container.get(Generation)
        return self._generation
