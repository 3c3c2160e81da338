"""The chain over the audit trail: fixed digests, and no change that goes unnoticed."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from waardhaven.domain.identity.audit import (
    GENESIS,
    AuditEntry,
    ChainBreak,
    ChainFault,
    ChainHead,
    ChainLink,
    ChainReader,
    canonical,
    link,
    links,
)
from waardhaven.domain.types import UserId

AT = datetime(2024, 1, 2, 14, 30, 45, 123456, tzinfo=UTC)
FULL = AuditEntry(
    id=7,
    at=AT,
    actor=UserId(UUID(int=9)),
    credential="session",
    action="user.role_changed",
    target="user:9",
    before=b"\x01" * 32,
    after=b"\x02" * 32,
    occurrences=1,
    detail={"to": "é", "from": "viewer"},
    correlation_id="req-1",
)
BARE = AuditEntry(
    id=9,
    at=datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    actor=None,
    credential="system",
    action="market.committed",
    target="vintage:1",
    before=None,
    after=None,
    occurrences=3,
    detail={},
    correlation_id=None,
)


def chained(entries: Sequence[AuditEntry]) -> list[ChainLink]:
    return [
        ChainLink(position=head.position, entry_id=entry.id, digest=head.digest, entry=entry)
        for head, entry in zip(links(GENESIS, entries), entries, strict=True)
    ]


def verdict(
    chain: Sequence[ChainLink], heads: Sequence[ChainHead] = (), *, batch: int = 3
) -> ChainBreak | None:
    reader = ChainReader(heads)
    for start in range(0, len(chain), batch):
        broken = reader.read(chain[start : start + batch])
        if broken is not None:
            return broken
    return reader.end()


# --- digests computed by hand, from the description of the format alone


def test_canonical_form_marks_presence_and_length_of_every_field():
    assert canonical(BARE).hex() == (
        b"waardhaven:audit-entry:1".hex()
        + "0100000008" + "0000000000000009"
        + "0100000008" + "ffffffffffffffff"
        + "00"
        + "0100000006" + b"system".hex()
        + "0100000010" + b"market.committed".hex()
        + "0100000009" + b"vintage:1".hex()
        + "0000"
        + "0100000008" + "0000000000000003"
        + "0100000002" + b"{}".hex()
        + "00"
    )  # fmt: skip


def test_digests_of_a_known_chain_never_change():
    first, second = links(GENESIS, [FULL, BARE])
    assert ChainHead(position=0, digest=bytes(32)) == GENESIS
    assert (first.position, second.position) == (1, 2)
    assert first.digest.hex() == "86d253a792dffdc99c37b5752af66a0e29b2b4282ab84ca0bf2f0348cf936e05"
    assert second.digest.hex() == "97e2a7f38e8d65f93978e846a11c2e9d9e0f6a90a7d2e860bbb8d016a368b34c"


def test_form_knows_the_instant_not_its_time_zone_and_the_detail_not_its_order():
    other = replace(
        FULL, at=AT.astimezone(timezone(timedelta(hours=5))), detail={"from": "viewer", "to": "é"}
    )
    assert canonical(other) == canonical(FULL)


def test_text_moved_from_one_field_to_the_next_is_another_entry():
    moved = replace(FULL, action="user.role_changedu", target="ser:9")
    assert canonical(moved) != canonical(FULL)


def test_field_that_is_empty_differs_from_one_that_is_absent():
    assert canonical(replace(FULL, correlation_id="")) != canonical(replace(FULL, correlation_id=None))


# --- reading


def some_chain(count: int = 7) -> list[ChainLink]:
    return chained([replace(FULL, id=10 + n, occurrences=n + 1) for n in range(count)])


def test_sound_chain_is_followed_to_its_head():
    chain = some_chain()
    reader = ChainReader([chain[2].head, chain[6].head])
    assert reader.read(chain) is None
    assert reader.end() is None
    assert reader.head == chain[6].head


def test_empty_chain_is_sound_and_its_head_is_the_genesis():
    reader = ChainReader()
    assert reader.end() is None
    assert reader.head == GENESIS


def test_changed_entry_is_told_from_a_changed_link():
    chain = some_chain()
    entry = replace(chain[3], entry=replace(FULL, id=13, target="user:1"))
    digest = replace(chain[3], digest=bytes(32))
    for batch in (1, 3, 4, 7):
        assert verdict([*chain[:3], entry, *chain[4:]], batch=batch) == ChainBreak(
            position=4, fault=ChainFault.ENTRY_CHANGED, entry_id=13
        )
        assert verdict([*chain[:3], digest, *chain[4:]], batch=batch) == ChainBreak(
            position=4, fault=ChainFault.LINK_CHANGED, entry_id=13
        )


@pytest.mark.parametrize("place", [3, 6])
def test_where_nothing_tells_which_was_changed_both_are_named(place: int):
    chain = some_chain()
    chain[place] = replace(chain[place], entry=BARE)
    if place + 1 < len(chain):
        chain[place + 1] = replace(chain[place + 1], digest=bytes(32))
    broken = verdict(chain)
    assert broken is not None
    assert (broken.position, broken.fault) == (place + 1, ChainFault.ENTRY_OR_LINK_CHANGED)


def test_removed_entry_and_removed_link_are_named():
    chain = some_chain()
    gone = replace(chain[3], entry=None)
    assert verdict([*chain[:3], gone, *chain[4:]]) == ChainBreak(
        position=4, fault=ChainFault.ENTRY_MISSING, entry_id=13
    )
    assert verdict([*chain[:3], *chain[5:]]) == ChainBreak(position=4, fault=ChainFault.LINK_MISSING)
    assert verdict(chain[1:]) == ChainBreak(position=1, fault=ChainFault.LINK_MISSING)


def test_position_that_does_not_grow_is_out_of_order():
    chain = some_chain()
    assert verdict([*chain[:3], chain[2], *chain[3:]]) == ChainBreak(
        position=3, fault=ChainFault.OUT_OF_ORDER, entry_id=12
    )


def test_chain_shorter_than_an_exported_head_is_truncated():
    chain = some_chain()
    assert verdict(chain[:4], [chain[1].head, chain[6].head]) == ChainBreak(
        position=5, fault=ChainFault.TRUNCATED
    )
    assert verdict([], [chain[0].head]) == ChainBreak(position=1, fault=ChainFault.TRUNCATED)


def test_chain_computed_anew_differs_from_an_exported_head():
    chain = some_chain()
    forged = chained([replace(one.entry or FULL, target="user:1") for one in chain])
    assert verdict(forged) is None
    assert verdict(forged, [chain[4].head]) == ChainBreak(position=5, fault=ChainFault.REWRITTEN, entry_id=14)


def test_chain_cut_off_and_grown_again_leaves_heads_that_disagree():
    chain = some_chain()
    heads = [chain[5].head, chain[3].head, chain[6].head]
    assert verdict(chain, heads) == ChainBreak(position=4, fault=ChainFault.HEADS_DISAGREE)
    assert verdict(chain, [chain[5].head, chain[5].head, chain[6].head]) is None


# --- properties

TEXT = st.text(max_size=12)
SIZED = st.binary(min_size=32, max_size=32)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXT, one, max_size=3),
    max_leaves=5,
)
ENTRIES = st.builds(
    AuditEntry,
    id=st.integers(1, 2**63 - 1),
    at=st.datetimes(timezones=st.just(UTC)),
    actor=st.none() | st.uuids().map(UserId),
    credential=TEXT,
    action=TEXT,
    target=TEXT,
    before=st.none() | SIZED,
    after=st.none() | SIZED,
    occurrences=st.integers(1, 2**31 - 1),
    detail=st.dictionaries(TEXT, JSON, max_size=3),
    correlation_id=st.none() | TEXT,
)
TRAILS = st.lists(ENTRIES, min_size=1, max_size=6)
BATCHES = st.integers(1, 7)


@given(TRAILS, BATCHES)
def test_untouched_chain_is_sound(entries: list[AuditEntry], batch: int):
    chain = chained(entries)
    assert verdict(chain, [one.head for one in chain], batch=batch) is None


@given(ENTRIES, ENTRIES)
def test_entries_are_equal_when_and_only_when_their_forms_are(one: AuditEntry, other: AuditEntry):
    mixed = replace(one, detail=other.detail)
    assert (canonical(mixed) == canonical(one)) == (repr_of(mixed) == repr_of(one))


def repr_of(entry: AuditEntry) -> str:
    """Tell 1 from 1.0 and from true, which ``==`` does not."""
    return repr(_sorted(entry.detail))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return [(name, _sorted(one)) for name, one in sorted(value.items())]
    return [_sorted(one) for one in value] if isinstance(value, list) else value


@given(TRAILS, ENTRIES, BATCHES, st.data())
def test_change_of_any_field_of_any_entry_is_found_where_it_is(
    entries: list[AuditEntry], other: AuditEntry, batch: int, data: st.DataObject
):
    chain = chained(entries)
    place = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from([one.name for one in fields(AuditEntry)]))
    changed = replace(entries[place], **{name: getattr(other, name)})
    assume(changed != entries[place])
    chain[place] = replace(chain[place], entry=changed)
    broken = verdict(chain, batch=batch)
    assert broken is not None
    assert broken.position == place + 1
    assert broken.fault in {ChainFault.ENTRY_CHANGED, ChainFault.ENTRY_OR_LINK_CHANGED}


@given(TRAILS, SIZED, BATCHES, st.data())
def test_change_of_any_link_is_found_where_it_is(
    entries: list[AuditEntry], digest: bytes, batch: int, data: st.DataObject
):
    chain = chained(entries)
    place = data.draw(st.integers(0, len(chain) - 1))
    assume(digest != chain[place].digest)
    chain[place] = replace(chain[place], digest=digest)
    broken = verdict(chain, batch=batch)
    assert broken is not None
    assert broken.position == place + 1


def _deleted(chain: list[ChainLink], place: int) -> list[ChainLink]:
    return chain[:place] + chain[place + 1 :]


def _closed_up(chain: list[ChainLink], place: int) -> list[ChainLink]:
    """Delete a link and number the rest anew."""
    return [replace(one, position=n) for n, one in enumerate(_deleted(chain, place), start=1)]


def _swapped(chain: list[ChainLink], place: int) -> list[ChainLink]:
    """Exchange two entries, each with its id."""
    one, other = chain[place - 1], chain[place]
    swapped = list(chain)
    swapped[place - 1] = replace(one, entry=other.entry, entry_id=other.entry_id)
    swapped[place] = replace(other, entry=one.entry, entry_id=one.entry_id)
    return swapped


def _inserted(chain: list[ChainLink], place: int) -> list[ChainLink]:
    """Insert an entry with a digest that is right in itself, and number the rest anew."""
    before = chain[place - 1].head if place else GENESIS
    forged = replace(FULL, id=2**62)
    new = ChainLink(position=0, entry_id=2**62, digest=link(before, forged).digest, entry=forged)
    return [replace(one, position=n) for n, one in enumerate([*chain[:place], new, *chain[place:]], start=1)]


def _truncated(chain: list[ChainLink], place: int) -> list[ChainLink]:
    return chain[:place]


def _rebuilt(chain: list[ChainLink], place: int) -> list[ChainLink]:
    """Change an entry and compute everything after it anew, as somebody who can write anything would."""
    entries = [one.entry or FULL for one in chain]
    entries[place] = replace(entries[place], target=entries[place].target + "x")
    return chained(entries)


@pytest.mark.parametrize("attack", [_deleted, _closed_up, _swapped, _inserted, _truncated, _rebuilt])
@given(entries=TRAILS, batch=BATCHES, data=st.data())
def test_no_attack_survives_a_head_that_was_exported(
    attack: Callable[[list[ChainLink], int], list[ChainLink]],
    entries: list[AuditEntry],
    batch: int,
    data: Any,
):
    chain = chained(entries)
    place = data.draw(st.integers(0, len(chain) - 1))
    after = attack(chain, place)
    assume([(one.position, one.entry, one.digest) for one in after] != _plain(chain))
    assert verdict(after, [chain[-1].head], batch=batch) is not None


def _plain(chain: list[ChainLink]) -> list[tuple[int, AuditEntry | None, bytes]]:
    return [(one.position, one.entry, one.digest) for one in chain]


@given(TRAILS, BATCHES, st.data())
def test_deletion_inside_swap_and_insertion_are_found_without_any_exported_head(
    entries: list[AuditEntry], batch: int, data: st.DataObject
):
    chain = chained(entries)
    assume(len(chain) > 1)
    place = data.draw(st.integers(1, len(chain) - 1))
    assume(chain[place - 1].entry != chain[place].entry)
    for attack in (_deleted, _closed_up, _inserted):
        assert verdict(attack(chain, place - 1), batch=batch) is not None
    assert verdict(_swapped(chain, place), batch=batch) is not None
