"""What an issuer says about itself (OpenID Connect Discovery 1.0 §4), and which of it may be followed."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from waardhaven.adapters.outbound.http_session.addresses import Reach, is_loopback_host, is_never_dialled
from waardhaven.adapters.outbound.http_session.session import Answer
from waardhaven.adapters.outbound.identity_providers.distrust import Unusable

WELL_KNOWN = "/.well-known/openid-configuration"
LONGEST_ADDRESS = 2048


class _Document(msgspec.Struct):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The endpoints of an issuer. ``reach`` is how far inside they may lie: no further than the issuer."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    methods: tuple[str, ...]
    reach: Reach


def discovery_url(issuer: str) -> str:
    """Return where an issuer describes itself; raise Unusable for an issuer that may not be asked."""
    checked_address(issuer, issuer)
    return issuer.rstrip("/") + WELL_KNOWN


def read_metadata(answer: Answer, issuer: str) -> Metadata:
    """Return what an answer says of ``issuer``; raise Unusable or RequestFailed."""
    if answer.status != 200:
        raise Unusable(f"the discovery document was answered with {answer.status}")
    document = answer.json(_Document)
    if document.issuer != issuer:
        raise Unusable("the discovery document is of another issuer")
    return Metadata(
        authorization_endpoint=checked_address(document.authorization_endpoint, issuer),
        token_endpoint=checked_address(document.token_endpoint, issuer),
        jwks_uri=checked_address(document.jwks_uri, issuer),
        methods=document.token_endpoint_auth_methods_supported,
        reach=answer.reach,
    )


def checked_address(address: str, issuer: str) -> str:
    """Return an address an issuer names when it is https with a host and nothing hidden; raise Unusable.

    Plain http is for an issuer on this machine only, and for addresses on this machine. Where a host
    leads is checked when it is dialled.
    """
    try:
        parts, home = urlsplit(address), urlsplit(issuer)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Unusable("an address of the issuer is malformed") from error
    local = home.scheme == "http" and is_loopback_host(home.hostname or "") and is_loopback_host(host)
    rules = (
        len(address) <= LONGEST_ADDRESS
        and address.isascii()
        and address.isprintable()
        and " " not in address,
        parts.scheme == "https" or (parts.scheme == "http" and local),
        bool(host) and port != 0 and not is_never_dialled(host),
        "@" not in parts.netloc and "\\" not in address and "#" not in address,
    )
    if not all(rules):
        raise Unusable("an address of the issuer may not be followed")
    return address
