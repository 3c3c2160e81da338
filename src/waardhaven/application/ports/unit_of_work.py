"""One transaction over the ledger data: people and jobs, and later portfolios."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from waardhaven.application.ports.access_rules import AccessRules
from waardhaven.application.ports.api_keys import ApiKeys
from waardhaven.application.ports.audit_log import AuditLog
from waardhaven.application.ports.identity_links import IdentityLinks
from waardhaven.application.ports.jobs import Jobs
from waardhaven.application.ports.mailbox import Mailbox
from waardhaven.application.ports.one_time_tokens import OneTimeTokens
from waardhaven.application.ports.schedules import Schedules
from waardhaven.application.ports.sessions import Sessions
from waardhaven.application.ports.users import Users
from waardhaven.domain.events import Event


class Transaction(Protocol):
    """What is read and written together. Nothing stays unless ``commit`` was awaited."""

    users: Users
    sessions: Sessions
    api_keys: ApiKeys
    one_time_tokens: OneTimeTokens
    links: IdentityLinks
    mailbox: Mailbox
    access: AccessRules
    audit: AuditLog
    jobs: Jobs
    schedules: Schedules

    @abstractmethod
    async def emit(self, event: Event) -> None:
        """Put an event in the outbox, in this transaction."""

    @abstractmethod
    async def commit(self) -> None:
        """Make everything written so far durable."""


class UnitOfWork(Protocol):
    """``async with uow() as tx:`` rolls back unless committed; never held open across a network wait."""

    @abstractmethod
    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction."""
