"""Waiting mails over PostgreSQL: two workers send each once; what fails is put off, then given up."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from dishka import AsyncContainer, Provider, Scope
from tests.fakes.clock import FakeClock
from tests.fakes.identity import FakeNotifier

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.identity.manage_users import CreateUser
from waardhaven.application.identity.reset_password import RequestPasswordReset
from waardhaven.application.identity.send_mails import ATTEMPTS, BATCH, PAUSE, SendMails
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.notifier import Message, Notifier
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import OPERATOR, SYSTEM

MAILS = 45
Begin = Callable[[Notifier], AsyncContainer]


class SlowNotifier(FakeNotifier):
    """Hands a mail over while others do the same."""

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)
        await super().send(message)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime.now(UTC))


@pytest.fixture
def settings(database_url: str, settings_for: Callable[..., Settings]) -> Settings:
    return settings_for(database_url, database_pool_size=5)


@asynccontextmanager
async def worker(settings: Settings, clock: Clock, notifier: Notifier) -> AsyncIterator[AsyncContainer]:
    """Lend one worker's worth of objects."""
    replaced = Provider(scope=Scope.APP)
    replaced.provide(lambda: clock, provides=Clock, override=True)
    replaced.provide(lambda: notifier, provides=Notifier, override=True)
    container = make_container(settings, replaced)
    yield container
    await container.close()


async def ask_for_mails(container: AsyncContainer, count: int) -> list[str]:
    """Let so many people forget their passwords; return their addresses."""
    addresses = [f"user{number}@example.org" for number in range(count)]
    for address in addresses:
        async with container() as scope:
            await (await scope.get(CreateUser))(OPERATOR, email=address)
            await (await scope.get(RequestPasswordReset))(email=address)
    return addresses


async def send(container: AsyncContainer) -> int:
    async with container() as scope:
        return await (await scope.get(SendMails))(SYSTEM)


async def pending(container: AsyncContainer) -> int:
    async with (await container.get(Database)).acquire() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM mail WHERE done_at IS NULL"))


async def test_two_workers_at_once_send_each_mail_once(settings: Settings, clock: FakeClock) -> None:
    sent = SlowNotifier()
    async with worker(settings, clock, sent) as one, worker(settings, clock, sent) as other:
        addresses = await ask_for_mails(one, MAILS)
        rounds = 0
        while await pending(one):
            assert rounds < MAILS, "they get nowhere"
            await asyncio.gather(send(one), send(other))
            rounds += 1
        assert await send(one) == 0
    assert Counter(mail.to for mail in sent.sent) == Counter(addresses)
    assert rounds <= -(-MAILS // BATCH)


async def test_mail_that_was_taken_and_not_sent_is_sent_after_the_pause(
    settings: Settings, clock: FakeClock
) -> None:
    class Dying(FakeNotifier):
        async def send(self, message: Message) -> None:
            raise asyncio.CancelledError

    sent = FakeNotifier()
    async with worker(settings, clock, Dying()) as killed, worker(settings, clock, sent) as other:
        await ask_for_mails(killed, 1)
        with pytest.raises(asyncio.CancelledError):
            await send(killed)
        assert await send(other) == 0
        clock.advance(PAUSE - timedelta(seconds=1))
        assert await send(other) == 0
        clock.advance(timedelta(seconds=1))
        assert await send(other) == 1
        assert await pending(other) == 0
    assert [mail.to for mail in sent.sent] == ["user0@example.org"]


async def test_mail_that_fails_is_put_off_and_given_up_after_eight_attempts(
    settings: Settings, clock: FakeClock
) -> None:
    refusing = FakeNotifier(failures=ATTEMPTS)
    async with worker(settings, clock, refusing) as container:
        await ask_for_mails(container, 1)
        for attempt in range(1, ATTEMPTS + 1):
            assert await send(container) == 0
            assert refusing.failures == ATTEMPTS - attempt
            assert await send(container) == 0
            assert refusing.failures == ATTEMPTS - attempt, "it waits for its pause"
            assert await pending(container) == (attempt < ATTEMPTS)
            clock.advance(PAUSE)
        assert await send(container) == 0
    assert refusing.sent == []
