"""Why a provider's word was not taken: the reason for the log, one constant sentence for the caller."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from waardhaven.adapters.outbound.http_session.session import RequestFailed
from waardhaven.application.ports.identity_provider import InvalidProof, ProviderUnavailable
from waardhaven.domain.identity.names import broken_email_rules, normalised

log = structlog.get_logger(__name__)

NOT_VALID = "The proof of identity is not valid."
NOT_REACHED = "The sign-in provider can not be reached."


class Refused(Exception):
    """The proof is not good. The text is ours and holds nothing of the proof."""


class Unusable(Exception):
    """The provider said something no sign-in can be made of. The text is ours."""


@contextmanager
def translated(provider: str) -> Iterator[None]:
    """Log the reason and raise InvalidProof or ProviderUnavailable in its place."""
    try:
        yield
    except Refused as error:
        log.info("identity_proof_refused", provider=provider, reason=str(error))
        raise InvalidProof(NOT_VALID) from error
    except (Unusable, RequestFailed) as error:
        log.warning("identity_provider_unavailable", provider=provider, reason=str(error))
        raise ProviderUnavailable(NOT_REACHED) from error


def trusted_email(email: str | None) -> str:
    """Return a verified address in the form it is stored in; raise Refused.

    A letter that only becomes ASCII in lower case (the Kelvin sign) would turn one mailbox into another.
    """
    if email is None:
        raise Refused("there is no e-mail address")
    if any(not one.isascii() and one.lower().isascii() for one in email):
        raise Refused("the e-mail address has letters that look like others")
    address = normalised(email)
    if broken_email_rules(address):
        raise Refused("the e-mail address is malformed")
    return address


def shown_name(name: object) -> str | None:
    """Return a name fit to be shown, None when there is none."""
    if not isinstance(name, str):
        return None
    kept = "".join(one for one in name if one.isprintable()).strip()
    return kept[:200].strip() or None
