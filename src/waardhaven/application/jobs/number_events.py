"""Give events their positions."""

from dataclasses import dataclass

from waardhaven.application.ports.event_log import EventLog
from waardhaven.domain.identity.roles import Permission, Principal


@dataclass(frozen=True, slots=True)
class NumberEvents:
    """Number what is committed also while nobody reads, so that the first reader does not wait for it."""

    log: EventLog

    async def __call__(self, by: Principal) -> None:
        """Give every committed event its position; several at once are one after the other."""
        by.require(Permission.OPERATE)
        await self.log.head()
