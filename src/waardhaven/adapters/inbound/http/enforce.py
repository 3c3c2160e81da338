"""Enforces the policy of every route, and how long its handler may take."""

import asyncio
from typing import Any

import structlog
from litestar.types import ASGIApp, Receive, Scope, Send

from waardhaven.adapters.inbound.http.addresses import Networks, address_of, peer_of
from waardhaven.adapters.inbound.http.auth import caller_of, required_caller
from waardhaven.adapters.inbound.http.errors import REFUSAL
from waardhaven.adapters.inbound.http.gate import caller_key, refusal_of
from waardhaven.adapters.inbound.http.middleware import ALLOWANCE
from waardhaven.adapters.inbound.http.policy import Access, Policy, policy_of
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.ports.quota import Allowance
from waardhaven.domain.errors import Forbidden, Unavailable
from waardhaven.domain.identity.roles import Credential, Principal

log = structlog.get_logger(__name__)


class UndeclaredRoute(Forbidden):
    """The route says nothing about who may use it, so nobody may."""


class SessionRequired(Forbidden):
    """Only a person who signed in may do this: no API key, no break-glass token."""


class RequestTimedOut(Unavailable):
    """The request took longer than requests may."""


class Enforce:
    """A middleware of the whole application.

    Not a guard: Litestar copies the handler for every call of a guard, 23 us each.
    """

    def __init__(self, app: ASGIApp, *, services: Services, networks: Networks, seconds: float) -> None:
        """Wrap ``app``, whose handlers may take ``seconds``."""
        self._app = app
        self._services = services
        self._networks = networks
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass when its route says so; raise what is missing."""
        policy = policy_of(scope["route_handler"].opt)
        if policy is None:
            if scope.get("method") != "OPTIONS":
                log.error("route_without_policy", path=scope["path"])
                raise UndeclaredRoute("This address is closed.")
            _check_refusal(scope)
            await self._app(scope, receive, send)
            return
        self._check_caller(scope, policy)
        if policy.per_minute is not None:
            await self._count(scope, policy.per_minute)
        if policy.streaming:
            await self._app(scope, receive, send)
        else:
            await self._in_time(scope, receive, send)

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                await self._app(scope, receive, send)
        except TimeoutError as error:
            if not limit.expired():
                raise
            log.warning("request_timed_out", path=scope["path"], seconds=self._seconds)
            raise RequestTimedOut(f"This took longer than {self._seconds:g} s and was given up.") from error

    def _check_caller(self, scope: Any, policy: Policy) -> None:
        if policy.is_public:
            _check_refusal(scope)
            return
        caller = required_caller(scope)
        if policy.access is Access.SIGNED_IN:
            _check_session(caller)
        elif policy.permission is not None:
            caller.require(policy.permission)
        if policy.is_admin:
            self._networks.check_admin(peer_of(scope))

    async def _count(self, scope: Any, limit: int) -> None:
        """Count the request against its route; the tighter of both quotas is what the caller is told."""
        caller = caller_of(scope)
        who = caller_key(caller) if caller is not None else f"address:{address_of(scope)}"
        quotas = await self._services.quotas()
        route = f"{scope.get('method', 'GET')} {scope['path_template']}"
        allowance = await quotas.take(f"route:{route}:{who}", limit=limit)
        known: Allowance | None = scope.get(ALLOWANCE)
        if known is None or allowance.remaining <= known.remaining or not allowance.allowed:
            scope[ALLOWANCE] = allowance
        if not allowance.allowed:
            raise refusal_of(allowance)


def _check_refusal(scope: Any) -> None:
    refusal = scope.get(REFUSAL)
    if refusal is not None:
        raise refusal


def _check_session(caller: Principal) -> None:
    if caller.credential is not Credential.SESSION or caller.user is None or caller.scopes is not None:
        raise SessionRequired("Only a person who signed in may do this, not an API key or another token.")
