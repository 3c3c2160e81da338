"""States of jobs, their ids, and the pauses between attempts."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waardhaven.domain.identifiers import ordered_id
from waardhaven.domain.identity.roles import OPERATOR, Credential, Principal, Role
from waardhaven.domain.jobs.backoff import LONGEST, backoff
from waardhaven.domain.jobs.job import (
    TRANSITIONS,
    IllegalTransition,
    Job,
    JobState,
    Queue,
    check_transition,
)
from waardhaven.domain.types import JobId, UserId

LEGAL = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "queued"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("running", "dead"),
    ("failed", "queued"),
    ("dead", "queued"),
}


@pytest.mark.parametrize(("present", "wanted"), list(itertools.product(JobState, repeat=2)))
def test_only_legal_transitions_pass(present: JobState, wanted: JobState):
    if (str(present), str(wanted)) in LEGAL:
        check_transition(present, wanted)
        return
    with pytest.raises(IllegalTransition) as refused:
        check_transition(present, wanted)
    assert refused.value.context == {"state": str(present), "wanted": str(wanted)}


def test_every_state_is_told_what_may_follow_and_success_and_cancelling_are_final():
    assert TRANSITIONS.keys() == set(JobState)
    assert not TRANSITIONS[JobState.SUCCEEDED]
    assert not TRANSITIONS[JobState.CANCELLED]
    assert {one for one in JobState if not one.is_terminal} == {JobState.QUEUED, JobState.RUNNING}


def test_job_id_is_the_example_of_the_standard():
    """RFC 9562, appendix A.6: a UUIDv7 of 2022-02-22 14:22:22 GMT-05:00."""
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    assert ordered_id(at, bytes.fromhex("0CC3 18C4DC0C0C07398F")) == UUID(
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"
    )


@given(
    st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001
    st.binary(min_size=10, max_size=10),
    st.binary(min_size=10, max_size=10),
)
def test_job_ids_are_version_7_and_ordered_by_time(at: datetime, one: bytes, other: bytes):
    at = at.replace(tzinfo=UTC)
    first, later = ordered_id(at, one), ordered_id(at + timedelta(milliseconds=2), other)
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert first < later
    assert str(first) < str(later)


def test_job_id_refuses_too_little_randomness():
    with pytest.raises(ValueError, match="10 random bytes"):
        ordered_id(datetime(2024, 1, 1, tzinfo=UTC), b"short")


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_pause_grows_to_five_minutes_and_a_random_half_of_it_is_waited(attempt: int, chance: float):
    whole = min(timedelta(seconds=2.0 ** min(attempt - 1, 16)), LONGEST)
    assert whole / 2 <= backoff(attempt, chance) <= whole
    assert backoff(attempt, 0.0) <= backoff(attempt + 1, 0.0) <= LONGEST / 2


def test_its_owner_and_the_administrators_see_a_job_and_nobody_else():
    now = datetime(2024, 6, 3, tzinfo=UTC)
    ada, grace = (UserId(UUID(int=number)) for number in (1, 2))
    job = Job(
        id=JobId(UUID(int=3)),
        type="build",
        params={},
        queue=Queue.BULK,
        state=JobState.QUEUED,
        owner=ada,
        credential=Credential.SESSION,
        scopes=None,
        idempotency_key=None,
        parent=None,
        correlation_id=None,
        attempts=0,
        max_attempts=3,
        delivery=1,
        created_at=now,
        due_at=now,
    )
    askers = [
        Principal(user=ada, role=Role.VIEWER),
        Principal(user=grace, role=Role.ADMIN),
        OPERATOR,
        Principal(user=grace, role=Role.ANALYST),
    ]
    assert [job.access.may_read(by) for by in askers] == [True, True, True, False]
