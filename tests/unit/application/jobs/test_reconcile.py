"""Reconcile: jobs of silent workers and lost messages come back."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.application.jobs.workshop import Workshop

from waardhaven.application.jobs.reconcile import BATCH, Reconcile
from waardhaven.application.jobs.rules import JobRules
from waardhaven.application.ports.job_queue import QueueUnavailable
from waardhaven.application.ports.jobs import Delivery
from waardhaven.domain.identity.roles import ANONYMOUS, SYSTEM, PermissionDenied
from waardhaven.domain.jobs.job import JobState

RULES = JobRules(lease=timedelta(seconds=10), grace=timedelta(seconds=2))


async def nothing(*_: Any) -> Any:
    raise AssertionError


@pytest.fixture
def shop() -> Workshop:
    return Workshop(nothing, tries=2)


def reconcile(shop: Workshop) -> Reconcile:
    return Reconcile(shop.ledger, shop.queue, RULES)


async def claimed(shop: Workshop) -> Delivery:
    delivery = await shop.submit()
    assert await shop.ledger.claim(delivery, worker="gone", lease=RULES.lease)
    return delivery


async def test_job_of_a_silent_worker_is_taken_back_and_delivered(shop: Workshop):
    delivery = await claimed(shop)
    assert not await reconcile(shop)(SYSTEM)
    shop.uow.clock.advance(RULES.lease + timedelta(milliseconds=1))
    done = await reconcile(shop)(SYSTEM)
    assert (done.reclaimed, done.redelivered) == (1, 0)
    assert shop.job(delivery).state is JobState.QUEUED
    assert list(shop.queue.waiting) == [(delivery.job, 2)]


async def test_job_that_lost_every_worker_is_dead_and_not_delivered(shop: Workshop):
    delivery = await claimed(shop)
    shop.uow.clock.advance(RULES.lease * 2)
    await reconcile(shop)(SYSTEM)
    again = Delivery(job=delivery.job, number=2, queue=delivery.queue)
    shop.queue.take(again)
    assert await shop.ledger.claim(again, worker="gone too", lease=RULES.lease)
    shop.uow.clock.advance(RULES.lease * 2)
    await reconcile(shop)(SYSTEM)
    assert shop.job(delivery).state is JobState.DEAD
    assert shop.queue.waiting == {}


async def test_message_that_was_lost_is_replaced_after_the_grace(shop: Workshop):
    delivery = await shop.submit()
    assert not await reconcile(shop)(SYSTEM)
    shop.uow.clock.advance(RULES.grace)
    done = await reconcile(shop)(SYSTEM)
    assert (done.reclaimed, done.redelivered) == (0, 1)
    assert list(shop.queue.waiting) == [(delivery.job, 2)]
    shop.uow.clock.advance(RULES.grace * 2)
    assert not await reconcile(shop)(SYSTEM)


async def test_message_that_waits_is_left_alone(shop: Workshop):
    delivery = await shop.submit()
    await shop.queue.deliver([delivery])
    shop.uow.clock.advance(RULES.grace * 5)
    assert not await reconcile(shop)(SYSTEM)
    assert list(shop.queue.waiting) == [(delivery.job, 1)]


async def test_lost_message_is_found_behind_many_that_only_wait(shop: Workshop):
    waiting = [await shop.submit(number) for number in range(1, BATCH + 11)]
    await shop.queue.deliver(waiting)
    shop.uow.clock.advance(timedelta(milliseconds=1))
    lost = await shop.submit(BATCH + 11)
    shop.uow.clock.advance(RULES.grace)
    assert (await reconcile(shop)(SYSTEM)).redelivered == 1
    assert (lost.job, 2) in shop.queue.waiting


async def test_round_is_bounded(shop: Workshop):
    for number in range(1, BATCH + 11):
        await shop.submit(number)
    shop.uow.clock.advance(RULES.grace)
    assert (await reconcile(shop)(SYSTEM)).redelivered == BATCH
    assert (await reconcile(shop)(SYSTEM)).redelivered == 10


async def test_leases_are_taken_back_while_the_queue_is_away_and_delivered_when_it_is_back(shop: Workshop):
    delivery = await claimed(shop)
    shop.uow.clock.advance(RULES.lease * 2)
    shop.queue.failing = True
    await reconcile(shop)(SYSTEM)
    assert shop.job(delivery).state is JobState.QUEUED
    shop.uow.clock.advance(RULES.grace)
    with pytest.raises(QueueUnavailable):
        await reconcile(shop)(SYSTEM)
    shop.queue.failing = False
    assert (await reconcile(shop)(SYSTEM)).redelivered == 1
    assert list(shop.queue.waiting) == [(delivery.job, 3)]


async def test_only_operators_reconcile(shop: Workshop):
    with pytest.raises(PermissionDenied):
        await reconcile(shop)(ANONYMOUS)
