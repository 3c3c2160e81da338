"""The use cases of the audit trail over fakes."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.fakes.audit_trail import FakeAuditTrail
from tests.fakes.clock import FakeClock
from tests.fakes.head_export import FakeHeadExport
from tests.fakes.identity import FakeAuditLog
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.application.world import ANALYST, VIEWER

from waardhaven.adapters.outbound.security.pseudonyms import KeyedPseudonyms
from waardhaven.application.answers import InvalidCursor
from waardhaven.application.audit.queries import ListAudit, ReadAuditHead
from waardhaven.application.audit.record_denials import Denial, RecordDenials
from waardhaven.application.audit.seal_audit import BATCH, SealAudit
from waardhaven.application.audit.verify_audit import VerifyAudit
from waardhaven.domain.identity.audit import GENESIS, ChainFault, ChainHead
from waardhaven.domain.identity.roles import (
    OPERATOR,
    SYSTEM,
    Credential,
    PermissionDenied,
    Principal,
    Role,
)
from waardhaven.domain.types import UserId

NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)
PSEUDONYMS = KeyedPseudonyms("a key for tests only, of 32 letters")
ADA = UserId(UUID(int=1))


def a_trail(count: int, at: datetime = NOW) -> FakeAuditTrail:
    trail = FakeAuditTrail()
    for _ in range(count):
        trail.put("thing.done", by=SYSTEM, target="thing:1", at=at)
    return trail


# --- sealing


@pytest.mark.parametrize("count", [0, 1, BATCH, 2 * BATCH + 1])
async def test_everything_recorded_is_sealed_once(count: int):
    trail, export = a_trail(count), FakeHeadExport()
    seal = SealAudit(trail, export, FakeClock())
    assert await seal(SYSTEM) == count
    assert await seal(SYSTEM) == 0
    assert [one.position for one in trail.chain] == list(range(1, count + 1))
    assert len(export.kept) == (1 if count else 0)


async def test_head_is_kept_a_minute_later_though_nothing_was_sealed_since():
    trail, export, clock = a_trail(1), FakeHeadExport(), FakeClock()
    seal = SealAudit(trail, export, clock)
    await seal(SYSTEM)
    trail.put("thing.done", by=SYSTEM, target="thing:2")
    clock.advance(timedelta(seconds=1))
    assert await seal(SYSTEM) == 1
    assert [head.position for head in export.heads()] == [1]
    clock.advance(timedelta(minutes=1))
    assert await seal(SYSTEM) == 0
    assert [head.position for head in export.heads()] == [1, 2]


async def test_second_sealer_leaves_everything_to_the_first():
    trail, export = a_trail(3), FakeHeadExport()
    trail.locked = True
    assert await SealAudit(trail, export, FakeClock())(SYSTEM) == 0
    assert (trail.chain, export.kept) == ([], [])


# --- verifying


class Sealed:
    """A sealed trail whose head was exported."""

    def __init__(self, count: int = 5) -> None:
        self.clock = FakeClock()
        self.trail = a_trail(count, at=self.clock.now() - timedelta(hours=2))
        self.export = FakeHeadExport()
        self.verify = VerifyAudit(self.trail, self.export, self.clock)

    async def seal(self) -> None:
        await SealAudit(self.trail, self.export, self.clock)(SYSTEM)
        self.clock.advance(timedelta(minutes=1))


@pytest.fixture
async def sealed() -> Sealed:
    made = Sealed()
    await made.seal()
    return made


async def test_sound_trail_passes_and_tells_what_it_was_compared_with(sealed: Sealed):
    found = await sealed.verify(OPERATOR)
    assert found.passed
    assert (found.head.position, found.heads, found.unsealed, found.reason) == (5, 1, 0, None)
    assert found.head.digest == sealed.trail.chain[-1].digest.hex()


async def test_empty_trail_passes():
    found = await Sealed(0).verify(OPERATOR)
    assert found.passed
    assert (found.head.position, found.head.digest) == (0, GENESIS.digest.hex())


async def test_changed_entry_is_named(sealed: Sealed):
    link = sealed.trail.chain[2]
    assert link.entry is not None
    sealed.trail.chain[2] = replace(link, entry=replace(link.entry, target="thing:9"))
    found = await sealed.verify(OPERATOR)
    assert not found.passed
    assert found.reason == "Position 3 (entry 3): the entry is not the one that was sealed."
    assert found.head.position == 2


async def test_trail_cut_off_at_its_end_is_found_by_the_exported_head(sealed: Sealed):
    del sealed.trail.chain[3:]
    found = await sealed.verify(OPERATOR)
    assert found.broken is not None
    assert (found.broken.position, found.broken.fault) == (4, ChainFault.TRUNCATED)


async def test_trail_cut_off_and_grown_again_is_found_though_the_last_head_fits(sealed: Sealed):
    del sealed.trail.chain[3:]
    for number in (4, 5):
        del sealed.trail.entries[number]
    sealed.trail.put("thing.done", by=SYSTEM, target="thing:7", at=NOW)
    await sealed.seal()
    assert [head.position for head in sealed.export.heads()] == [5, 4]
    found = await sealed.verify(OPERATOR)
    assert not found.passed


async def test_given_heads_stand_in_for_the_exported_ones(sealed: Sealed):
    right = [one.head for one in sealed.trail.chain]
    found = await sealed.verify(OPERATOR, expected=[right[3], right[1]])
    assert (found.passed, found.heads) == (True, 2)
    wrong = ChainHead(position=2, digest=bytes(32))
    found = await sealed.verify(OPERATOR, expected=[wrong])
    assert found.reason == "Position 2 (entry 2): the digest is not the one that was exported."
    copy = Path("a-copy")
    sealed.export.copies[copy] = [right[0], wrong]
    assert not (await sealed.verify(OPERATOR, source=copy)).passed


async def test_entry_that_was_never_sealed_fails_after_an_hour(sealed: Sealed):
    sealed.trail.put("thing.done", by=SYSTEM, target="thing:1", at=sealed.clock.now())
    assert (await sealed.verify(OPERATOR)).passed
    sealed.clock.advance(timedelta(hours=2))
    found = await sealed.verify(OPERATOR)
    assert (found.passed, found.unsealed, found.broken) == (False, 1, None)


# --- reading


async def test_pages_lead_from_the_newest_entry_to_the_oldest():
    list_audit = ListAudit(a_trail(5))
    first = await list_audit(OPERATOR, limit=2)
    assert [one.id for one in first.items] == [5, 4]
    second = await list_audit(OPERATOR, limit=3, cursor=first.next_cursor)
    assert [one.id for one in second.items] == [3, 2, 1]
    assert second.next_cursor is None


async def test_entry_is_shown_with_digests_in_hexadecimal():
    trail = FakeAuditTrail()
    by = Principal(user=ADA, role=Role.ADMIN, credential=Credential.SESSION)
    trail.put("user.deleted", by=by, target="user:2", before=b"\x01" * 32, detail={"a": 1})
    await trail.seal(limit=5)
    (one,) = (await ListAudit(trail)(OPERATOR, actor=ADA, action="user.")).items
    assert (one.actor, one.before, one.after, one.position) == (ADA, "01" * 32, None, 1)
    assert (one.credential, one.detail) == ("session", {"a": 1})


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 19, "1" * 20, "\u0661"])
async def test_cursor_that_no_page_gave_out_is_refused(cursor: str):
    with pytest.raises(InvalidCursor):
        await ListAudit(a_trail(1))(OPERATOR, cursor=cursor)


async def test_head_is_shown_as_position_and_digest():
    trail = a_trail(2)
    assert (await ReadAuditHead(trail)(OPERATOR)).position == 0
    await trail.seal(limit=5)
    found = await ReadAuditHead(trail)(OPERATOR)
    assert (found.position, found.digest) == (2, trail.chain[1].digest.hex())


# --- denials


@dataclass
class Call:
    """What was recorded, whole."""

    action: str
    by: Principal
    target: str
    detail: dict[str, Any]
    occurrences: int


@dataclass
class WholeAuditLog(FakeAuditLog):
    """Keeps what its parent drops."""

    calls: list[Call] = field(default_factory=list)

    async def record(self, action: str, *, by: Principal, target: str, **more: Any) -> None:
        self.calls.append(Call(action, by, target, dict(more["detail"]), more["occurrences"]))


def a_denial(**changes: object) -> Denial:
    plain = Denial(
        action="access.denied",
        user=None,
        credential=Credential.ANONYMOUS,
        address="203.0.113.9",
        login=None,
        target="GET /api/v1/admin/audit",
        status=403,
    )
    return replace(plain, **changes)


async def test_denials_are_recorded_with_their_number_and_no_address_or_login():
    uow = FakeUnitOfWork(audit=WholeAuditLog())
    denials = [(a_denial(), 3), (a_denial(action="login.failed", login="ada@x.org", status=401), 1)]
    assert await RecordDenials(uow, PSEUDONYMS)(SYSTEM, denials) == 2
    first, second = uow.audit.calls
    assert (first.action, first.by.user, first.occurrences) == ("access.denied", None, 3)
    assert first.by.credential is Credential.ANONYMOUS
    assert first.detail == {"status": 403, "address": PSEUDONYMS.of_text("203.0.113.9")}
    assert second.detail["login"] == PSEUDONYMS.of_text("ada@x.org")
    assert "ada" not in repr(uow.audit)
    assert "203.0" not in repr(uow.audit)


async def test_user_without_an_account_is_named_in_the_detail_alone():
    uow = FakeUnitOfWork(audit=WholeAuditLog())
    denial = a_denial(user=ADA, credential=Credential.API_KEY, address=None)
    await RecordDenials(uow, PSEUDONYMS)(SYSTEM, [(denial, 1)])
    (entry,) = uow.audit.calls
    assert (entry.by.user, entry.by.credential) == (None, Credential.API_KEY)
    assert entry.detail == {"status": 403, "user": str(ADA)}


@pytest.mark.parametrize("by", [VIEWER, ANALYST])
async def test_only_who_may_reads_seals_or_records(by: Principal):
    trail, export, clock = FakeAuditTrail(), FakeHeadExport(), FakeClock()
    for work in (
        lambda: ListAudit(trail)(by),
        lambda: ReadAuditHead(trail)(by),
        lambda: VerifyAudit(trail, export, clock)(by),
        lambda: SealAudit(trail, export, clock)(by),
        lambda: RecordDenials(FakeUnitOfWork(), PSEUDONYMS)(by, []),
    ):
        with pytest.raises(PermissionDenied):
            await work()
