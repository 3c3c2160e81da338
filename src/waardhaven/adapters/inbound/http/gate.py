"""The gate: where a request comes from, who sends it, and whether that is too often, decided once."""

import asyncio
from math import ceil
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from waardhaven.adapters.inbound.http.addresses import Networks, address_of, is_loopback, peer_of
from waardhaven.adapters.inbound.http.auth import CALLER, CREDENTIAL_ERROR, TOKEN, sends_token, token_of
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.errors import REFUSAL
from waardhaven.adapters.inbound.http.middleware import ALLOWANCE
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.ports.quota import Allowance
from waardhaven.domain.errors import TooManyRequests, Unauthenticated, Unavailable
from waardhaven.domain.identity.roles import Credential, Principal

PROBES: Final = frozenset({"/health", "/health/ready"})
"""Addresses that are never counted, and that this machine may always ask."""


class RateLimited(TooManyRequests):
    """The caller sent more requests in a minute than it may."""


class AuthenticationTimedOut(Unavailable):
    """Nobody could say in time whom a token belongs to."""


class Gate:
    """Lets requests of known networks through, with their caller and quota noted in the scope.

    A caller who proved to be somebody is refused here when the quota is used up. An anonymous request is
    not: on a route that needs a caller it is a 401, which only the route can tell.
    """

    def __init__(self, app: ASGIApp, services: Services, config: HttpConfig, networks: Networks) -> None:
        """Wrap ``app``."""
        self._app = app
        self._services = services
        self._networks = networks
        self._anonymous = config.rate_limit_per_minute
        self._authenticated = config.rate_limit_authenticated
        self._timeout = config.request_timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass; raise AddressRefused or RateLimited."""
        if scope["type"] in {ScopeType.HTTP, ScopeType.WEBSOCKET}:
            await self._admit(scope)
        await self._app(scope, receive, send)

    async def _admit(self, scope: Any) -> None:
        peer = peer_of(scope)
        if scope["path"] in PROBES:
            if not is_loopback(peer):
                self._networks.check(peer)
            return
        self._networks.check(peer)
        caller = await self._identify(scope)
        if caller is None:
            key, limit = f"address:{address_of(scope)}", self._anonymous
        else:
            if caller.credential is Credential.BREAK_GLASS:
                self._networks.check_admin(peer)
            key, limit = caller_key(caller), caller.per_minute or self._authenticated
        if limit <= 0:
            return
        allowance = await (await self._services.quotas()).take(key, limit=limit)
        scope[ALLOWANCE] = allowance
        if not allowance.allowed:
            refusal = refusal_of(allowance)
            if caller is not None:
                raise refusal
            scope[REFUSAL] = refusal

    async def _identify(self, scope: Any) -> Principal | None:
        if not sends_token(scope):
            return None
        try:
            token = token_of(scope)
            authenticate = await self._services.authenticate()
            caller = authenticate.known(token)
            if caller is None:
                async with asyncio.timeout(self._timeout):
                    caller = await authenticate(token)
        except TimeoutError:
            scope[CREDENTIAL_ERROR] = AuthenticationTimedOut("The token could not be checked in time.")
            return None
        except (Unauthenticated, Unavailable) as error:
            scope[CREDENTIAL_ERROR] = error
            return None
        scope[CALLER] = scope["user"] = caller
        scope[TOKEN] = token
        return caller


def caller_key(caller: Principal) -> str:
    """Return what a caller's requests are counted by: the API key, else the user."""
    if caller.key is not None:
        return f"key:{caller.key}"
    return f"user:{caller.user or caller.credential}"


def refusal_of(allowance: Allowance) -> RateLimited:
    """Return the error of a quota that is used up."""
    seconds = max(1, ceil(allowance.reset_seconds))
    return RateLimited(
        f"More than {allowance.limit} requests in a minute. Try again in {seconds} s.",
        retry_after_seconds=seconds,
    )
