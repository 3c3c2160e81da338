"""Facts as others receive them."""

from uuid import UUID

import pytest

from waardhaven.domain.events import EVENTS, Event, IndexPublished, JobChanged, UserChanged, distinct

SOMEBODY = UUID(int=7)
ID = "00000000-0000-0000-0000-000000000007"


def test_every_fact_has_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match="same kind"):
        distinct(IndexPublished, JobChanged, IndexPublished)
    assert {one.__name__ for one in EVENTS} == {one.__name__ for one in Event.__subclasses__()}


@pytest.mark.parametrize(
    ("fact", "payload"),
    [
        (IndexPublished(index=3, publication=9), {"index": 3, "publication": 9}),
        (UserChanged(user=SOMEBODY), {"user": ID}),
        (
            JobChanged(
                job=SOMEBODY, type="build", state="failed", attempt=2, owner=None, parent=SOMEBODY, code="x"
            ),
            {
                "job": ID,
                "type": "build",
                "state": "failed",
                "attempt": 2,
                "owner": None,
                "parent": ID,
                "code": "x",
            },
        ),
    ],
)
def test_a_payload_is_the_fields_of_the_fact_with_ids_as_text(
    fact: Event, payload: dict[str, object]
) -> None:
    assert fact.payload() == payload
