"""PostgresRevocations: hears at once which tokens were ended."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.listener import Listener
from waardhaven.application.ports.revocations import Revocations
from waardhaven.application.ports.security import Claims

STALE_SECONDS = 4.0
"""With a heartbeat of one second, nothing that is older than 5 seconds stays unknown."""
OVERLAP = timedelta(minutes=3)
"""Longer than any transaction lasts: a row may become visible after one with a later instant."""
RELOAD_SECONDS = 600.0
FIRST_SECONDS = 3.0
"""Requests of a process that only begins wait so long for the first answer."""
_READ = "SELECT user_id, session_id, version FROM revocation WHERE at > now() - $1::interval"


class PostgresRevocations(Listener, Revocations):
    """Keeps the revocations of the last ``lifetime``, as long as an access token lives, in memory.

    The newest are read again with every notice and heartbeat, all of them on a new connection and now
    and then, which also forgets what no token can be concerned by any more.
    """

    channel = "waardhaven_revocation"

    def __init__(
        self,
        database: Database,
        *,
        lifetime: timedelta,
        heartbeat: float = 1.0,
        retry: float = 0.5,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(database, heartbeat=heartbeat, retry=retry)
        self._lifetime = lifetime + OVERLAP
        self._now = now
        self._read_at: float | None = None
        self._reload_at = 0.0
        self._known = asyncio.Event()
        self._versions: dict[UUID, int] = {}
        self._sessions: set[UUID] = set()

    def is_current(self) -> bool:
        """See Revocations."""
        return self._read_at is not None and self._now() - self._read_at < STALE_SECONDS

    async def settled(self) -> None:
        """See Revocations."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._known.wait(), FIRST_SECONDS)

    def refuses(self, claims: Claims) -> bool:
        """See Revocations."""
        return claims.session in self._sessions or claims.version < self._versions.get(claims.user, 0)

    async def _refresh(self, connection: Connection, *, first: bool) -> None:
        began = self._now()
        whole = first or began >= self._reload_at
        rows = await connection.fetch(_READ, self._lifetime if whole else OVERLAP)
        if whole:
            self._versions, self._sessions = {}, set()
            self._reload_at = began + RELOAD_SECONDS
        for user, session, version in rows:
            if session is not None:
                self._sessions.add(session)
            else:
                self._versions[user] = max(version, self._versions.get(user, 0))
        self._read_at = began
        self._known.set()

    def _forget(self) -> None:
        """Stop being current only by age: what was known a moment ago is still true."""
