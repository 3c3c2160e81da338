"""Submitting, cancelling and requeueing jobs."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.application.jobs.office import (
    ADA,
    ADMIN,
    ANALYST,
    BOB,
    NARROW,
    STRANGER,
    VIEWER,
    Office,
)

from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.params import InvalidParams
from waardhaven.application.jobs.specs import UnknownJobType
from waardhaven.application.jobs.submit_job import InvalidKey
from waardhaven.application.ports.jobs import Delivery, Settlement
from waardhaven.domain.identity.roles import Credential, Permission, PermissionDenied, Principal
from waardhaven.domain.jobs.job import (
    IllegalTransition,
    Job,
    JobFailure,
    JobState,
    KeyReused,
    Queue,
    UnknownJob,
)


async def claimed(office: Office, job: Job, settlement: Settlement | None = None) -> Job:
    """Let a worker begin a job, and end it when told how."""
    delivery = Delivery(job=job.id, number=job.delivery, queue=job.queue)
    found = await office.ledger.claim(delivery, worker="w", lease=timedelta(seconds=10))
    assert found is not None
    return found[0] if settlement is None else await office.ledger.settle(found[1], settlement)


async def test_job_is_in_the_ledger_with_every_parameter_and_on_its_way():
    office = Office()
    job = await office.submit(ANALYST, job_type="report", params={})
    assert job.state is JobState.QUEUED
    assert job.params == {"report_type": "performance", "period_days": 30, "index": "autoindex"}
    assert (job.owner, job.credential, job.scopes) == (ADA, Credential.SESSION, None)
    assert job.created_at == office.clock.now()
    assert await office.ledger.get(job.id) == job
    assert list(office.queue.waiting.values()) == [Delivery(job=job.id, number=1, queue=Queue.INTERACTIVE)]
    assert office.actions() == ["job.submitted"]


async def test_job_may_do_no_more_than_the_api_key_that_submitted_it():
    job = await Office().submit(NARROW, job_type="compute", params={})
    assert job.scopes == {Permission.READ_INDICES, Permission.BUILD_INDICES}
    assert job.credential is Credential.API_KEY


@pytest.mark.parametrize(
    ("by", "job_type"),
    [
        (VIEWER, "compute"),
        (VIEWER, "refresh"),
        (ANALYST, "refresh"),
        (ANALYST, "cleanup"),
        (NARROW, "cleanup"),
    ],
)
async def test_submitting_takes_the_permission_of_the_type(by: Principal, job_type: str):
    office = Office()
    with pytest.raises(PermissionDenied):
        await office.submit(by, job_type=job_type, params={})
    assert not office.uow.jobs.rows
    assert not office.queue.waiting


async def test_queue_that_is_out_of_reach_only_delays_the_job():
    office = Office()
    office.queue.failing = True
    job = await office.submit(VIEWER, job_type="report", params={})
    assert (await office.ledger.get(job.id)).state is JobState.QUEUED


async def test_same_key_gives_the_same_job_once_for_each_owner():
    office = Office()
    first = await office.submit(ANALYST, job_type="report", params={"period_days": 7}, key="monday")
    again = await office.submit(ANALYST, job_type="report", params={"period_days": 7}, key="monday")
    other = await office.submit(STRANGER, job_type="report", params={"period_days": 7}, key="monday")
    assert again.id == first.id != other.id
    assert len(office.queue.waiting) == 2
    assert office.actions() == ["job.submitted", "job.submitted"]
    with pytest.raises(KeyReused):
        await office.submit(ANALYST, job_type="report", params={"period_days": 8}, key="monday")


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "x" * 201, "tab\t"])
async def test_key_that_can_not_be_kept_is_refused(key: str):
    with pytest.raises(InvalidKey) as refused:
        await Office().submit(VIEWER, job_type="report", params={}, key=key)
    assert [one.field for one in refused.value.errors] == ["idempotency_key"]


@pytest.mark.parametrize(
    ("job_type", "params", "errors"),
    [
        ("cleanup", {"days_to_keep": 29}, {"params.days_to_keep": "must be at least 30"}),
        ("cleanup", {"days_to_keep": -1}, {"params.days_to_keep": "must be at least 30"}),
        ("cleanup", {"days_to_keep": 36_501}, {"params.days_to_keep": "must be at most 36500"}),
        ("cleanup", {"days_to_keep": True}, {"params.days_to_keep": "must be a whole number"}),
        ("cleanup", {"days_to_keep": 365.0}, {"params.days_to_keep": "must be a whole number"}),
        ("report", {"report_type": "risk"}, {"params.report_type": "must be one of performance, allocation"}),
        ("report", {"report_type": 3}, {"params.report_type": "must be a text"}),
        (
            "compute",
            {"restate_from": "yesterday"},
            {"params.restate_from": "must be a date such as 2024-05-31"},
        ),
        ("compute", {"restate_from": 5}, {"params.restate_from": "must be a date such as 2024-05-31"}),
        (
            "compute",
            {"index": "../etc", "momentum_weight": 0.5},
            {
                "params.momentum_weight": "is not a parameter of this job",
                "params.index": "must have the form [a-z0-9][a-z0-9-]{0,62}",
            },
        ),
    ],
)
async def test_every_bad_parameter_is_named_with_its_rule(
    job_type: str, params: dict[str, Any], errors: dict[str, str]
):
    office = Office()
    with pytest.raises(InvalidParams) as refused:
        await office.submit(ADMIN, job_type=job_type, params=params)
    assert {one.field: one.rule for one in refused.value.errors} == errors
    assert not office.uow.jobs.rows


@pytest.mark.parametrize(
    ("job_type", "params", "field"),
    [
        (JobName.BACKTEST, {}, "params.symbols"),
        (JobName.BACKTEST, {"symbols": ["A"], "start": "2024-05-31", "end": "2024-05-30"}, "params.end"),
        (JobName.BACKTEST, {"symbols": ["A"], "slippage": 0.06, "transaction_cost": 0.06}, "params.slippage"),
        (JobName.MONTECARLO, {"kind": "portfolio"}, "params.symbols"),
        (
            JobName.MONTECARLO,
            {"kind": "derivative", "payoff": {"type": "european"}},
            "params.payoff.strike_price",
        ),
        (JobName.MARKOWITZ, {"symbols": ["A", "B"], "returns": [[0.1, 0.2]]}, "params.returns"),
        (JobName.BLACKSCHOLES, {"option_type": "call", "strike_price": 1.0}, "params.time_to_expiry"),
        (
            JobName.BLACKSCHOLES,
            {
                "option_type": "call",
                "strike_price": -1.0,
                "time_to_expiry": 1.0,
                "spot_price": 1.0,
                "volatility": 0.2,
            },
            "params.strike_price",
        ),
    ],
)
async def test_question_that_can_not_be_answered_is_refused_and_no_job_queued(
    job_type: JobName, params: dict[str, Any], field: str
):
    office = Office()
    with pytest.raises(InvalidParams) as refused:
        await office.submit(ANALYST, job_type=job_type, params=params)
    assert field in {one.field for one in refused.value.errors}
    assert all(one.rule for one in refused.value.errors)
    assert not office.uow.jobs.rows


async def test_days_are_kept_as_text():
    job = await Office().submit(ANALYST, job_type="compute", params={"restate_from": "2024-05-31"})
    assert job.params["restate_from"] == "2024-05-31"
    assert (await Office().submit(ANALYST, job_type="compute", params={"restate_from": None})).params[
        "restate_from"
    ] is None


async def test_unknown_type_is_refused_with_those_there_are():
    with pytest.raises(UnknownJobType) as refused:
        await Office().submit(ADMIN, job_type="mine_bitcoin", params={})
    assert refused.value.errors[0].rule == f"must be one of {', '.join(JobName)}"


# --- cancelling


async def test_waiting_job_is_cancelled_at_once():
    office = Office()
    job = await office.submit(ANALYST, job_type="report", params={})
    assert (await office.cancel(ANALYST, job=job.id)).state is JobState.CANCELLED
    assert not office.queue.nudges
    with pytest.raises(IllegalTransition):
        await office.cancel(ANALYST, job=job.id)


async def test_running_job_is_asked_to_end_and_its_worker_is_told():
    office = Office()
    job = await office.submit(ANALYST, job_type="report", params={})
    await claimed(office, job)
    for _ in range(2):
        found = await office.cancel(ANALYST, job=job.id)
        assert found.state is JobState.RUNNING
        assert found.cancel_requested_at is not None
    assert office.queue.nudges == [job.id, job.id]
    office.queue.failing = True
    await office.cancel(ADMIN, job=job.id)


async def test_job_of_somebody_else_looks_like_one_that_is_not_there():
    office = Office()
    job = await office.submit(ANALYST, job_type="report", params={})
    messages = []
    for act in (office.cancel, office.requeue):
        with pytest.raises(UnknownJob) as refused:
            await act(STRANGER, job=job.id)
        messages.append(refused.value.message)
    office.uow.jobs.rows.clear()
    with pytest.raises(UnknownJob) as missing:
        await office.cancel(STRANGER, job=job.id)
    assert set(messages) == {missing.value.message}


# --- requeueing


DEAD = Settlement(state=JobState.DEAD, failure=JobFailure(code="worker_lost", message="Lost."))
FAILED = Settlement(state=JobState.FAILED, failure=JobFailure(code="unknown_index", message="No."))


@pytest.mark.parametrize("ended", [DEAD, FAILED], ids=["dead", "failed"])
async def test_job_that_ended_badly_gets_all_its_attempts_again(ended: Settlement):
    office = Office()
    job = await office.submit(ANALYST, job_type="report", params={})
    await claimed(office, job, ended)
    again = await office.requeue(ANALYST, job=job.id)
    assert (again.state, again.attempts, again.delivery, again.failure) == (JobState.QUEUED, 0, 2, None)
    assert (job.id, 2) in office.queue.waiting
    assert office.actions() == ["job.submitted", "job.requeued"]


async def test_job_that_did_not_end_badly_is_not_requeued():
    office = Office()
    job = await office.submit(ANALYST, job_type="report", params={})
    with pytest.raises(IllegalTransition):
        await office.requeue(ANALYST, job=job.id)
    await claimed(office, job, Settlement(state=JobState.SUCCEEDED, result={}))
    with pytest.raises(IllegalTransition):
        await office.requeue(ANALYST, job=job.id)


async def test_requeueing_takes_what_submitting_takes():
    office = Office()
    job = await office.submit(ANALYST, job_type="compute", params={})
    await claimed(office, job, DEAD)
    demoted = VIEWER
    assert demoted.user == ADA != BOB
    with pytest.raises(PermissionDenied):
        await office.requeue(demoted, job=job.id)
