"""Logging in, staying in, logging out; passwords; keys; who a token belongs to."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.fakes.identity import FakeRevocations
from tests.unit.application.identity.house import ADMIN_TOKEN, OTHER, PASSWORD, House, proven

from waardhaven.application.identity import api_keys
from waardhaven.application.identity.api_keys import InvalidApiKey, TooManyApiKeys, UnknownApiKey
from waardhaven.application.identity.authenticate import REMEMBERED, BreakGlass, RevocationsUnknown
from waardhaven.application.identity.end_sessions import UnknownSession
from waardhaven.application.identity.federated import LinkRequired
from waardhaven.application.identity.login_user import InvalidCredentials
from waardhaven.application.identity.mails import Links
from waardhaven.application.identity.owner import AccountClosed, WrongPassword
from waardhaven.application.identity.refresh_session import InvalidRefreshToken
from waardhaven.application.identity.register_user import InvalidRegistration, RegistrationClosed
from waardhaven.application.identity.signing_in import Client
from waardhaven.application.identity.verification import VerificationRule
from waardhaven.application.identity.verify_email import InvalidOneTimeToken
from waardhaven.application.ports.identity_links import IdentityTaken, ProofSpent
from waardhaven.application.ports.security import InvalidToken
from waardhaven.domain.identity.roles import OPERATOR, Credential, Permission, PermissionDenied, Role

READ = Permission.READ_INDICES


async def test_login_takes_the_same_work_and_says_the_same_whatever_is_wrong(house: House):
    ada = await house.person()
    said = set()
    for login, password, active in (
        ("ada", OTHER, True),
        ("nobody", PASSWORD, True),
        ("ada", PASSWORD, False),
    ):
        house.change(ada, is_active=active)
        house.hasher.work.clear()
        with pytest.raises(InvalidCredentials) as caught:
            await house.login(login=login, password=password)
        said.add(caught.value.message)
        assert house.hasher.work == ["verify"]
    assert len(said) == 1


async def test_hash_made_with_former_parameters_is_replaced_at_login(house: House):
    ada = await house.person()
    house.hasher.version = 2
    await house.signed_in()
    assert house.uow.users.rows[ada.id].password_hash == f"v2:{PASSWORD}"
    assert "user.password_rehashed" in house.actions()


async def test_account_closed_while_its_password_was_checked_stays_closed(house: House):
    ada = await house.person()
    verify = house.hasher.verify

    async def closing(password: str, password_hash: str | None) -> bool:
        house.change(ada, is_active=False)
        return await verify(password, password_hash)

    house.hasher.verify = closing  # type: ignore[method-assign]
    with pytest.raises(InvalidCredentials):
        await house.signed_in()
    assert house.uow.sessions.rows == {}


async def test_each_login_is_a_new_session_with_what_the_client_said_cleaned(house: House):
    await house.person()
    client = Client(device="curl\x00\n" + "x" * 300, address="203.0.113.9")
    one = await house.login(login="ada", password=PASSWORD, client=client)
    two = await house.signed_in()
    assert one.session != two.session
    by = await house.authenticate(two.access_token)
    listed = await house.sessions(by)
    assert [each.current for each in listed].count(True) == 1
    device = next(each.device for each in listed if each.id == one.session)
    assert device is not None
    assert device.startswith("curlxxx")
    assert len(device) == 200


async def test_refresh_gives_the_next_token_and_keeps_the_session(house: House):
    await house.person()
    first = await house.signed_in()
    house.clock.advance(timedelta(days=29))
    second = await house.refresh(refresh_token=first.refresh_token or "")
    assert (second.session, second.user) == (first.session, first.user)
    assert second.refresh_token not in {None, first.refresh_token}
    assert second.refresh_expires_in == timedelta(days=1).total_seconds()
    house.clock.advance(timedelta(days=1))
    with pytest.raises(InvalidRefreshToken):
        await house.refresh(refresh_token=second.refresh_token or "")


async def test_refresh_token_used_twice_ends_the_whole_family(house: House):
    await house.person()
    first, other = await house.signed_in(), await house.signed_in()
    second = await house.refresh(refresh_token=first.refresh_token or "")
    for token in (first, first, second):
        with pytest.raises(InvalidRefreshToken):
            await house.refresh(refresh_token=token.refresh_token or "")
    assert house.uow.sessions.rows[first.session].end_reason == "refresh_token_reused"
    assert house.actions().count("session.refresh_token_reused") == 1
    assert await house.refresh(refresh_token=other.refresh_token or "")


async def test_refresh_token_of_a_closed_account_or_of_nobody_is_refused(house: House):
    ada = await house.person()
    token = (await house.signed_in()).refresh_token or ""
    house.change(ada, is_active=False)
    for one in (token, "nobody's", ""):
        with pytest.raises(InvalidRefreshToken):
            await house.refresh(refresh_token=one)


async def test_refresh_tells_the_role_of_now(house: House):
    ada = await house.person()
    token = (await house.signed_in()).refresh_token or ""
    await house.manage(OPERATOR, ada.id, role=Role.ANALYST)
    view = await house.refresh(refresh_token=token)
    assert (await house.authenticate(view.access_token)).role is Role.ANALYST


async def test_logout_ends_the_session_of_either_token_once(house: House):
    await house.person()
    one, two, three = [await house.signed_in() for _ in range(3)]
    await house.logout(refresh_token=one.refresh_token)
    await house.logout(by=await house.authenticate(two.access_token))
    for _ in range(2):
        await house.logout(refresh_token="nobody's")
        await house.logout(refresh_token=one.refresh_token)
    ended = {each.id for each in house.uow.sessions.rows.values() if each.ended_at}
    assert ended == {one.session, two.session}
    assert three.session not in ended
    assert house.actions().count("session.ended") == 2


async def test_owner_ends_one_session_or_all_others_and_never_somebody_elses(house: House):
    await house.person("grace")
    hers = await house.signed_in("grace")
    await house.person()
    one, two, three = [await house.signed_in() for _ in range(3)]
    by = await house.authenticate(three.access_token)
    for stranger in (hers.session, uuid4()):
        with pytest.raises(UnknownSession):
            await house.end_sessions(by, session=stranger)
    assert await house.end_sessions(by, session=one.session) == 1
    assert await house.end_sessions(by) == 1
    assert [each.id for each in await house.sessions(by)] == [three.session]
    assert house.uow.sessions.rows[hers.session].ended_at is None
    assert two.session != three.session


async def test_forgotten_password_is_set_anew_by_mail_and_ends_every_session_and_key(house: House):
    await house.person()
    by = await house.principal()
    await house.create_key(by, name="k", scopes=[READ])
    await house.ask_reset(email=" ADA@example.org")
    token = await house.mailed_token()
    with pytest.raises(InvalidRegistration):
        await house.reset(token=token, password="weak")
    await house.reset(token=token, password=OTHER)
    assert all(each.ended_at for each in house.uow.sessions.rows.values())
    assert all(each.revoked_at for each in house.uow.api_keys.rows.values())
    assert await house.login(login="ada", password=OTHER)
    assert [each.subject for each in await house.inbox()] == ["Your account changed"]
    with pytest.raises(InvalidOneTimeToken):
        await house.reset(token=token, password=PASSWORD)


async def test_reset_for_nobody_does_the_work_and_sends_nothing(house: House):
    await house.person()
    await house.inbox()
    await house.ask_reset(email="nobody@example.org")
    assert len(house.uow.mailbox.rows) == 2
    assert await house.inbox() == []
    assert await house.send(OPERATOR) == 0


async def test_reset_token_ends_with_its_time_a_newer_one_or_another_address(house: House):
    ada = await house.person()
    await house.ask_reset(email=ada.email)
    old = await house.mailed_token()
    await house.ask_reset(email=ada.email)
    new = await house.mailed_token()
    with pytest.raises(InvalidOneTimeToken):
        await house.reset(token=old, password=OTHER)
    house.change(ada, email="moved@example.org")
    with pytest.raises(InvalidOneTimeToken):
        await house.reset(token=new, password=OTHER)
    house.change(ada, email=ada.email)
    house.clock.advance(timedelta(minutes=30))
    await house.ask_reset(email=ada.email)
    late = await house.mailed_token()
    house.clock.advance(timedelta(minutes=30))
    with pytest.raises(InvalidOneTimeToken):
        await house.reset(token=late, password=OTHER)


async def test_reset_proves_the_address_of_an_account_that_never_was(house: House):
    await house.register(email="ada@example.org", password=PASSWORD)
    await house.ask_reset(email="ada@example.org")
    await house.reset(token=await house.mailed_token(), password=OTHER)
    assert await house.login(login="ada", password=OTHER)


async def test_changed_password_ends_all_other_sessions(house: House):
    await house.person()
    other, mine = await house.signed_in(), await house.signed_in()
    by = await house.authenticate(mine.access_token)
    with pytest.raises(WrongPassword):
        await house.change_password(by, password=OTHER, new_password=OTHER)
    with pytest.raises(InvalidRegistration) as caught:
        await house.change_password(by, password=PASSWORD, new_password="weak")
    assert {one.field for one in caught.value.errors} == {"new_password"}
    await house.change_password(by, password=PASSWORD, new_password=OTHER)
    assert house.uow.sessions.rows[other.session].end_reason == "password_changed"
    assert house.uow.sessions.rows[mine.session].ended_at is None
    assert await house.login(login="ada", password=OTHER)


# --- mails


async def test_mail_that_fails_is_tried_eight_times_and_then_forgotten(house: House):
    await house.register(email="ada@example.org", password=PASSWORD)
    house.notifier.failures = 99
    for _ in range(12):
        await house.send(OPERATOR)
        house.clock.advance(timedelta(minutes=1))
    mail, due = house.uow.mailbox.rows[1]
    assert (mail.sealed, mail.attempts, due) == (b"", 8, None)


async def test_mail_that_fails_once_arrives_later(house: House):
    await house.register(email="ada@example.org", password=PASSWORD)
    house.notifier.failures = 1
    assert await house.inbox() == []
    assert await house.inbox() == []
    house.clock.advance(timedelta(minutes=1))
    assert len(await house.inbox()) == 1


async def test_decoys_do_not_hold_up_a_mail(house: House):
    for number in range(25):
        await house.ask_reset(email=f"nobody{number}@example.org")
    await house.register(email="ada@example.org", password=PASSWORD)
    assert [one.to for one in await house.inbox()] == ["ada@example.org"]


async def test_mail_whose_seal_is_broken_is_given_up(house: House):
    async with house.uow() as tx:
        await tx.mailbox.put(uuid4(), b"not ours", due_at=house.clock.now())
        await tx.commit()
    assert await house.inbox() == []
    assert house.uow.mailbox.rows[1][1] is None


# --- API keys


async def test_key_opens_what_its_scopes_and_the_role_allow(house: House):
    ada = await house.person(role=Role.ANALYST)
    made = await house.create_key(await house.principal(), name=" k ", scopes=[READ], per_minute=5)
    assert house.authenticate.known(made.secret) is None
    by = await house.authenticate(made.secret)
    assert house.authenticate.known(made.secret) is by
    assert (by.user, by.credential, by.per_minute, by.key) == (ada.id, Credential.API_KEY, 5, made.key.id)
    by.require(READ)
    with pytest.raises(PermissionDenied, match="scope"):
        by.require(Permission.BUILD_INDICES)
    assert (made.key.name, made.key.scopes) == ("k", ("indices:read",))
    assert made.secret not in repr(house.uow)


async def test_key_is_narrowed_by_the_role_of_now(house: House):
    ada = await house.person(role=Role.ANALYST)
    made = await house.create_key(await house.principal(), name="k", scopes=[Permission.BUILD_INDICES])
    house.change(ada, role=Role.VIEWER)
    with pytest.raises(PermissionDenied):
        (await house.authenticate(made.secret)).require(Permission.BUILD_INDICES)


async def test_key_ends_by_revocation_time_or_with_its_owner_within_seconds(house: House):
    ada = await house.person()
    by = await house.principal()
    kept, timed, revoked = [
        await house.create_key(by, name="k", scopes=[READ], expires_at=ends)
        for ends in (None, house.clock.now() + timedelta(hours=1), None)
    ]
    for one in (kept, timed, revoked):
        assert await house.authenticate(one.secret)
    await house.revoke_key(by, revoked.key.id)
    with pytest.raises(UnknownApiKey):
        await house.revoke_key(by, revoked.key.id)
    house.clock.advance(timedelta(seconds=2))
    with pytest.raises(InvalidToken):
        await house.authenticate(revoked.secret)
    house.clock.advance(timedelta(hours=1))
    with pytest.raises(InvalidToken):
        await house.authenticate(timed.secret)
    assert await house.authenticate(kept.secret)
    house.change(ada, is_active=False)
    house.clock.advance(timedelta(seconds=2))
    with pytest.raises(InvalidToken):
        await house.authenticate(kept.secret)
    assert [one.revoked_at is None for one in await house.keys(by)].count(True) == 2


async def test_use_of_a_key_is_noted_once_a_minute(house: House):
    await house.person()
    made = await house.create_key(await house.principal(), name="k", scopes=[READ])
    began = house.clock.now()
    for seconds in (0, 30, 30):
        house.clock.advance(timedelta(seconds=seconds))
        await house.authenticate(made.secret)
    assert house.uow.api_keys.rows[made.key.id].last_used_at == began + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("changes", "bad"),
    [
        ({"name": " "}, {"name"}),
        ({"name": "x" * 81}, {"name"}),
        ({"scopes": []}, {"scopes"}),
        ({"scopes": [Permission.MANAGE_USERS]}, {"scopes"}),
        ({"expires_at": "now"}, {"expires_at"}),
    ],
)
async def test_key_that_breaks_a_rule_is_refused(house: House, changes: dict[str, object], bad: set[str]):
    await house.person()
    if "expires_at" in changes:
        changes = {"expires_at": house.clock.now()}
    with pytest.raises(InvalidApiKey) as caught:
        await house.create_key(await house.principal(), **({"name": "k", "scopes": [READ]} | changes))
    assert {one.field for one in caught.value.errors} == bad


async def test_account_has_a_bounded_number_of_keys(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(api_keys, "MOST_KEYS", 1)
    ada = await house.person()
    by = await house.principal()
    await house.create_key(by, name="k", scopes=[READ])
    with pytest.raises(TooManyApiKeys):
        await house.create_key(by, name="k", scopes=[READ])
    house.change(ada, deleted_at=house.clock.now())
    with pytest.raises(AccountClosed):
        await house.create_key(by, name="k", scopes=[READ])


@pytest.mark.parametrize(
    "change", [lambda key: key[:-1] + "!", lambda key: key[:-4] + "AAAA", lambda _: "whk_"]
)
async def test_changed_key_is_refused(house: House, change: object):
    await house.person()
    made = await house.create_key(await house.principal(), name="k", scopes=[READ])
    with pytest.raises(InvalidToken):
        await house.authenticate(change(made.secret))  # type: ignore[operator]


async def test_remembered_keys_are_bounded(house: House):
    await house.person()
    by = await house.principal()
    made = await house.create_key(by, name="k", scopes=[READ])
    for number in range(REMEMBERED):
        house.authenticate._keys[number.to_bytes(32, "big")] = (by, house.clock.now())
    await house.authenticate(made.secret)
    assert len(house.authenticate._keys) == REMEMBERED


# --- who a token belongs to


async def test_token_whose_session_or_standing_ended_is_refused_at_once(house: House):
    ada = await house.person()
    one, two = await house.signed_in(), await house.signed_in()
    house.revocations.sessions.add(one.session)
    assert house.authenticate.known(one.access_token) is None
    with pytest.raises(InvalidToken):
        await house.authenticate(one.access_token)
    assert house.authenticate.known(two.access_token) is not None
    house.revocations.versions[ada.id] = 2
    with pytest.raises(InvalidToken):
        await house.authenticate(two.access_token)


async def test_nobody_is_believed_while_revocations_are_unknown(house: House):
    await house.person()
    token = (await house.signed_in()).access_token
    house.revocations.current = False
    assert house.authenticate.known(token) is None
    with pytest.raises(RevocationsUnknown):
        await house.authenticate(token)
    with pytest.raises(InvalidToken):
        await house.authenticate("nonsense")
    assert FakeRevocations().is_current()


async def test_glass_is_broken_with_its_token_alone_and_leaves_a_trace(house: House):
    by = await house.authenticate(ADMIN_TOKEN)
    assert (by.user, by.role, by.credential) == (None, Role.ADMIN, Credential.BREAK_GLASS)
    assert house.actions() == ["break_glass.used"]
    with pytest.raises(InvalidToken):
        await house.authenticate(ADMIN_TOKEN + "x")
    assert not BreakGlass(token=None).opens_with("")
    assert ADMIN_TOKEN not in repr(BreakGlass(token=ADMIN_TOKEN))


# --- identities elsewhere


async def test_new_identity_opens_an_account_and_the_same_one_comes_back(house: House):
    first = await house.sign_in(proven(house.clock), Client())
    assert (first.user.email, first.user.is_verified) == ("ada@example.org", True)
    again = await house.sign_in(proven(house.clock, proof_digest=b"2" * 32, email="new@x.org"), Client())
    assert again.user.id == first.user.id
    by = await house.authenticate(again.access_token)
    view = await house.me(by)
    assert (view.has_password, view.providers) == (False, ("google",))
    with pytest.raises(InvalidCredentials):
        await house.login(login="ada", password="")


async def test_proof_counts_once(house: House):
    await house.sign_in(proven(house.clock), Client())
    with pytest.raises(ProofSpent):
        await house.sign_in(proven(house.clock), Client())


async def test_account_with_that_address_is_never_taken_over(house: House):
    await house.person()
    with pytest.raises(LinkRequired):
        await house.sign_in(proven(house.clock), Client())
    assert house.uow.links.rows == {}
    assert house.uow.links.spent == set()


async def test_account_nobody_proved_gives_way_and_its_password_ends(house: House):
    await house.register(email="ada@example.org", password=PASSWORD)
    await house.sign_in(proven(house.clock), Client())
    with pytest.raises(InvalidCredentials):
        await house.login(login="ada", password=PASSWORD)


async def test_linking_needs_both_proofs(house: House):
    ada = await house.person()
    by = await house.principal()
    with pytest.raises(WrongPassword):
        await house.prove(by, password=OTHER)
    await house.link(await house.prove(by, password=PASSWORD), proven(house.clock))
    view = await house.sign_in(proven(house.clock, proof_digest=b"2" * 32), Client())
    assert view.user.id == ada.id
    grace = await house.person("grace")
    with pytest.raises(IdentityTaken):
        await house.link(grace.id, proven(house.clock, proof_digest=b"3" * 32))
    house.change(ada, is_active=False)
    with pytest.raises(AccountClosed):
        await house.link(ada.id, proven(house.clock, proof_digest=b"4" * 32))


async def test_identity_of_a_closed_account_is_refused(house: House):
    view = await house.sign_in(proven(house.clock), Client())
    house.change(house.uow.users.rows[view.user.id], is_active=False)
    with pytest.raises(InvalidCredentials):
        await house.sign_in(proven(house.clock, proof_digest=b"2" * 32), Client())
    await house.register(email="eve@example.org", password=PASSWORD)
    eve = next(one for one in house.uow.users.rows.values() if one.username == "eve")
    house.change(eve, is_active=False)
    with pytest.raises(InvalidCredentials):
        await house.sign_in(proven(house.clock, "2", email=eve.email), Client())


async def test_identity_gets_no_account_where_registration_is_closed_or_the_address_is_none():
    closed = House(rule=VerificationRule(registration_open=False))
    with pytest.raises(RegistrationClosed):
        await closed.sign_in(proven(closed.clock), Client())
    house = House()
    with pytest.raises(InvalidCredentials):
        await house.sign_in(proven(house.clock, email="not an address"), Client())


async def test_taken_username_of_a_new_identity_gets_a_suffix(house: House):
    await house.person()
    view = await house.sign_in(proven(house.clock, email="ada@elsewhere.org"), Client())
    assert view.user.username.startswith("ada-")


async def test_what_is_no_token_is_not_known_without_asking(house: House):
    for token in ("", "nonsense", "a.b.c", "whk_", ADMIN_TOKEN):
        assert house.authenticate.known(token) is None


async def test_links_in_mails_lead_to_the_front_end_with_the_token_out_of_every_log(house: House):
    links = Links(frontend_url="https://index.example.org/")
    assert links.to("verify-email", "secret") == "https://index.example.org/verify-email#token=secret"
