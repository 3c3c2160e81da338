"""Sharing an index, and who sees it then."""

import pytest
from tests.contract.test_unit_of_work_contract import a_user
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.application.world import World

from waardhaven.application.indexes import access as access_module
from waardhaven.application.indexes.access import ChangeAccess, GrantView, InvalidAccess, ViewAccess
from waardhaven.application.indexes.queries import (
    ListBuilds,
    ListIndices,
    ReadCurrent,
    ReadHistory,
    ViewIndex,
)
from waardhaven.application.ports.access_rules import Kind
from waardhaven.domain.events import IndexAccessChanged
from waardhaven.domain.identity.access import Access, NotYours, Right, Visibility
from waardhaven.domain.identity.roles import OPERATOR, Principal, Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.index.build_record import NothingPublished, UnknownIndex


def by(user: User) -> Principal:
    return Principal(user=user.id, role=Role.VIEWER)


@pytest.fixture
def people() -> list[User]:
    return [a_user(name) for name in ("ada", "grace", "eve")]


@pytest.fixture
def uow(people: list[User]) -> FakeUnitOfWork:
    made = FakeUnitOfWork()
    made.users.rows = {one.id: one for one in people}
    made.access.rows[Kind.INDEX, "mine"] = Access(owner=people[0].id, visibility=Visibility.PRIVATE)
    made.access.rows[Kind.INDEX, "autoindex"] = Access(owner=None, visibility=Visibility.PUBLIC)
    return made


async def test_owner_shares_by_username_and_takes_it_back(uow: FakeUnitOfWork, people: list[User]):
    ada, grace, _ = people
    change, view = ChangeAccess(uow), ViewAccess(uow)
    shared = await change(
        by(ada), slug="mine", visibility=Visibility.SHARED, shared_with={" Grace": Right.EDIT}
    )
    assert (shared.owner, shared.visibility) == ("ada", "shared")
    assert shared.shared_with == (GrantView(username="grace", right="edit"),)
    assert await view(by(ada), slug="mine") == shared
    assert uow.access.rows[Kind.INDEX, "mine"].shared_with == {grace.id: Right.EDIT}
    assert uow.audit.entries == [("index.access_changed", ada.id, "index:1")]
    assert uow.events == [IndexAccessChanged(index=1)]
    again = await change(by(ada), slug="mine", visibility=Visibility.PRIVATE, shared_with={})
    assert again.shared_with == ()


async def test_others_learn_nothing_and_readers_change_nothing(uow: FakeUnitOfWork, people: list[User]):
    ada, grace, eve = people
    change, view = ChangeAccess(uow), ViewAccess(uow)
    await change(by(ada), slug="mine", visibility=Visibility.SHARED, shared_with={"grace": Right.EDIT})
    for slug in ("mine", "nothing"):
        for asked in (
            view(by(eve), slug=slug),
            change(by(eve), slug=slug, visibility=Visibility.PUBLIC, shared_with={}),
        ):
            with pytest.raises(UnknownIndex, match=slug):
                await asked
    with pytest.raises(NotYours):
        await view(by(grace), slug="mine")
    assert (await view(OPERATOR, slug="mine")).owner == "ada"


async def test_unknown_names_and_too_many_are_refused(
    uow: FakeUnitOfWork, people: list[User], monkeypatch: pytest.MonkeyPatch
):
    change = ChangeAccess(uow)
    with pytest.raises(InvalidAccess) as caught:
        await change(
            by(people[0]),
            slug="mine",
            visibility=Visibility.SHARED,
            shared_with={"nobody": Right.READ, "grace": Right.READ},
        )
    assert [one.rule for one in caught.value.errors] == ["'nobody' is not a username here"]
    monkeypatch.setattr(access_module, "MOST_GRANTS", 1)
    with pytest.raises(InvalidAccess):
        await change(
            by(people[0]),
            slug="mine",
            visibility=Visibility.SHARED,
            shared_with={"eve": Right.READ, "grace": Right.READ},
        )


async def test_index_of_the_system_stays_public(uow: FakeUnitOfWork):
    change = ChangeAccess(uow)
    with pytest.raises(InvalidAccess):
        await change(OPERATOR, slug="autoindex", visibility=Visibility.PRIVATE, shared_with={})
    view = await change(
        OPERATOR, slug="autoindex", visibility=Visibility.PUBLIC, shared_with={"eve": Right.EDIT}
    )
    assert view.owner is None


async def test_somebody_elses_private_index_is_unknown_to_every_reader(people: list[User]):
    world = World()
    await world.open(rows=20)
    ada, grace, _ = people
    world.indexes.change_access("an-index", Access(owner=ada.id, visibility=Visibility.PRIVATE))
    mine, hers = by(ada), by(grace)
    view, builds, listed = (
        ViewIndex(world.indexes, world.builds),
        ListBuilds(world.indexes, world.builds),
        ListIndices(world.indexes, world.builds),
    )
    history = ReadHistory(world.indexes, world.builds, world.market)
    current = ReadCurrent(world.indexes, world.builds, world.market, world.market)
    assert (await view(mine, slug="an-index")).visibility == "private"
    assert [one.slug for one in (await listed(mine)).items] == ["an-index"]
    assert (await listed(hers)).items == ()
    for asked in (
        view(hers, slug="an-index"),
        builds(hers, slug="an-index"),
        history(hers, slug="an-index"),
        current(hers, slug="an-index"),
        world.verify(hers, slug="an-index"),
    ):
        with pytest.raises(UnknownIndex):
            await asked
    with pytest.raises(NothingPublished):
        await history(mine, slug="an-index")
