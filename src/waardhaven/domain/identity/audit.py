"""The trail of what was done as a chain of digests: each seals its entry and everything before it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from waardhaven.domain.types import UserId

ENTRY_FORMAT = b"waardhaven:audit-entry:1"
LINK_FORMAT = b"waardhaven:audit-link:1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Somebody did something, or was refused.

    ``actor`` is None for the system, the operator and callers nobody knows; ``credential`` says which.
    ``before`` and ``after`` are keyed digests (32 bytes) of the states of ``target``, None where there
    was none. ``occurrences`` counts like acts. ``detail`` holds what JSON can hold.
    """

    id: int
    at: datetime
    actor: UserId | None
    credential: str
    action: str
    target: str
    before: bytes | None
    after: bytes | None
    occurrences: int
    detail: Mapping[str, object]
    correlation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """How far the chain reaches and the digest that stands for all of it."""

    position: int
    digest: bytes


GENESIS = ChainHead(position=0, digest=bytes(32))
"""The head of an empty chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLink:
    """A place in the chain as it is stored; ``entry`` is None when the entry it seals is gone."""

    position: int
    entry_id: int
    digest: bytes
    entry: AuditEntry | None

    @property
    def head(self) -> ChainHead:
        """The chain up to this link."""
        return ChainHead(position=self.position, digest=self.digest)


class ChainFault(StrEnum):
    """What can be wrong with a chain."""

    ENTRY_CHANGED = "entry_changed"
    LINK_CHANGED = "link_changed"
    ENTRY_OR_LINK_CHANGED = "entry_or_link_changed"
    ENTRY_MISSING = "entry_missing"
    LINK_MISSING = "link_missing"
    OUT_OF_ORDER = "out_of_order"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    HEADS_DISAGREE = "heads_disagree"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainBreak:
    """The first position at which the chain is not what was sealed, and why."""

    position: int
    fault: ChainFault
    entry_id: int | None = None


def canonical(entry: AuditEntry) -> bytes:
    """Return the one byte sequence of an entry: every field with a mark of presence and its length."""
    fields: tuple[bytes | None, ...] = (
        _integer(entry.id),
        _integer((entry.at - _EPOCH) // _MICROSECOND),
        None if entry.actor is None else entry.actor.bytes,
        entry.credential.encode(),
        entry.action.encode(),
        entry.target.encode(),
        entry.before,
        entry.after,
        _integer(entry.occurrences),
        _json(dict(entry.detail)),
        None if entry.correlation_id is None else entry.correlation_id.encode(),
    )
    return ENTRY_FORMAT + b"".join(_field(one) for one in fields)


def link(previous: ChainHead, entry: AuditEntry) -> ChainHead:
    """Return the head after ``entry``: SHA-256 over the head before it, the position and the entry."""
    position = previous.position + 1
    message = LINK_FORMAT + previous.digest + _integer(position) + canonical(entry)
    return ChainHead(position=position, digest=sha256(message).digest())


def links(previous: ChainHead, entries: Iterable[AuditEntry]) -> Iterator[ChainHead]:
    """Return the head after each of ``entries``, in their order."""
    for entry in entries:
        previous = link(previous, entry)
        yield previous


def _integer(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)


def _json(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode()


def _field(value: bytes | None) -> bytes:
    return b"\x00" if value is None else b"\x01" + len(value).to_bytes(4, "big") + value


class ChainReader:
    """Checks a chain that comes in batches, in the order of positions, in constant memory.

    ``heads`` are heads that were exported earlier, in the order in which they were: the chain has to
    run through every one of them. A link is judged when the one after it is known, because only that
    one tells whether the link or its entry was changed.
    """

    def __init__(self, heads: Iterable[ChainHead] = ()) -> None:
        self.head = GENESIS
        self._heads = iter(heads)
        self._expected = next(self._heads, None)
        self._held: ChainLink | None = None

    def read(self, batch: Sequence[ChainLink]) -> ChainBreak | None:
        """Check the next links; return the first break. After a break nothing more can be read."""
        for one in batch:
            broken = self._judge(one)
            if broken is not None:
                return broken
            self._held = one
        return None

    def end(self) -> ChainBreak | None:
        """Check what is left when no link follows."""
        broken = self._judge(None)
        if broken is None and self._expected is not None:
            return ChainBreak(position=self.head.position + 1, fault=ChainFault.TRUNCATED)
        return broken

    def _judge(self, following: ChainLink | None) -> ChainBreak | None:
        held, self._held = self._held, None
        if held is None:
            return None
        fault = self._fault(held, following)
        if fault is not None:
            gap = fault is ChainFault.LINK_MISSING
            position = self.head.position + 1 if gap else held.position
            return ChainBreak(position=position, fault=fault, entry_id=None if gap else held.entry_id)
        self.head = held.head
        return self._compare(held)

    def _fault(self, held: ChainLink, following: ChainLink | None) -> ChainFault | None:
        wanted = self.head.position + 1
        if held.position != wanted:
            return ChainFault.LINK_MISSING if held.position > wanted else ChainFault.OUT_OF_ORDER
        if held.entry is None:
            return ChainFault.ENTRY_MISSING
        computed = link(self.head, held.entry)
        return None if computed.digest == held.digest else _blame(held, computed, following)

    def _compare(self, held: ChainLink) -> ChainBreak | None:
        """Compare with every exported head of this position, and take the next one."""
        while self._expected is not None and self._expected.position <= held.position:
            expected, self._expected = self._expected, next(self._heads, None)
            if expected.position < held.position and expected != GENESIS:
                return ChainBreak(position=expected.position, fault=ChainFault.HEADS_DISAGREE)
            if expected.position == held.position and expected.digest != held.digest:
                return ChainBreak(position=held.position, fault=ChainFault.REWRITTEN, entry_id=held.entry_id)
        return None


def _blame(held: ChainLink, computed: ChainHead, following: ChainLink | None) -> ChainFault:
    """Tell which was changed: the link after was made from the digest that once was right."""
    if following is None or following.entry is None or following.position != held.position + 1:
        return ChainFault.ENTRY_OR_LINK_CHANGED
    if link(held.head, following.entry).digest == following.digest:
        return ChainFault.ENTRY_CHANGED
    if link(computed, following.entry).digest == following.digest:
        return ChainFault.LINK_CHANGED
    return ChainFault.ENTRY_OR_LINK_CHANGED
