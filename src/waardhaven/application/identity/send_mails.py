"""Send what waits to be sent."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from waardhaven.application.identity.mails import Mails
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.mailbox import WaitingMail
from waardhaven.application.ports.notifier import NotDelivered, Notifier
from waardhaven.application.ports.sealing import BrokenSeal
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.identity.roles import Permission, Principal

BATCH = 10
BUDGET = timedelta(seconds=20)
"""How long one run goes on taking batches: decoys must not keep real mails waiting."""
ATTEMPTS = 8
PAUSE = timedelta(minutes=1)
"""Longer than sending takes."""


@dataclass(frozen=True, slots=True)
class SendMails:
    """Hand waiting mails over, oldest first; one that fails is tried again, eight times in all.

    A mail is put off before it is sent, so that two workers do not send it at once; one who dies in
    between sends it again a minute later: twice is possible, never is not.
    """

    uow: UnitOfWork
    mails: Mails
    notifier: Notifier
    clock: Clock

    async def __call__(self, by: Principal) -> int:
        """Return how many were handed over."""
        by.require(Permission.OPERATE)
        began, sent = self.clock.now(), 0
        while (now := self.clock.now()) - began < BUDGET:
            async with self.uow() as tx:
                taken = await tx.mailbox.take_due(now=now, again_at=now + PAUSE, limit=BATCH)
                await tx.commit()
            if not taken:
                break
            sent += sum(await asyncio.gather(*(self._send(one) for one in taken)))
        return sent

    async def _send(self, mail: WaitingMail) -> bool:
        try:
            if mail.user is not None:
                await self.notifier.send(self.mails.opened(mail.sealed))
        except BrokenSeal:
            return await self._done(mail, sent=False)
        except NotDelivered:
            return mail.attempts >= ATTEMPTS and await self._done(mail, sent=False)
        return await self._done(mail, sent=mail.user is not None)

    async def _done(self, mail: WaitingMail, *, sent: bool) -> bool:
        async with self.uow() as tx:
            await tx.mailbox.done(mail.id, at=self.clock.now())
            await tx.commit()
        return sent
