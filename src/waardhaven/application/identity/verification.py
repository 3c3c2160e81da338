"""Whether an address has to be proved before its account can be used."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRule:
    """``required``: only proved addresses log in. ``registration_open``: people open accounts themselves."""

    required: bool = True
    registration_open: bool = True
