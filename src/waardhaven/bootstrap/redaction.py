"""Takes secrets out of what is logged: by the name they stand under, and by what they look like."""

import re
from collections.abc import Mapping
from io import TextIOBase
from typing import Final, TextIO

import structlog

REDACTED: Final = "[redacted]"
DEEPEST: Final = 6
_WORDS: Final = (
    r"passw(?:or)?d|passphrase|secret|token|authorization|cookie|api[-_]?key|credential|private[-_]?key"
)
NAME: Final = re.compile(_WORDS, re.IGNORECASE)
"""Names under which secrets stand."""
NAMED: Final = re.compile(
    rf"""((?:{_WORDS})[\w-]{{0,40}}\\?["']?\s{{0,8}}[:=]\s{{0,8}})"""
    r"""(?:b?(?P<quote>\\?["'])(?:(?!(?P=quote)).){0,4096}(?P=quote)?"""
    r"""|(?!\[redacted\])(?:(?:Bearer|Basic)\s{1,8})?[^\s,;&)}\]"'\\]{1,4096})""",
    re.IGNORECASE | re.DOTALL,
)
"""``password=…``, ``'token': '…'``, ``Authorization: Bearer …`` within a text."""
COOKIES: Final = re.compile(r"((?:set-)?cookie\s{0,8}:\s{0,8})[^\r\n\"']+", re.IGNORECASE)
SHAPES: Final = re.compile(
    r"\bwh[a-z]{1,4}_[A-Za-z0-9_.~-]{8,}"  # our own keys
    r"|\beyJ[A-Za-z0-9_-]{6,1024}+(?:\.[A-Za-z0-9_-]*+){1,4}"  # JSON Web Tokens
    r"|(?<=\bBearer )[A-Za-z0-9._~+/=-]{8,}"
    r"|(?<=://)[^/@\s:]{0,256}:[^/@\s]{1,256}(?=@)"  # user and password of an address
)
"""Bounded wherever a match may fail late: whoever writes the text must not make us slow."""


def redacted_text(text: str) -> str:
    """Return the text without what looks like a secret; what surrounds it stays, quotes included."""
    hidden = NAMED.sub(_hidden, COOKIES.sub(rf"\1{REDACTED}", text))
    return SHAPES.sub(REDACTED, hidden)


def _hidden(found: re.Match[str]) -> str:
    quote = found["quote"] or ""
    return f"{found[1]}{quote}{REDACTED}{quote}"


def redacted(value: object, depth: int = 0) -> object:
    """Return a value to be logged without secrets, at any depth."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < DEEPEST:
        return {name: _under(name, one, depth) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
        return [redacted(one, depth + 1) for one in value]
    return redacted_text(value if isinstance(value, str) else repr(value))


def _under(name: object, value: object, depth: int) -> object:
    """Return the value that stands under a name. Numbers under ``tokens`` are counts, no secrets."""
    is_secret = isinstance(name, str) and NAME.search(name) is not None
    if is_secret and value is not None and not isinstance(value, bool | int | float):
        return REDACTED
    return redacted(value, depth + 1)


def redact(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Take the secrets out of an event: the last processor before it is written."""
    return {name: _under(name, value, 0) for name, value in event.items()}


class RedactedStream(TextIOBase, TextIO):
    """A text stream that takes secrets out of what is written to another."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``."""
        self._stream = stream

    def write(self, text: str, /) -> int:
        """Write the text without secrets."""
        self._stream.write(redacted_text(text))
        return len(text)

    def flush(self) -> None:
        """Write what is held back."""
        self._stream.flush()
