"""How often accounts may be opened and passwords tried, and how long failures make the next try wait."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from math import ceil
from typing import Any

from litestar import Request

from waardhaven.adapters.inbound.http.addresses import address_of
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.denials import tried_login
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.identity.owner import WrongPassword
from waardhaven.domain.errors import TooManyRequests, Unauthenticated
from waardhaven.domain.identity.names import normalised

MINUTE, QUARTER_HOUR = 60.0, 900.0


class TooManyAttempts(TooManyRequests):
    """An address or a login was tried too often; which of them is not said."""


class Limits:
    """The limits of ``HttpConfig``, counted before an account is looked up: the same with one or without."""

    def __init__(self, services: Services, config: HttpConfig) -> None:
        """Count through the container's rate limiter."""
        self._services = services
        self._config = config

    async def admit_mail(self, scope: Mapping[str, Any], email: str) -> None:
        """Let the caller have a mail sent to an address, whosever it is; raise TooManyAttempts."""
        await self._hit(f"register:address:{address_of(scope)}", self._config.register_per_minute)
        await self._hit(f"mail:to:{normalised(email)}", self._config.mails_per_quarter_hour, QUARTER_HOUR)

    async def admit_proof(self, scope: Mapping[str, Any]) -> None:
        """Let the caller show a proof nobody could guess, but checking costs; raise TooManyAttempts."""
        await self._hit(f"proof:address:{address_of(scope)}", self._config.login_per_minute)

    @asynccontextmanager
    async def attempting_login(self, scope: Mapping[str, Any], login: str) -> AsyncIterator[None]:
        """Let the caller try to prove to be ``login`` within the block; raise TooManyAttempts.

        A block that raises Unauthenticated or WrongPassword is a failure: from some number on they make this
        login wait longer and longer at this address, while the rest of the world may still use it. A block
        that ends well forgets them.
        """
        address, name = address_of(scope), normalised(login)
        key = f"login:{name}@{address}"
        tried_login(scope, name)
        delays = await self._services.failure_delays()
        _refuse(await delays.wait_for(key))
        await self._hit(f"login:address:{address}", self._config.login_per_minute)
        await self._hit(f"login:name:{name}", self._config.login_name_per_minute)
        try:
            yield
        except (Unauthenticated, WrongPassword):
            await delays.failed(key)
            raise
        await delays.succeeded(key)

    async def _hit(self, key: str, limit: int, window: float = MINUTE) -> None:
        if limit > 0:
            limiter = await self._services.rate_limiter()
            _refuse(await limiter.hit(key, limit=limit, window_seconds=window) or 0.0)


def limits_of(request: Request[Any, Any, Any]) -> Limits:
    """Return the limits of the application."""
    found: Limits = request.app.state.limits
    return found


def _refuse(wait: float) -> None:
    if wait > 0:
        seconds = max(1, ceil(wait))
        raise TooManyAttempts(
            f"Too many attempts in a short time. Try again in {seconds} s.", retry_after_seconds=seconds
        )
