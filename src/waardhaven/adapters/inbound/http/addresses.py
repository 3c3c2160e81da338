"""Where requests come from: the address that counts, and which networks may call."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from waardhaven.domain.errors import Forbidden

NETWORK_BITS: Final = 64
"""What one customer of an IPv6 provider has for himself: all of it counts as one address."""
REMEMBERED: Final = 4096

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class AddressRefused(Forbidden):
    """The network the request comes from may not call here."""


def peer_of(scope: Mapping[str, Any]) -> str:
    """Return the address of the caller as text, empty when there is none (a local socket).

    It is the peer of the socket, or what a trusted proxy says; the server decides, before the application.
    """
    client = scope.get("client")
    return client[0] if client else ""


def address_of(scope: Mapping[str, Any]) -> str:
    """Return who is counted: never what a header of a client claims; of IPv6 the network."""
    return _counted(peer_of(scope)[:64])


@lru_cache(maxsize=REMEMBERED)
def _counted(peer: str) -> str:
    address = _parsed(peer)
    if address is None:
        return "local"
    if isinstance(address, IPv4Address):
        return str(address)
    return f"{IPv6Address(int(address) >> (128 - NETWORK_BITS) << (128 - NETWORK_BITS))}/{NETWORK_BITS}"


def _parsed(peer: str) -> Address | None:
    """Return the address, the one an IPv6 form of an IPv4 address stands for; None when it is none."""
    try:
        address = ip_address(peer)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class Networks:
    """Which addresses may call at all, and which may administer. What is denied is never allowed."""

    def __init__(self, *, allowed: Iterable[str], denied: Iterable[str], admin: Iterable[str]) -> None:
        """Take networks such as ``10.0.0.0/8``; an empty ``allowed`` or ``admin`` allows every address."""
        self._allowed = _networks(allowed)
        self._denied = _networks(denied)
        self._admin = _networks(admin)
        self._is_open = not (self._allowed or self._denied)
        self._decided = lru_cache(maxsize=REMEMBERED)(self._decide)

    def check(self, peer: str) -> None:
        """Raise AddressRefused unless the address may call."""
        if not self._is_open and not self._decided(peer[:64]):
            raise AddressRefused("Requests from this network are not accepted.")

    def check_admin(self, peer: str) -> None:
        """Raise AddressRefused unless the address may administer."""
        if self._admin and not _is_in(_parsed(peer[:64]), self._admin):
            raise AddressRefused("Administration is not accepted from this network.")

    def _decide(self, peer: str) -> bool:
        address = _parsed(peer)
        if _is_in(address, self._denied):
            return False
        return not self._allowed or _is_in(address, self._allowed)


def is_loopback(peer: str) -> bool:
    """Tell whether the address is of this very machine."""
    address = _parsed(peer)
    return address is not None and address.is_loopback


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)


def _is_in(address: Address | None, networks: tuple[Network, ...]) -> bool:
    return address is not None and any(address in network for network in networks)
