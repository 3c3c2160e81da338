"""Opening, proving, changing, closing and erasing accounts."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.unit.application.identity.house import OTHER, PASSWORD, House

from waardhaven.application.identity.administrators import LastAdministrator
from waardhaven.application.identity.login_user import InvalidCredentials
from waardhaven.application.identity.manage_users import StillOpen
from waardhaven.application.identity.owner import AccountClosed, ChangedMeanwhile, WrongPassword
from waardhaven.application.identity.queries import InvalidCursor, UnknownUser
from waardhaven.application.identity.register_user import InvalidRegistration, RegistrationClosed
from waardhaven.application.identity.verification import VerificationRule
from waardhaven.application.identity.verify_email import InvalidOneTimeToken
from waardhaven.application.ports.users import EmailTaken, UsernameTaken
from waardhaven.domain.events import UserChanged
from waardhaven.domain.identity.roles import OPERATOR, NotAPerson, PermissionDenied, Principal, Role


async def test_new_account_may_read_once_its_address_is_proved(house: House):
    await house.register(email=" Ada@Example.ORG ", password=PASSWORD)
    with pytest.raises(InvalidCredentials):
        await house.login(login="ada", password=PASSWORD)
    mail = (await house.inbox())[-1]
    assert mail.to == "ada@example.org"
    view = await house.verify(token=mail.text.split("Token: ")[1].split()[0])
    assert (view.email, view.username, view.role, view.is_verified) == (
        "ada@example.org",
        "ada",
        "viewer",
        True,
    )
    assert (await house.login(login="ADA", password=PASSWORD)).user == view
    assert house.actions() == ["user.registered", "user.email_verified", "session.opened"]


async def test_right_password_of_an_unproved_address_is_answered_like_a_wrong_one(house: House):
    await house.register(email="ada@example.org", password=PASSWORD)
    said = set()
    for password in (OTHER, PASSWORD):
        house.hasher.work.clear()
        with pytest.raises(InvalidCredentials) as caught:
            await house.login(login="ada", password=password)
        said.add((caught.value.message, *house.hasher.work))
    assert len(said) == 1


async def test_proof_can_be_switched_off(house: House):
    house = House(rule=VerificationRule(required=False))
    await house.register(email="ada@example.org", password=PASSWORD)
    assert (await house.login(login="ada", password=PASSWORD)).user.is_verified
    assert await house.inbox() == []


async def test_registration_can_be_closed():
    house = House(rule=VerificationRule(registration_open=False))
    with pytest.raises(RegistrationClosed):
        await house.register(email="ada@example.org", password=PASSWORD)


async def test_taken_address_changes_nothing_and_tells_its_owner_alone(house: House):
    ada = await house.person()
    house.hasher.work.clear()
    await house.register(email="ADA@example.org", password=OTHER)
    assert house.hasher.work == ["hash"]
    assert [(one.to, one.subject) for one in await house.inbox()] == [
        ("ada@example.org", "You have an account")
    ]
    assert house.uow.users.rows == {ada.id: ada}


async def test_repeated_registration_of_an_unproved_address_sends_proof_again_and_keeps_the_password(
    house: House,
):
    await house.register(email="ada@example.org", password=PASSWORD)
    await house.register(email="ada@example.org", password=OTHER)
    await house.verify(token=await house.mailed_token())
    assert await house.login(login="ada", password=PASSWORD)


async def test_taken_username_gets_a_suffix_so_that_nobody_learns_of_it(house: House):
    await house.person()
    await house.register(email="ada@two.org", password=PASSWORD, username="ada")
    names = {one.username for one in house.uow.users.rows.values()}
    assert len(names) == 2
    assert all(one.startswith("ada") for one in names)


@pytest.mark.parametrize(
    ("email", "password", "username", "bad"),
    [
        ("ada", PASSWORD, None, {"email"}),
        ("a@b@c", PASSWORD, None, {"email"}),
        ("a..b@c.org", PASSWORD, None, {"email"}),
        ("a@" + "b" * 64 + ".org", PASSWORD, None, {"email"}),
        ("l" * 65 + "@b.org", PASSWORD, None, {"email"}),
        ("ada@b.org", "nine char", None, {"password"}),
        ("ada@b.org", "x" * 129, None, {"password"}),
        ("ada@b.org", "Password123", None, {"password"}),
        ("ada@b.org", "ababababab", None, {"password"}),
        ("ada@b.org", "guessable word 1", None, {"password"}),
        ("adalovelace@b.org", "i am adalovelace", None, {"password"}),
        ("ada@b.org", PASSWORD, "a", {"username"}),
        ("ada@b.org", PASSWORD, "-ada", {"username"}),
        ("x", "y", "!", {"email", "password", "username"}),
    ],
)
async def test_registration_names_every_field_that_breaks_a_rule(
    house: House, email: str, password: str, username: str | None, bad: set[str]
):
    with pytest.raises(InvalidRegistration) as caught:
        await house.register(email=email, password=password, username=username)
    assert {one.field for one in caught.value.errors} == bad
    assert house.uow.users.rows == {}


async def test_proof_works_once_and_for_a_day(house: House):
    await house.register(email="ada@example.org", password=PASSWORD)
    token = await house.mailed_token()
    house.clock.advance(timedelta(days=1))
    with pytest.raises(InvalidOneTimeToken):
        await house.verify(token=token)
    house.clock.advance(timedelta(days=-1))
    await house.verify(token=token)
    with pytest.raises(InvalidOneTimeToken):
        await house.verify(token=token)


async def test_caller_sees_the_own_account_and_what_it_may_do(house: House):
    await house.person(role=Role.ANALYST)
    view = await house.me(await house.principal())
    assert view.permissions == ("indices:build", "indices:read")
    assert (view.has_password, view.providers) == (True, ())


async def test_account_that_is_gone_is_closed_and_machines_have_none(house: House):
    ada = await house.person()
    by = await house.principal()
    house.change(ada, is_active=False)
    with pytest.raises(AccountClosed):
        await house.me(by)
    with pytest.raises(NotAPerson):
        await house.me(OPERATOR)


async def test_username_changes_at_once_and_a_new_address_when_it_is_proved(house: House):
    await house.person()
    by = await house.principal()
    view = await house.update(by, username="Countess")
    assert view.username == "countess"
    await house.update(by, email="ada@new.org", password=PASSWORD)
    told = await house.inbox()
    assert {one.to for one in told} == {"ada@example.org", "ada@new.org"}
    assert (await house.me(by)).email == "ada@example.org"
    token = next(one for one in told if one.to == "ada@new.org").text.split("Token: ")[1].split()[0]
    assert (await house.verify(token=token)).email == "ada@new.org"


async def test_new_address_needs_the_password(house: House):
    await house.person()
    by = await house.principal()
    for password in (None, OTHER):
        with pytest.raises(WrongPassword):
            await house.update(by, email="ada@new.org", password=password)


async def test_address_of_somebody_else_is_answered_like_a_free_one(house: House):
    await house.person("grace")
    await house.person()
    by = await house.principal()
    before = await house.me(by)
    await house.update(by, email="grace@example.org", password=PASSWORD)
    assert [one.to for one in await house.inbox()] == ["ada@example.org"]
    assert (await house.me(by)).email == before.email


async def test_address_proved_by_another_account_meanwhile_is_refused(house: House):
    await house.person()
    by = await house.principal()
    await house.update(by, email="both@example.org", password=PASSWORD)
    mine = next(one for one in await house.inbox() if one.to == "both@example.org")
    await house.person("both")
    with pytest.raises(EmailTaken):
        await house.verify(token=mine.text.split("Token: ")[1].split()[0])


async def test_taken_username_is_told_to_who_is_signed_in(house: House):
    await house.person("grace")
    await house.person()
    with pytest.raises(UsernameTaken):
        await house.update(await house.principal(), username="grace")


async def test_bad_change_names_the_fields(house: House):
    await house.person()
    with pytest.raises(InvalidRegistration) as caught:
        await house.update(await house.principal(), username="-", email="x")
    assert {one.field for one in caught.value.errors} == {"username", "email"}


async def test_change_that_meets_another_is_refused(house: House):
    ada = await house.person()
    with pytest.raises(ChangedMeanwhile):
        async with house.uow() as tx:
            await house.owner.unchanged(tx, replace(ada, username="other"))


async def test_closed_account_ends_everything_and_frees_the_address(house: House):
    ada = await house.person()
    by, session = await house.principal(), await house.signed_in()
    with pytest.raises(WrongPassword):
        await house.close(by, password=OTHER)
    await house.close(by, password=PASSWORD)
    assert house.uow.users.rows[ada.id].deleted_at == house.clock.now()
    assert {one.end_reason for one in house.uow.sessions.rows.values()} == {"account_closed"}
    with pytest.raises(InvalidCredentials):
        await house.login(login="ada", password=PASSWORD)
    assert session.refresh_token
    assert (await house.person()).id != ada.id


async def test_last_administrator_can_not_leave_nor_be_removed(house: House):
    ada = await house.person(role=Role.ADMIN)
    by = await house.principal()
    with pytest.raises(LastAdministrator):
        await house.close(by, password=PASSWORD)
    with pytest.raises(LastAdministrator):
        await house.manage(by, ada.id, role=Role.VIEWER)
    with pytest.raises(LastAdministrator):
        await house.manage(by, ada.id, active=False)
    grace = await house.person("grace", role=Role.ADMIN)
    await house.manage(by, grace.id, active=False)
    with pytest.raises(LastAdministrator):
        await house.close(by, password=PASSWORD)


async def test_administrator_changes_role_and_state_and_tokens_end(house: House):
    ada = await house.person()
    view = await house.manage(OPERATOR, ada.id, role=Role.ANALYST)
    assert (view.role, view.is_active) == ("analyst", True)
    await house.signed_in()
    await house.manage(OPERATOR, ada.id, active=False)
    assert house.uow.users.rows[ada.id].token_version == 3
    assert all(one.ended_at for one in house.uow.sessions.rows.values())
    assert house.uow.events == [UserChanged(user=ada.id)] * 2
    with pytest.raises(UnknownUser):
        await house.manage(OPERATOR, uuid4(), active=True)


async def test_only_administrators_look_at_and_manage_accounts(house: House):
    ada = await house.person(role=Role.ANALYST)
    by = await house.principal()
    for asked in (
        house.users(by),
        house.user(by, ada.id),
        house.find(by, login="ada"),
        house.manage(by, ada.id, role=Role.ADMIN),
        house.create(by, email="x@y.org"),
        house.erase(by, ada.id),
        house.send(by),
    ):
        with pytest.raises(PermissionDenied):
            await asked


async def test_operator_makes_accounts_with_a_password_told_once(house: House):
    made = await house.create(OPERATOR, email="Eve@Example.org", role=Role.ADMIN)
    assert (made.email, made.username, made.role) == ("eve@example.org", "eve", "admin")
    assert (await house.login(login="eve", password=made.password)).user.role == "admin"
    with pytest.raises(EmailTaken):
        await house.create(OPERATOR, email="eve@example.org", username="other")
    with pytest.raises(InvalidRegistration):
        await house.create(OPERATOR, email="x", username="-")


async def test_accounts_are_found_listed_and_shown(house: House):
    ada, grace = await house.person(), await house.person("grace")
    assert (await house.find(OPERATOR, login="Grace")).id == grace.id
    with pytest.raises(UnknownUser):
        await house.find(OPERATOR, login="nobody")
    first = await house.users(OPERATOR, limit=1)
    rest = await house.users(OPERATOR, limit=1, cursor=first.next_cursor)
    assert {first.items[0].id, rest.items[0].id} == {ada.id, grace.id}
    assert rest.next_cursor is None
    assert (await house.user(OPERATOR, ada.id)).email == ada.email
    with pytest.raises(UnknownUser):
        await house.user(OPERATOR, uuid4())
    with pytest.raises(InvalidCursor):
        await house.users(OPERATOR, cursor="x")


async def test_erased_account_keeps_its_id_and_nothing_of_the_person(house: House):
    ada = await house.person()
    by = await house.principal()
    with pytest.raises(StillOpen):
        await house.erase(OPERATOR, ada.id)
    await house.close(by, password=PASSWORD)
    for _ in range(2):
        await house.erase(OPERATOR, ada.id)
    kept = repr((house.uow.users, house.uow.sessions, house.uow.one_time_tokens, house.uow.audit))
    assert "ada@" not in kept
    assert "'ada'" not in kept
    assert house.uow.users.rows[ada.id].password_hash is None
    with pytest.raises(UnknownUser):
        await house.erase(OPERATOR, uuid4())


async def test_first_administrator_is_made_once(house: House):
    made = await house.ensure(OPERATOR)
    assert made is not None
    assert (await house.login(login="admin", password=made.password)).user.role == "admin"
    assert await house.ensure(OPERATOR) is None
    with pytest.raises(PermissionDenied):
        await house.ensure(Principal(user=None, role=Role.ANALYST))
    with pytest.raises(InvalidRegistration):
        await house.ensure(OPERATOR, email="x")
