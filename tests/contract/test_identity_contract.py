"""Sessions, ApiKeys, OneTimeTokens, IdentityLinks, Mailbox, AccessRules: what they all promise."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from tests.contract.test_unit_of_work_contract import a_user
from tests.fakes.identity import FakePseudonyms
from tests.fakes.unit_of_work import FakeUnitOfWork

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.unit_of_work import PostgresUnitOfWork
from waardhaven.application.ports.access_rules import AccessRules, Kind
from waardhaven.application.ports.api_keys import ApiKeys
from waardhaven.application.ports.identity_links import IdentityLinks, IdentityTaken, ProofSpent
from waardhaven.application.ports.mailbox import Mailbox
from waardhaven.application.ports.one_time_tokens import OneTimeTokens
from waardhaven.application.ports.sessions import Sessions
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.identity.access import Access, Right, Visibility
from waardhaven.domain.identity.api_key import ApiKey
from waardhaven.domain.identity.one_time_token import OneTimeToken, Purpose
from waardhaven.domain.identity.roles import Permission, Role
from waardhaven.domain.identity.session import EndReason, LoginSession
from waardhaven.domain.identity.user import User

NOW = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, TWO, THREE = b"1" * 32, b"2" * 32, b"3" * 32


@pytest.fixture
async def uow(backing_url: str | None) -> AsyncIterator[UnitOfWork]:
    if backing_url is None:
        yield FakeUnitOfWork()
        return
    database = Database(backing_url)
    yield PostgresUnitOfWork(database, FakePseudonyms())
    await database.close()


async def people(uow: UnitOfWork, *names: str) -> list[User]:
    made = sorted((a_user(name) for name in names), key=lambda one: one.id)
    async with uow() as tx:
        for one in made:
            await tx.users.add(one)
        await tx.commit()
    return made


def a_session(user: User, **changes: object) -> LoginSession:
    plain = LoginSession(
        id=uuid4(),
        user=user.id,
        created_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + HOUR,
        device="curl",
        address="203.0.113.9",
    )
    return replace(plain, **changes)


def a_key(user: User, prefix: str = "abcdefghij", **changes: object) -> ApiKey:
    plain = ApiKey(
        id=uuid4(),
        user=user.id,
        name="nightly",
        prefix=prefix,
        digest=ONE,
        scopes=frozenset({Permission.READ_INDICES, Permission.BUILD_INDICES}),
        per_minute=7,
        created_at=NOW,
        expires_at=NOW + HOUR,
    )
    return replace(plain, **changes)


def a_token(user: User, digest: bytes = ONE, **changes: object) -> OneTimeToken:
    plain = OneTimeToken(
        digest=digest,
        purpose=Purpose.RESET_PASSWORD,
        user=user.id,
        email=user.email,
        issued_at=NOW,
        expires_at=NOW + HOUR,
    )
    return replace(plain, **changes)


# --- users


async def test_account_is_saved_whole_and_only_a_change_of_standing_ends_its_tokens(uow: UnitOfWork):
    (ada,) = await people(uow, "ada")
    async with uow() as tx:
        renamed = await tx.users.save(replace(ada, username="countess", password_hash=None, is_verified=True))
        assert renamed == replace(ada, username="countess", password_hash=None, is_verified=True)
        promoted = await tx.users.save(replace(renamed, role=Role.ADMIN))
        assert promoted.token_version == ada.token_version + 1
        resting = await tx.users.save(replace(promoted, is_active=False, token_version=1))
        assert resting.token_version == ada.token_version + 2
        closed = await tx.users.save(replace(resting, deleted_at=NOW))
        assert closed.token_version == ada.token_version + 3
        assert await tx.users.by_id(ada.id) is None
        assert await tx.users.by_login("countess") is None
        assert await tx.users.any_by_id(ada.id, lock=True) == closed


async def test_closed_account_frees_its_names(uow: UnitOfWork):
    (ada,) = await people(uow, "ada")
    async with uow() as tx:
        await tx.users.save(replace(ada, deleted_at=NOW))
        successor = replace(ada, id=uuid4())
        await tx.users.add(successor)
        assert await tx.users.by_login(ada.email) == successor


async def test_accounts_come_in_pages_and_search_is_literal(uow: UnitOfWork):
    made = await people(uow, "ada", "grace", "alan")
    async with uow() as tx:
        first = await tx.users.page(limit=2)
        rest = await tx.users.page(limit=2, after=first[-1].id)
        assert [*first, *rest] == made
        assert [one.username for one in await tx.users.page(limit=9, search="GRAC")] == ["grace"]
        assert await tx.users.page(limit=9, search="%") == []
        assert await tx.users.page(limit=9, search="_d_") == []
        assert await tx.users.page(limit=9, role=Role.ADMIN) == []
        assert await tx.users.page(limit=9, active=False) == []
        assert await tx.users.page(limit=9, deleted=True) == []
        assert len(await tx.users.page(limit=9, role=Role.VIEWER, active=True)) == 3


# --- sessions


async def test_refresh_token_leads_to_its_session_and_is_told_when_used(uow: UnitOfWork):
    (ada,) = await people(uow, "ada")
    session = a_session(ada)
    async with uow() as tx:
        sessions: Sessions = tx.sessions
        await sessions.open(session, ONE)
        found = await sessions.by_token(ONE)
        assert found is not None
        assert (found.session, found.token_was_used) == (session, False)
        await sessions.rotate(session.id, used=ONE, issued=TWO, at=NOW + HOUR / 2)
        old, new = await sessions.by_token(ONE), await sessions.by_token(TWO)
        assert old is not None
        assert new is not None
        assert (old.token_was_used, new.token_was_used) == (True, False)
        assert new.session == replace(session, last_used_at=NOW + HOUR / 2)
        assert await sessions.by_token(THREE) is None


async def test_sessions_of_a_person_are_the_open_ones_last_used_first(uow: UnitOfWork):
    ada, grace = await people(uow, "ada", "grace")
    early, late = a_session(ada), a_session(ada, last_used_at=NOW + HOUR / 2)
    over = a_session(ada, created_at=NOW - HOUR, expires_at=NOW)
    async with uow() as tx:
        for number, one in enumerate((early, late, over, a_session(grace))):
            await tx.sessions.open(one, bytes([number]) * 32)
        assert list(await tx.sessions.of_user(ada.id, now=NOW)) == [late, early]


async def test_sessions_end_one_all_or_all_but_one_and_only_once(uow: UnitOfWork):
    ada, grace = await people(uow, "ada", "grace")
    mine = [a_session(ada) for _ in range(3)]
    others = a_session(grace)
    async with uow() as tx:
        for number, one in enumerate((*mine, others)):
            await tx.sessions.open(one, bytes([number]) * 32)
        end = tx.sessions.end
        assert await end(ada.id, EndReason.LOGOUT, at=NOW, only=others.id) == 0
        assert await end(ada.id, EndReason.LOGOUT, at=NOW, only=mine[0].id) == 1
        assert await end(ada.id, EndReason.LOGOUT, at=NOW, only=mine[0].id) == 0
        assert await end(ada.id, EndReason.REVOKED, at=NOW, but=mine[1].id) == 1
        assert await end(ada.id, EndReason.CLOSED, at=NOW) == 1
        assert list(await tx.sessions.of_user(ada.id, now=NOW)) == []
        assert list(await tx.sessions.of_user(grace.id, now=NOW)) == [others]
        ended = await tx.sessions.by_token(bytes([1]) * 32)
        assert ended is not None
        assert (ended.session.ended_at, ended.session.end_reason) == (NOW, EndReason.CLOSED)


async def test_forgotten_sessions_keep_no_trace_of_the_person(uow: UnitOfWork):
    ada, grace = await people(uow, "ada", "grace")
    async with uow() as tx:
        await tx.sessions.open(a_session(ada), ONE)
        await tx.sessions.open(a_session(grace), TWO)
        await tx.sessions.forget(ada.id)
        (mine,), (hers,) = [await tx.sessions.of_user(one.id, now=NOW) for one in (ada, grace)]
        assert (mine.device, mine.address) == (None, None)
        assert hers.device == "curl"


# --- API keys


async def test_key_is_found_by_prefix_and_listed_by_owner(uow: UnitOfWork):
    ada, grace = await people(uow, "ada", "grace")
    old, new = (
        a_key(ada),
        a_key(ada, "0123456789", created_at=NOW + HOUR / 2, expires_at=None, per_minute=None),
    )
    async with uow() as tx:
        keys: ApiKeys = tx.api_keys
        for one in (old, new, a_key(grace, "zzzzzzzzzz")):
            await keys.add(one)
        assert await keys.by_prefix("abcdefghij") == old
        assert await keys.by_prefix("abcdefghi%") is None
        assert list(await keys.of_user(ada.id)) == [new, old]
        await keys.used(old.id, NOW + HOUR)
        assert await keys.by_prefix("abcdefghij") == replace(old, last_used_at=NOW + HOUR)


async def test_key_is_revoked_by_its_owner_once_and_stays_listed(uow: UnitOfWork):
    ada, grace = await people(uow, "ada", "grace")
    keys = [a_key(ada, f"abcdefghi{number}") for number in range(3)]
    async with uow() as tx:
        for one in keys:
            await tx.api_keys.add(one)
        revoke = tx.api_keys.revoke
        assert await revoke(grace.id, at=NOW, only=keys[0].id) == 0
        assert await revoke(ada.id, at=NOW, only=keys[0].id) == 1
        assert await revoke(ada.id, at=NOW, only=keys[0].id) == 0
        assert await revoke(ada.id, at=NOW + 2 * HOUR) == 0
        assert await revoke(ada.id, at=NOW) == 2
        assert {one.revoked_at for one in await tx.api_keys.of_user(ada.id)} == {NOW}


# --- one-time tokens


async def test_token_is_spent_once_for_its_purpose_before_it_expires(uow: UnitOfWork):
    (ada,) = await people(uow, "ada")
    async with uow() as tx:
        tokens: OneTimeTokens = tx.one_time_tokens
        await tokens.issue(a_token(ada))
        assert await tokens.spend(TWO, Purpose.RESET_PASSWORD, at=NOW) is None
        assert await tokens.spend(ONE, Purpose.VERIFY_EMAIL, at=NOW) is None
        assert await tokens.spend(ONE, Purpose.RESET_PASSWORD, at=NOW + HOUR) is None
        assert await tokens.spend(ONE, Purpose.RESET_PASSWORD, at=NOW) == a_token(ada)
        assert await tokens.spend(ONE, Purpose.RESET_PASSWORD, at=NOW) is None


async def test_new_token_ends_the_one_before_for_the_same_purpose_alone(uow: UnitOfWork):
    (ada,) = await people(uow, "ada")
    async with uow() as tx:
        tokens = tx.one_time_tokens
        await tokens.issue(a_token(ada, ONE))
        await tokens.issue(a_token(ada, THREE, purpose=Purpose.VERIFY_EMAIL))
        await tokens.issue(a_token(ada, TWO))
        assert await tokens.spend(ONE, Purpose.RESET_PASSWORD, at=NOW) is None
        assert await tokens.spend(TWO, Purpose.RESET_PASSWORD, at=NOW) is not None
        assert await tokens.spend(THREE, Purpose.VERIFY_EMAIL, at=NOW) is not None


async def test_void_tokens_work_no_more(uow: UnitOfWork):
    (ada,) = await people(uow, "ada")
    async with uow() as tx:
        await tx.one_time_tokens.issue(a_token(ada))
        await tx.one_time_tokens.void(ada.id, at=NOW)
        assert await tx.one_time_tokens.spend(ONE, Purpose.RESET_PASSWORD, at=NOW) is None


# --- links


async def test_identity_belongs_to_one_account(uow: UnitOfWork):
    ada, grace = await people(uow, "ada", "grace")
    async with uow() as tx:
        links: IdentityLinks = tx.links
        assert await links.find("google", "1") is None
        await links.add("google", "1", ada.id, at=NOW)
        await links.add("google", "1", ada.id, at=NOW)
        await links.add("github", "1", grace.id, at=NOW)
        assert await links.find("google", "1") == ada.id
        assert list(await links.of_user(ada.id)) == ["google"]
        with pytest.raises(IdentityTaken):
            await links.add("google", "1", grace.id, at=NOW)


async def test_proof_is_spent_once(uow: UnitOfWork):
    async with uow() as tx:
        await tx.links.spend_proof(ONE, expires_at=NOW)
        await tx.links.spend_proof(TWO, expires_at=NOW)
        with pytest.raises(ProofSpent):
            await tx.links.spend_proof(ONE, expires_at=NOW + HOUR)


async def test_forgotten_links_lead_nowhere(uow: UnitOfWork):
    ada, _ = await people(uow, "ada", "grace")
    async with uow() as tx:
        await tx.links.add("google", "1", ada.id, at=NOW)
        await tx.links.forget(ada.id)
        assert await tx.links.find("google", "1") is None


# --- mails


async def test_due_mails_are_taken_in_order_put_off_and_counted(uow: UnitOfWork):
    (ada,) = await people(uow, "ada")
    async with uow() as tx:
        box: Mailbox = tx.mailbox
        await box.put(ada.id, b"first", due_at=NOW)
        await box.put(None, b"decoy", due_at=NOW)
        await box.put(ada.id, b"later", due_at=NOW + 2 * HOUR)
        taken = await box.take_due(now=NOW, again_at=NOW + HOUR, limit=9)
        assert [(one.user, one.sealed, one.attempts) for one in taken] == [
            (ada.id, b"first", 1),
            (None, b"decoy", 1),
        ]
        assert list(await box.take_due(now=NOW, again_at=NOW + HOUR, limit=9)) == []
        await box.done(taken[0].id, at=NOW)
        again = await box.take_due(now=NOW + HOUR, again_at=NOW + 2 * HOUR, limit=9)
        assert [(one.user, one.attempts) for one in again] == [(None, 2)]


async def test_forgotten_mails_are_never_sent(uow: UnitOfWork):
    (ada,) = await people(uow, "ada")
    async with uow() as tx:
        await tx.mailbox.put(ada.id, b"first", due_at=NOW)
        await tx.mailbox.forget(ada.id, at=NOW)
        assert list(await tx.mailbox.take_due(now=NOW, again_at=NOW + HOUR, limit=9)) == []


# --- access


@pytest.fixture
async def thing(uow: UnitOfWork, backing_url: str | None) -> tuple[str, User, User]:
    """An index of somebody, by name, with its owner and somebody else."""
    ada, grace = await people(uow, "ada", "grace")
    if backing_url is None:
        rules = uow.access  # type: ignore[attr-defined]
        rules.rows[Kind.INDEX, "an-index"] = Access(owner=ada.id, visibility=Visibility.PRIVATE)
        return "an-index", ada, grace
    connection = await asyncpg.connect(backing_url)
    insert = "INSERT INTO market_index (slug, owner_id, visibility) VALUES ('an-index', $1, 'private')"
    await connection.execute(insert, ada.id)
    await connection.close()
    return "an-index", ada, grace


async def test_thing_has_the_rules_it_was_given_last_and_keeps_its_owner(
    uow: UnitOfWork, thing: tuple[str, User, User]
):
    name, ada, grace = thing
    async with uow() as tx:
        rules: AccessRules = tx.access
        assert await rules.find(Kind.INDEX, "another") is None
        found = await rules.find(Kind.INDEX, name)
        assert found is not None
        assert found.access == Access(owner=ada.id, visibility=Visibility.PRIVATE)
        shared = {grace.id: Right.EDIT, ada.id: Right.READ}
        for grants in (shared, {grace.id: Right.READ}, {}):
            wanted = Access(owner=grace.id, visibility=Visibility.SHARED, shared_with=grants)
            await rules.change(Kind.INDEX, found.id, wanted, by=ada.id)
            now = await rules.find(Kind.INDEX, name)
            assert now is not None
            assert now.access == replace(wanted, owner=ada.id)


async def test_usernames_and_people_are_told_of_each_other(uow: UnitOfWork):
    ada, grace = await people(uow, "ada", "grace")
    async with uow() as tx:
        await tx.users.save(replace(grace, deleted_at=NOW))
        assert await tx.users.by_usernames([ada.username, grace.username, "nobody"]) == {ada.username: ada.id}
        assert await tx.users.usernames([ada.id, grace.id, uuid4()]) == {ada.id: ada.username}


async def test_two_who_refresh_with_the_same_token_come_one_after_the_other(database_url: str):
    database = Database(database_url)
    uow = PostgresUnitOfWork(database, FakePseudonyms())
    (ada,) = await people(uow, "ada")
    session = a_session(ada)
    async with uow() as tx:
        await tx.sessions.open(session, ONE)
        await tx.commit()
    seen: list[bool] = []

    async def refresh(issued: bytes) -> None:
        async with uow() as tx:
            found = await tx.sessions.by_token(ONE)
            assert found is not None
            seen.append(found.token_was_used)
            await tx.sessions.rotate(session.id, used=ONE, issued=issued, at=NOW)
            await tx.commit()

    await asyncio.gather(refresh(TWO), refresh(THREE))
    assert sorted(seen) == [False, True]
    await database.close()
