"""Who may read, edit and manage a thing: the owner, those it is shared with, everybody, nobody."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waardhaven.domain.errors import NotFound
from waardhaven.domain.identity.access import Access, NotYours, Right, Visibility
from waardhaven.domain.identity.roles import (
    ANONYMOUS,
    OPERATOR,
    PERMISSIONS,
    Credential,
    Permission,
    PermissionDenied,
    Principal,
    Role,
)
from waardhaven.domain.types import UserId

ADA, GRACE, EVE = (UserId(UUID(int=number)) for number in (1, 2, 3))
UNKNOWN = NotFound("There is no such thing.")


def person(user: UserId, role: Role = Role.VIEWER) -> Principal:
    return Principal(user=user, role=role)


def rights(access: Access, by: Principal) -> tuple[bool, bool, bool]:
    return access.may_read(by), access.may_edit(by), access.may_manage(by)


@pytest.mark.parametrize(
    ("visibility", "by", "expected"),
    [
        (Visibility.PRIVATE, person(ADA), (True, True, True)),
        (Visibility.PRIVATE, person(GRACE), (False, False, False)),
        (Visibility.PRIVATE, person(EVE), (False, False, False)),
        (Visibility.SHARED, person(GRACE), (True, True, False)),
        (Visibility.SHARED, person(EVE), (True, False, False)),
        (Visibility.SHARED, person(UserId(UUID(int=4))), (False, False, False)),
        (Visibility.PUBLIC, person(GRACE), (True, True, False)),
        (Visibility.PUBLIC, person(UserId(UUID(int=4))), (True, False, False)),
        (Visibility.PRIVATE, person(UserId(UUID(int=4)), Role.ANALYST), (False, False, False)),
        (Visibility.PRIVATE, person(UserId(UUID(int=4)), Role.ADMIN), (True, True, True)),
        (Visibility.PRIVATE, OPERATOR, (True, True, True)),
        (Visibility.PRIVATE, ANONYMOUS, (False, False, False)),
    ],
)
def test_rights_follow_from_owner_grants_and_visibility(
    visibility: Visibility, by: Principal, expected: tuple[bool, bool, bool]
):
    access = Access(owner=ADA, visibility=visibility, shared_with={GRACE: Right.EDIT, EVE: Right.READ})
    assert rights(access, by) == expected


def test_scopes_of_a_key_take_the_administrators_reach_away():
    access = Access(owner=ADA, visibility=Visibility.PRIVATE)
    key = Principal(
        user=GRACE,
        role=Role.ADMIN,
        credential=Credential.API_KEY,
        scopes=frozenset({Permission.READ_INDICES}),
    )
    assert rights(access, key) == (False, False, False)


def test_thing_of_the_system_belongs_to_no_nameless_caller():
    access = Access(owner=None, visibility=Visibility.PUBLIC)
    nameless = Principal(user=None, role=Role.ANALYST)
    assert rights(access, nameless) == (True, False, False)


def test_what_is_hidden_is_unknown_and_what_is_seen_is_forbidden():
    access = Access(owner=ADA, visibility=Visibility.SHARED, shared_with={EVE: Right.READ})
    for require in (access.require_read, access.require_edit, access.require_manage):
        require(person(ADA), UNKNOWN)
        with pytest.raises(NotFound):
            require(person(GRACE), UNKNOWN)
    access.require_read(person(EVE), UNKNOWN)
    for require in (access.require_edit, access.require_manage):
        with pytest.raises(NotYours):
            require(person(EVE), UNKNOWN)


@given(
    owner=st.sampled_from([None, ADA, GRACE]),
    visibility=st.sampled_from(Visibility),
    grants=st.dictionaries(st.sampled_from([ADA, GRACE, EVE]), st.sampled_from(Right)),
    user=st.sampled_from([None, ADA, GRACE, EVE]),
    role=st.sampled_from(Role),
)
def test_who_manages_edits_and_who_edits_reads(
    owner: UserId | None,
    visibility: Visibility,
    grants: dict[UserId, Right],
    user: UserId | None,
    role: Role,
):
    access = Access(owner=owner, visibility=visibility, shared_with=grants)
    read, edit, manage = rights(access, Principal(user=user, role=role))
    assert read >= edit >= manage


@given(
    role=st.sampled_from(Role),
    scopes=st.none() | st.frozensets(st.sampled_from(Permission)),
    permission=st.sampled_from(Permission),
)
def test_scopes_narrow_a_role_and_never_widen_it(
    role: Role, scopes: frozenset[Permission] | None, permission: Permission
):
    by = Principal(user=ADA, role=role, scopes=scopes)
    expected = permission in PERMISSIONS[role] and (scopes is None or permission in scopes)
    assert by.may(permission) is expected
    if not expected:
        with pytest.raises(PermissionDenied):
            by.require(permission)
    else:
        by.require(permission)


def test_audiences_are_alike_for_those_who_may_read_the_same():
    plain, other = person(ADA), person(GRACE)
    narrowed = Principal(user=ADA, role=Role.VIEWER, scopes=frozenset({Permission.READ_INDICES}))
    assert plain.audience == other.audience != narrowed.audience
