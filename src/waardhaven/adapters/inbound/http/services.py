"""What the handlers need from the container, resolved once and only when first wanted."""

from dataclasses import dataclass, field
from typing import cast

from dishka import AsyncContainer

from waardhaven.application.identity.authenticate import Authenticate
from waardhaven.application.ports.event_log import EventLog
from waardhaven.application.ports.failure_delays import FailureDelays
from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.progress import ProgressStream
from waardhaven.application.ports.quota import Quotas
from waardhaven.application.ports.rate_limit import RateLimiter


@dataclass(slots=True)
class Services:
    """Objects that live as long as the process; ``/health`` needs none of them."""

    container: AsyncContainer
    _authenticate: Authenticate | None = field(default=None, init=False)
    _generation: Generation | None = field(default=None, init=False)
    _quotas: Quotas | None = field(default=None, init=False)

    async def authenticate(self) -> Authenticate:
        """Return what tells whom a token belongs to."""
        authenticate = self._authenticate
        if authenticate is None:
            self._authenticate = authenticate = cast("Authenticate", await self.container.get(Authenticate))
        return authenticate

    async def generation(self) -> Generation:
        """Return the generation of the data."""
        generation = self._generation
        if generation is None:
            self._generation = generation = cast("Generation", await self.container.get(Generation))
        return generation

    async def quotas(self) -> Quotas:
        """Return the counter of requests."""
        quotas = self._quotas
        if quotas is None:
            self._quotas = quotas = cast("Quotas", await self.container.get(Quotas))
        return quotas

    async def rate_limiter(self) -> RateLimiter:
        """Return the counter of attempts."""
        return cast("RateLimiter", await self.container.get(RateLimiter))

    async def failure_delays(self) -> FailureDelays:
        """Return the delays after failed attempts."""
        return cast("FailureDelays", await self.container.get(FailureDelays))

    async def events(self) -> EventLog:
        """Return the log of events."""
        return cast("EventLog", await self.container.get(EventLog))

    async def progress(self) -> ProgressStream:
        """Return the stream of progress."""
        return cast("ProgressStream", await self.container.get(ProgressStream))
