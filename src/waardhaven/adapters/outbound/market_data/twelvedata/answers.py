"""What answers of Twelve Data mean: errors, and which part belongs to which symbol.

The body decides before the status: errors come with the status 200 too, and at times without saying that
they are errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from waardhaven.adapters.outbound.http_session.session import Answer
from waardhaven.adapters.outbound.market_data.keyed import Again, Refused, Spent
from waardhaven.adapters.outbound.market_data.twelvedata.wire import Meta
from waardhaven.application.ports.market_data import Reason
from waardhaven.application.ports.provider_gate import Period

T = TypeVar("T")
Members = dict[str, msgspec.Raw]
GARBLED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Meaning(StrEnum):
    """What an error of the provider comes to."""

    NO_DATA = "no_data"
    DOUBTFUL = "doubtful"
    UNKNOWN = "unknown"
    PLAN = "plan"
    BAD_KEY = "bad_key"
    MINUTE = "minute"
    DAY = "day"
    TOO_MANY = "too_many"
    SERVER = "server"
    REFUSED = "refused"
    LEFT_OUT = "left_out"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Problem:
    """What came in place of an answer; ``text`` is the provider's, as it was sent."""

    meaning: Meaning
    text: str


Part = bytes | msgspec.Raw | Problem
_KEY_TEXTS: Final = ("**apikey** parameter", "apikey parameter", "demo api key", "demo apikey", "apikey=demo")
_PLAN_TEXTS: Final = (
    "is available starting with",
    "available exclusively with",
    "with your plan",
    "with your current plan",
    "index unavailable",
    "consider upgrading",
)
_NO_DATA_TEXTS: Final = ("no data is available", "no data available")
_UNKNOWN_TEXTS: Final = ("missing or invalid", "not found", "**symbol**")
_BY_CODE: Final = {
    401: Meaning.BAD_KEY,
    403: Meaning.PLAN,
    404: Meaning.UNKNOWN,
    414: Meaning.TOO_MANY,
}

_TOLD_BY_STATUS: Final = frozenset({401, 414, 429})


def meaning(code: int, text: str) -> Meaning:
    """Return what an error means: by its words, which have changed over the years, then by its code."""
    words = text.lower()
    if code == 429 or "run out of api credits" in words:
        return Meaning.DAY if "for the day" in words or "daily" in words else Meaning.MINUTE
    if code == 414 or code >= 500:
        return Meaning.TOO_MANY if code == 414 else Meaning.SERVER
    told = (
        (_KEY_TEXTS, Meaning.BAD_KEY),
        (_PLAN_TEXTS, Meaning.PLAN),
        (_NO_DATA_TEXTS, Meaning.NO_DATA),
        (("data not found",), Meaning.DOUBTFUL),
        (_UNKNOWN_TEXTS if code in (400, 404) else (), Meaning.UNKNOWN),
    )
    for texts, found in told:
        if any(one in words for one in texts):
            return found
    return _BY_CODE.get(code, Meaning.REFUSED)


def members(answer: Answer) -> Members:
    """Return the members of an answer that is a JSON object; raise Again where it is none.

    A status that says enough becomes a ``code`` where the body, a page of some proxy, has none.
    """
    try:
        found = msgspec.json.decode(answer.body, type=Members)
    except GARBLED:
        found = None
    if found is not None and (answer.status < 400 or found.keys() & {"code", "status"}):
        return found
    if answer.status in _TOLD_BY_STATUS:
        return {"code": msgspec.Raw(str(answer.status).encode())}
    what = f"HTTP {answer.status}" if answer.status >= 400 else "The answer is no JSON object"
    raise Again(f"{what}.")


def problem_in(found: Members, payload: str, status: int = 0) -> Problem | None:
    """Return the error that an object is, None for one that is none. ``status``: of HTTP, for want of a code.

    An error says ``status: error``, or has the ``code`` of one and nothing of what was asked for. A symbol
    named like a member (STATUS, CODE) is an object and so neither.
    """
    code = _code(found)
    if _plain(found.get("status")) != "error" and (code < 400 or payload in found):
        return None
    text = _plain(found.get("message"))
    words = text if isinstance(text, str) else ""
    return Problem(meaning(code or status, words), words or f"code {code or status}")


