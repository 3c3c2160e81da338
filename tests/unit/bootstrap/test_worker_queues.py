"""Which queues a worker serves."""

import pytest

from waardhaven.bootstrap.settings import InvalidSettings, read_settings
from waardhaven.bootstrap.worker import known_queues, worker_config
from waardhaven.domain.jobs.job import Queue


@pytest.mark.parametrize(
    ("text", "queues"),
    [
        ("interactive,bulk", (Queue.INTERACTIVE, Queue.BULK)),
        (" bulk , interactive", (Queue.INTERACTIVE, Queue.BULK)),
        ("bulk", (Queue.BULK,)),
        ("bulk,bulk", (Queue.BULK,)),
    ],
)
def test_queues_are_named_by_commas(text: str, queues: tuple[Queue, ...]):
    assert known_queues(text) == queues


@pytest.mark.parametrize("text", ["", ",", "slow", "bulk,slow"])
def test_unknown_queue_is_refused(text: str):
    with pytest.raises(InvalidSettings, match="interactive and bulk"):
        known_queues(text)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("JOB_LEASE_SECONDS", "0.4"),
        ("JOB_LEASE_SECONDS", "301"),
        ("JOB_GRACE_SECONDS", "0"),
        ("WORKER_CONCURRENCY", "0"),
        ("WORKER_DRAIN_SECONDS", "-1"),
        ("COMPUTE_PROCESSES", "0"),
        ("COMPUTE_MEMORY_MB", "1"),
        ("COMPUTE_SECONDS", "soon"),
    ],
)
def test_settings_of_workers_are_bounded(name: str, bad: str):
    with pytest.raises(InvalidSettings, match=name):
        read_settings({name: bad})


def test_each_worker_has_an_id_of_its_own():
    settings = read_settings({"WORKER_CONCURRENCY": "3"})
    one, other = (worker_config(settings, tuple(Queue)) for _ in range(2))
    assert one.id != other.id
    assert len(one.id) <= 120
    assert one.concurrency == 3
