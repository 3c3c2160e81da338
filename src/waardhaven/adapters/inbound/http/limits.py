"""How often accounts may be opened and passwords tried."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Any

from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.domain.errors import TooManyRequests
from waardhaven.domain.identity.names import normalised

MINUTE = 60.0
NETWORK_BITS = 64
"""What one customer of an IPv6 provider has for himself: all of it counts as one address."""


class TooManyAttempts(TooManyRequests):
    """An address or a login was tried too often; which of them is not said."""


class Limits:
    """The limits of ``HttpConfig``, counted before an account is looked up: the same with one or without."""

    def __init__(self, services: Services, config: HttpConfig) -> None:
        """Count through the container's rate limiter."""
        self._services = services
        self._config = config

    async def admit_registration(self, scope: Mapping[str, Any]) -> None:
        """Let the caller try to open an account; raise TooManyAttempts."""
        await self._hit(f"register:address:{address_of(scope)}", self._config.register_per_minute)

    async def admit_login(self, scope: Mapping[str, Any], login: str) -> None:
        """Let the caller try a password of ``login``; raise TooManyAttempts."""
        await self._hit(f"login:address:{address_of(scope)}", self._config.login_per_minute)
        await self._hit(f"login:name:{normalised(login)}", self._config.login_name_per_minute)

    async def _hit(self, key: str, limit: int) -> None:
        if limit <= 0:
            return
        limiter = await self._services.rate_limiter()
        wait = await limiter.hit(key, limit=limit, window_seconds=MINUTE)
        if wait is not None:
            seconds = max(1, ceil(wait))
            raise TooManyAttempts(
                f"Too many attempts in a short time. Try again in {seconds} s.", retry_after_seconds=seconds
            )


def address_of(scope: Mapping[str, Any]) -> str:
    """Return who is counted: the socket's peer, never what a header claims; of IPv6 the network."""
    client = scope.get("client")
    try:
        address = ip_address(client[0] if client else "")
    except ValueError:
        return "local"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> (128 - NETWORK_BITS) << (128 - NETWORK_BITS))}/{NETWORK_BITS}"
