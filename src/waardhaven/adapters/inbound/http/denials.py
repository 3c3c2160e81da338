"""Refused requests, counted in memory and recorded in the audit trail every few seconds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from waardhaven.adapters.inbound.http.addresses import address_of
from waardhaven.adapters.inbound.http.auth import caller_of
from waardhaven.adapters.inbound.http.counters import METHODS
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.audit.record_denials import Denial, RecordDenials
from waardhaven.domain.identity.roles import ANONYMOUS, SYSTEM, Credential

TRIED_LOGIN: Final = "tried_login"
"""Key of the request scope: the name somebody tried to log in with."""
ACTIONS: Final = {401: "access.unauthenticated", 403: "access.denied", 429: "access.throttled"}
LOGIN_FAILED: Final = "login.failed"
OTHERS: Final = "others"
"""Stands for the targets of denials that are too many to be told apart."""
FLUSH_SECONDS = 10.0
LAST_FLUSH_SECONDS = 2.0
MOST_KINDS = 200
log = structlog.get_logger(__name__)


def tried_login(scope: Any, login: str) -> None:
    """Note in the scope of a request that somebody tries to log in as ``login``."""
    scope[TRIED_LOGIN] = login


class Denials:
    """Counts like denials together, so that a flood of them is a few entries, in bounded memory.

    What could not be recorded is kept for the next time, within the same bound.
    """

    def __init__(self, services: Services, *, seconds: float = FLUSH_SECONDS) -> None:
        """Record through the container's use case, every ``seconds``."""
        self._services = services
        self._seconds = seconds
        self._counts: dict[Denial, int] = {}
        self._is_failing = False

    def note(self, scope: Mapping[str, Any], status: int) -> None:
        """Count the answer to a request when it is a refusal; never waits."""
        if status in ACTIONS:
            self._add(_denial(scope, status), 1)

    async def flush(self) -> None:
        """Record what was counted; never raises."""
        taken, self._counts = self._counts, {}
        if not taken:
            return
        try:
            async with self._services.container() as opened:
                record = await opened.get(RecordDenials)
                await record(SYSTEM, list(taken.items()))
        except Exception as error:
            self._keep(taken)
            if not self._is_failing:
                log.exception("denials_not_recorded", kinds=len(taken), error=type(error).__name__)
            self._is_failing = True
        except asyncio.CancelledError:
            self._keep(taken)
            raise
        else:
            self._is_failing = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Flush every few seconds until the block ends, and once more then."""
        task = asyncio.create_task(self._run(), name="denials")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_FLUSH_SECONDS):
                    await self.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await self.flush()

    def _add(self, denial: Denial, count: int) -> None:
        if denial not in self._counts and len(self._counts) >= MOST_KINDS:
            denial = _without_origin(denial)
        self._counts[denial] = self._counts.get(denial, 0) + count

    def _keep(self, taken: Mapping[Denial, int]) -> None:
        for denial, count in taken.items():
            self._add(denial, count)


def _denial(scope: Mapping[str, Any], status: int) -> Denial:
    caller = caller_of(scope) or ANONYMOUS
    login = scope.get(TRIED_LOGIN)
    failed = login is not None and status in {401, 429}
    return Denial(
        action=LOGIN_FAILED if failed else ACTIONS[status],
        user=caller.user,
        credential=caller.credential,
        address=address_of(scope) if caller.user is None or login is not None else None,
        login=login,
        target=f"{_method(scope)} {scope.get('path_template') or 'unmatched'}",
        status=status,
    )


def _method(scope: Mapping[str, Any]) -> str:
    method = scope.get("method", "GET")  # the handshake of a WebSocket is one
    return method if method in METHODS else "OTHER"


def _without_origin(denial: Denial) -> Denial:
    return Denial(
        action=denial.action,
        user=None,
        credential=Credential.ANONYMOUS,
        address=None,
        login=None,
        target=OTHERS,
        status=denial.status,
    )
