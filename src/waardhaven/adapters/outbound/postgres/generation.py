"""PostgresGeneration: hears when cached answers end."""

from collections.abc import Callable

from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.listener import Listener
from waardhaven.application.ports.generation import Generation

_READ = "SELECT value FROM generation"
_ADVANCE = """
WITH next AS (UPDATE generation SET value = value + 1 RETURNING value)
SELECT value, pg_notify('waardhaven_generation', value::text) FROM next
"""


class PostgresGeneration(Listener, Generation):
    """Knows the generation while it listens; until the first answer on a new connection ``known`` is None."""

    channel = "waardhaven_generation"

    def __init__(self, database: Database, *, heartbeat: float = 1.0, retry: float = 0.5) -> None:
        super().__init__(database, heartbeat=heartbeat, retry=retry)
        self._known: int | None = None
        self.on_change: Callable[[int], None] | None = None

    def known(self) -> int | None:
        """See Generation."""
        return self._known

    async def read(self) -> int:
        """See Generation."""
        async with self._database.acquire() as connection:
            return int(await connection.fetchval(_READ))

    async def advance(self) -> int:
        """See Generation."""
        async with self._database.acquire() as connection:
            return int(await connection.fetchval(_ADVANCE))

    async def _refresh(self, connection: Connection, *, first: bool) -> None:
        del first
        self._advance(int(await connection.fetchval(_READ)))

    def _noticed(self, payload: str) -> bool:
        self._advance(int(payload))
        return False

    def _forget(self) -> None:
        self._known = None

    def _advance(self, value: int) -> None:
        if self._known is None or value > self._known:
            self._known = value
            if self.on_change is not None:
                self.on_change(value)
