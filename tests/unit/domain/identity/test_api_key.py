"""Keys for programs: what a key must be, and while it opens anything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from waardhaven.domain.identity.api_key import ApiKey, broken_key_rules, prefix_of
from waardhaven.domain.identity.roles import Permission, Role
from waardhaven.domain.types import ApiKeyId, UserId

NOW = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
KEY = ApiKey(
    id=ApiKeyId(UUID(int=1)),
    user=UserId(UUID(int=2)),
    name="laptop",
    prefix="abcdefghi1",
    digest=b"",
    scopes=frozenset({Permission.READ_INDICES}),
    per_minute=None,
    created_at=NOW,
)
SECRET = "S_e-" * 10 + "cr3"


@pytest.mark.parametrize(
    ("changes", "usable"),
    [
        ({}, True),
        ({"expires_at": LATER}, True),
        ({"expires_at": NOW}, False),
        ({"revoked_at": NOW}, False),
        ({"revoked_at": NOW, "expires_at": LATER}, False),
    ],
)
def test_a_key_opens_until_it_expires_or_is_revoked(changes: dict[str, datetime], *, usable: bool) -> None:
    assert replace(KEY, **changes).is_usable(NOW) is usable


def test_the_prefix_of_a_key_is_what_stands_between_its_mark_and_its_secret() -> None:
    assert prefix_of(f"whk_abcdefghi1_{SECRET}") == "abcdefghi1"


@pytest.mark.parametrize(
    "token",
    [
        "",
        f"abcdefghi1_{SECRET}",
        f"whk_abc_{SECRET}",
        f"whk_abcdefghi1_{SECRET}x",
        f"whk_abcdefghi1_{SECRET}\n",
    ],
)
def test_what_is_no_key_has_no_prefix(token: str) -> None:
    assert prefix_of(token) is None


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"name": "x" * 80, "expires_at": LATER}, []),
        ({"name": "  "}, ["name"]),
        ({"name": "x" * 81}, ["name"]),
        ({"scopes": []}, ["scopes"]),
        ({"scopes": [Permission.READ_INDICES, Permission.OPERATE]}, ["scopes"]),
        ({"expires_at": NOW}, ["expires_at"]),
        ({"name": "", "scopes": [], "expires_at": NOW}, ["name", "scopes", "expires_at"]),
    ],
)
def test_every_rule_that_a_new_key_breaks_is_named(changes: dict[str, object], fields: list[str]) -> None:
    asked = {"name": "laptop", "scopes": [Permission.READ_INDICES], "expires_at": None} | changes
    assert [one.field for one in broken_key_rules(**asked, role=Role.VIEWER, now=NOW)] == fields  # type: ignore[arg-type]


def test_permissions_that_the_role_lacks_are_told() -> None:
    (broken,) = broken_key_rules(
        name="x", scopes=list(Permission), role=Role.ANALYST, expires_at=None, now=NOW
    )
    assert broken.rule == "must be within your role, which lacks audit:read, system:operate, users:manage"
