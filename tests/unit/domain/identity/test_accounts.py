"""Accounts, logins and callers: who is let in, and as whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from waardhaven.domain.identity.roles import (
    ANONYMOUS,
    OPERATOR,
    SYSTEM,
    Credential,
    NotAPerson,
    Principal,
    Role,
)
from waardhaven.domain.identity.session import LoginSession
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import SessionId, UserId

NOW = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)
ADA = UserId(UUID(int=1))
USER = User(
    id=ADA,
    email="ada@example.org",
    username="ada",
    password_hash="$argon2id$secret",
    role=Role.ANALYST,
    is_active=True,
    is_verified=False,
    created_at=NOW,
    updated_at=NOW,
)
LOGIN = LoginSession(
    id=SessionId(UUID(int=2)),
    user=ADA,
    created_at=NOW - timedelta(days=1),
    last_used_at=NOW,
    expires_at=NOW + timedelta(seconds=1),
)


@pytest.mark.parametrize(
    ("changes", "opened"),
    [({}, True), ({"is_active": False}, False), ({"deleted_at": NOW}, False)],
)
def test_only_an_account_that_is_active_and_not_deleted_may_sign_in(
    changes: dict[str, object], *, opened: bool
) -> None:
    assert replace(USER, **changes).may_sign_in is opened


def test_the_audited_state_of_an_account_tells_that_there_is_a_password_and_never_which() -> None:
    found = USER.audited()
    assert found["has_password"] is True
    assert USER.password_hash not in found.values()
    assert replace(USER, password_hash=None).audited()["has_password"] is False


@pytest.mark.parametrize(
    ("changes", "opened"),
    [({}, True), ({"expires_at": NOW}, False), ({"ended_at": NOW}, False)],
)
def test_a_login_is_open_until_it_ends_or_expires(changes: dict[str, object], *, opened: bool) -> None:
    assert replace(LOGIN, **changes).is_open(NOW) is opened


def test_the_owner_of_an_account_is_a_person_after_a_login() -> None:
    assert Principal(user=ADA, role=Role.VIEWER).person() == ADA


@pytest.mark.parametrize(
    "by",
    [
        ANONYMOUS,
        OPERATOR,
        SYSTEM,
        Principal(user=None, role=Role.ADMIN),
        Principal(user=ADA, role=Role.ADMIN, credential=Credential.API_KEY),
        Principal(user=ADA, role=Role.ADMIN, credential=Credential.JOB),
    ],
)
def test_machines_operators_and_narrowed_credentials_are_no_person(by: Principal) -> None:
    with pytest.raises(NotAPerson):
        by.person()
