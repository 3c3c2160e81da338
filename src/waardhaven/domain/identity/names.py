"""E-mail addresses and usernames in the one form they are stored and compared in."""

import re

from waardhaven.domain.errors import FieldError

EMAIL_MAX = 254
LOCAL_MAX = 64
_LOCAL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,30}[a-z0-9])")


def normalised(name: str) -> str:
    """Return the address or username trimmed and in lower case."""
    return name.strip().lower()


def broken_email_rules(email: str, *, field: str = "email") -> list[FieldError]:
    """Return every rule a normalised e-mail address breaks.

    ASCII alone: two spellings of one text (composed or not, full-width, invisible marks) would be two
    accounts that look the same, and a mail server may take either for a third address.
    """
    local, _, domain = email.rpartition("@")
    well_formed = bool(_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain))
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    foreign = not email.isascii()
    rules = [
        (foreign, "must be of ASCII characters: write an international domain in its xn-- form"),
        (not foreign and (not well_formed or dots), "must be an e-mail address"),
        (len(email) > EMAIL_MAX or len(local) > LOCAL_MAX, f"must have at most {EMAIL_MAX} characters"),
    ]
    return [FieldError(field=field, rule=rule) for broken, rule in rules if broken]


def broken_username_rules(username: str, *, field: str = "username") -> list[FieldError]:
    """Return every rule a normalised username breaks."""
    if _USERNAME.fullmatch(username):
        return []
    rule = "must have 3 to 32 letters, digits or . _ - and begin and end with a letter or digit"
    return [FieldError(field=field, rule=rule)]


def username_from(email: str) -> str:
    """Derive a username from the local part of a normalised e-mail address."""
    kept = re.sub(r"[^a-z0-9._-]+", "-", email.partition("@")[0])[:24].strip("._-")
    return kept if len(kept) >= 3 else f"user-{kept}".rstrip("-")
