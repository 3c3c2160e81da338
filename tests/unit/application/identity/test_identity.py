from dataclasses import dataclass, field, replace
from uuid import uuid4

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.security import TOKENS, FakePasswordHasher
from tests.fakes.unit_of_work import FakeUnitOfWork

from waardhaven.adapters.outbound.security.access_tokens import JwtAccessTokens
from waardhaven.application.identity.ensure_administrator import EnsureAdministrator
from waardhaven.application.identity.login_user import InvalidCredentials, LoginUser
from waardhaven.application.identity.queries import AccountClosed, ViewMe
from waardhaven.application.identity.register_user import InvalidRegistration, RegisterUser
from waardhaven.application.ports.users import EmailTaken, UsernameTaken
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied, Principal, Role
from waardhaven.domain.types import UserId

PASSWORD = "correct horse"


@dataclass
class House:
    uow: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)
    hasher: FakePasswordHasher = field(default_factory=FakePasswordHasher)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.tokens = JwtAccessTokens(TOKENS, self.clock)
        self.register = RegisterUser(self.uow, self.hasher, self.clock)
        self.login = LoginUser(self.uow, self.hasher, self.tokens, self.clock)
        self.ensure = EnsureAdministrator(self.uow, self.hasher, self.clock)
        self.me = ViewMe(self.uow)

    def change(self, user: UserId, **changes: object) -> None:
        self.uow.users.rows[user] = replace(self.uow.users.rows[user], **changes)  # type: ignore[arg-type]


@pytest.fixture
def house() -> House:
    return House()


async def test_a_new_account_may_read_and_leaves_a_trace(house: House) -> None:
    view = await house.register(email=" Ada@Example.ORG ", password=PASSWORD)
    assert (view.email, view.username, view.role) == ("ada@example.org", "ada", "viewer")
    assert house.uow.audit.entries == [("user.registered", view.id, f"user:{view.id}")]


async def test_a_derived_username_gives_way_to_one_that_is_taken(house: House) -> None:
    await house.register(email="ada@one.org", password=PASSWORD)
    second = await house.register(email="ada@two.org", password=PASSWORD)
    assert second.username.startswith("ada-")


async def test_a_chosen_username_that_is_taken_is_refused(house: House) -> None:
    await house.register(email="ada@one.org", password=PASSWORD, username="ada")
    with pytest.raises(UsernameTaken):
        await house.register(email="ada@two.org", password=PASSWORD, username="ADA")


async def test_an_address_that_is_taken_costs_as_much_as_a_free_one(house: House) -> None:
    await house.register(email="ada@one.org", password=PASSWORD)
    house.hasher.work.clear()
    with pytest.raises(EmailTaken):
        await house.register(email="ADA@one.org", password=PASSWORD)
    assert house.hasher.work == ["hash"]


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
        ("ada.lovelace@b.org", "Ada.Lovelace", None, {"password"}),
        ("ada@b.org", PASSWORD, "a", {"username"}),
        ("x", "x", "x", {"email", "password", "username"}),
    ],
)
async def test_every_broken_rule_is_named(
    house: House, email: str, password: str, username: str | None, bad: set[str]
) -> None:
    with pytest.raises(InvalidRegistration) as caught:
        await house.register(email=email, password=password, username=username)
    assert {error.field for error in caught.value.errors} == bad
    assert not house.uow.users.rows


@pytest.mark.parametrize("email", ["o'brien@x.ie", "a@localhost", "a+b@c-d.org", "ü@münchen.de", "_@b.c"])
async def test_unusual_addresses_are_accepted(house: House, email: str) -> None:
    assert (await house.register(email=email, password=PASSWORD)).email == email


@pytest.mark.parametrize("login", ["ada@one.org", "ADA@One.Org", "ada", " Ada "])
async def test_address_and_username_both_log_in(house: House, login: str) -> None:
    view = await house.register(email="ada@one.org", password=PASSWORD)
    signed_in = await house.login(login=login, password=PASSWORD)
    assert house.tokens.read(signed_in.access_token).user == view.id
    assert signed_in.expires_in == 900


async def test_each_refusal_says_the_same_after_the_same_work(house: House) -> None:
    view = await house.register(email="ada@one.org", password=PASSWORD)
    closed = await house.register(email="bob@one.org", password=PASSWORD)
    house.change(UserId(closed.id), is_active=False)
    said = set()
    for login, password in [(view.email, "wrong horse"), ("nobody", PASSWORD), (closed.email, PASSWORD)]:
        house.hasher.work.clear()
        with pytest.raises(InvalidCredentials) as caught:
            await house.login(login=login, password=password)
        said.add((caught.value.message, tuple(house.hasher.work)))
    assert len(said) == 1


async def test_an_outdated_hash_is_renewed_at_login(house: House) -> None:
    view = await house.register(email="ada@one.org", password=PASSWORD)
    house.hasher.version = 2
    await house.login(login="ada", password=PASSWORD)
    assert house.uow.users.rows[UserId(view.id)].password_hash == f"v2:{PASSWORD}"
    house.hasher.work.clear()
    await house.login(login="ada", password=PASSWORD)
    assert house.hasher.work == ["verify"]


async def test_the_first_administrator_is_made_once(house: House) -> None:
    made = await house.ensure(OPERATOR)
    assert made is not None
    assert len(made.password) >= 24
    assert await house.ensure(OPERATOR) is None
    signed_in = await house.login(login=made.username, password=made.password)
    assert signed_in.user.role == "admin"
    assert made.password not in str(house.uow.audit.entries)


async def test_a_closed_administrator_does_not_count(house: House) -> None:
    await house.ensure(OPERATOR)
    user = next(iter(house.uow.users.rows))
    house.change(user, is_active=False)
    assert await house.ensure(OPERATOR, email="second@localhost", username="second") is not None


async def test_only_who_manages_users_may_make_an_administrator(house: House) -> None:
    with pytest.raises(PermissionDenied):
        await house.ensure(Principal(user=None, role=Role.ANALYST))


async def test_callers_see_their_own_account(house: House) -> None:
    view = await house.register(email="ada@one.org", password=PASSWORD)
    assert await house.me(Principal(user=UserId(view.id), role=Role.VIEWER)) == view


@pytest.mark.parametrize("case", ["unknown", "inactive", "operator"])
async def test_a_closed_account_is_not_shown(house: House, case: str) -> None:
    view = await house.register(email="ada@one.org", password=PASSWORD)
    house.change(UserId(view.id), is_active=case != "inactive")
    user = {"unknown": UserId(uuid4()), "inactive": UserId(view.id), "operator": None}[case]
    with pytest.raises(AccountClosed):
        await house.me(Principal(user=user, role=Role.VIEWER))
