"""How far outgoing requests may reach: a guard against requests forged through addresses (SSRF).

The address that is dialled decides, never the name that stood for it, so that no answer of a name server
can change between the check and the use.
"""

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

PRIVATE_NETWORKS = tuple(
    ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""RFC 1918, RFC 6598 and RFC 4193."""
GLOBAL_IPV6 = ip_network("2000::/3")
NAT64 = ip_network("64:ff9b::/96")
METADATA = frozenset(
    ip_address(one) for one in ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")
)
"""Where clouds tell machines their secrets outside the link-local networks, which are refused anyway."""


class Reach(IntEnum):
    """The furthest inside a request may go; each includes those before it."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2


def reach_of(text: str) -> Reach | None:
    """Return what it takes to reach an address; None for what is never dialled.

    Never dialled: link-local (where metadata services live), multicast, unspecified, reserved, what is no
    address. An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is what counts.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = _inner(address) or address
    if address in METADATA:
        return None
    if address.is_loopback:
        return Reach.LOOPBACK
    if any(address in network for network in PRIVATE_NETWORKS):
        return Reach.PRIVATE
    return Reach.PUBLIC if _is_global(address) else None


def is_loopback_host(host: str) -> bool:
    """Tell whether the host of an address names this machine without asking a name server."""
    return host == "localhost" or reach_of(host) is Reach.LOOPBACK


def is_never_dialled(host: str) -> bool:
    """Tell whether the host of an address is a literal that no request may be sent to."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return reach_of(host) is None


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        return address in GLOBAL_IPV6 and address.is_global
    return address.is_global and not (address.is_multicast or address.is_reserved)