def _code(found: Members) -> int:
    code = _plain(found.get("code"))
    if isinstance(code, str):
        return int(code) if code.isascii() and code.isdigit() and len(code) < 10 else 0
    return int(code or 0)


def raise_for(problem: Problem) -> None:
    """Raise what an error of a whole answer comes to; return where that depends on what was asked."""
    if problem.meaning is Meaning.MINUTE:
        raise Spent(Period.MINUTE)
    if problem.meaning is Meaning.DAY:
        raise Spent(Period.DAY)
    if problem.meaning is Meaning.SERVER:
        raise Again(f"The server failed: {problem.text}")
    if problem.meaning is Meaning.BAD_KEY:
        raise Refused(Reason.BAD_KEY, "The key was refused.")


def whole(answer: Answer, payload: str, kind: type[T]) -> T | Problem:
    """Return an answer that is about one thing; raise Again, Spent or Refused."""
    found = members(answer)
    problem = problem_in(found, payload, answer.status)
    if problem is not None:
        raise_for(problem)
        return problem
    if payload not in found:
        raise Again("The answer lacks what was asked for.")
    return typed(answer.body, kind)


def by_symbol(answer: Answer, symbols: Sequence[str], payload: str) -> dict[str, Part]:
    """Return the part of an answer about each symbol (in lower case), unread; none where it is left out.

    One symbol comes flat, several come under their names. Raises Again, Spent or Refused for the whole. An
    error of the whole is that of each symbol.
    """
    found = members(answer)
    problem = problem_in(found, payload, answer.status)
    if problem is not None:
        raise_for(problem)
        return {one.lower(): problem for one in symbols}
    if _is_flat(found, payload):
        name = symbols[0] if len(symbols) == 1 else _named(answer.body)
        return {name.lower(): answer.body}
    keys = {name.lower(): name for name in found}
    wanted = {one.lower() for one in symbols}
    if wanted - keys.keys():
        keys = {_named(raw).lower(): name for name, raw in found.items()} | keys
    parts = {one: _part(found[keys[one]], payload) for one in wanted & keys.keys()}
    return {one: part for one, part in parts.items() if part is not None}


def typed(part: Part, kind: type[T]) -> T | Problem:
    """Return JSON as a type, or the problem that it is something else; a problem stays one."""
    if isinstance(part, Problem):
        return part
    try:
        return msgspec.json.decode(part, type=kind)
    except GARBLED as error:
        return Problem(Meaning.REFUSED, f"The answer is not what was expected: {type(error).__name__}.")


def _part(raw: msgspec.Raw, payload: str) -> Part | None:
    """Return what stands under a symbol's name; None where that is no object or lacks everything."""
    try:
        found = msgspec.json.decode(raw, type=Members)
    except GARBLED:
        return None
    problem = problem_in(found, payload)
    return raw if problem is None and payload in found else problem


def _is_flat(found: Members, payload: str) -> bool:
    """Tell whether an object is the answer about one symbol: its payload is never an object."""
    raw = found.get(payload)
    return raw is not None and bytes(raw).lstrip()[:1] != b"{"


class _Named(msgspec.Struct, frozen=True):
    meta: Meta | None = None
    symbol: str | None = None


def _named(raw: bytes | msgspec.Raw) -> str:
    """Return the symbol an answer says it is about, empty where it says none."""
    try:
        told = msgspec.json.decode(raw, type=_Named)
    except GARBLED:
        return ""
    return (told.meta.symbol if told.meta is not None else None) or told.symbol or ""


def _plain(raw: msgspec.Raw | None) -> str | float | None:
    """Return a text or a number, None for everything else."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=str | int | float)
    except GARBLED:
        return None
