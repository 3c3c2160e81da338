"""Outgoing HTTP for the container."""

from collections.abc import AsyncIterator

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.http_session.session import HttpSession


class HttpSessionProvider(Provider):
    """One session a process, opened at its first request and closed with the container."""

    scope = Scope.APP

    @provide
    async def session(self) -> AsyncIterator[HttpSession]:
        """Lend the session."""
        session = HttpSession()
        yield session
        await session.close()
