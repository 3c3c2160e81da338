"""Whether those who listen still may: asked again and again, for all of them together."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

import structlog

from waardhaven.adapters.inbound.http.live.subscription import Ending, Subscription
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.identity.authenticate import Authenticate
from waardhaven.domain.errors import Forbidden, Unauthenticated, Unavailable
from waardhaven.domain.identity.roles import Credential, Permission, Principal

EVERY_SECONDS: Final = 2.0
UNKNOWN_SECONDS: Final = 5.0
"""How long a listener stays whose token nobody can judge."""
AT_ONCE: Final = 8
UNKNOWN: Final = Ending("authentication_unavailable", "Nobody can say whether your token still counts.", 4503)
log = structlog.get_logger(__name__)


class Recheck:
    """Ends listeners whose token expired or was ended, or who lost the permission to read."""

    def __init__(self, services: Services, *, every: float = EVERY_SECONDS) -> None:
        """Ask the container's authentication every so many seconds."""
        self._services = services
        self._every = every
        self._unknown_since: dict[str, float] = {}

    async def run(self, listeners: Collection[Subscription]) -> None:
        """Check all who listen, for ever."""
        while True:
            await asyncio.sleep(self._every)
            await self.check(tuple(listeners))

    async def check(self, listeners: Iterable[Subscription]) -> None:
        """Check these once; each token is asked for once. Waits for no answer longer than a round."""
        authenticate = await self._services.authenticate()
        by_token: defaultdict[str, list[Subscription]] = defaultdict(list)
        for one in listeners:
            if one.caller.credential is not Credential.BREAK_GLASS:  # counts as long as the process lives
                by_token[one.token].append(one)
        self._unknown_since = {
            token: since for token, since in self._unknown_since.items() if token in by_token
        }
        turns = asyncio.Semaphore(AT_ONCE)
        asked = {}
        for token, those in by_token.items():
            known = authenticate.known(token)
            if known is not None:
                self._known(token, known, those)
            else:
                asked[token] = those
        await asyncio.gather(
            *(self._ask(authenticate, turns, token, those) for token, those in asked.items())
        )

    async def _ask(
        self, authenticate: Authenticate, turns: asyncio.Semaphore, token: str, those: list[Subscription]
    ) -> None:
        try:
            async with turns, asyncio.timeout(self._every):
                caller = await authenticate(token)
        except Unauthenticated as error:
            _end(those, Ending(error.code, error.message, 4401))
        except (Unavailable, OSError):
            self._unknown(token, those)
        except Exception:
            log.exception("authentication_failed")
            self._unknown(token, those)
        else:
            self._known(token, caller, those)

    def _known(self, token: str, caller: Principal, those: list[Subscription]) -> None:
        self._unknown_since.pop(token, None)
        try:
            caller.require(Permission.READ_INDICES)
        except Forbidden as error:
            _end(those, Ending(error.code, error.message, 4403))
            return
        for one in those:
            one.caller = caller

    def _unknown(self, token: str, those: list[Subscription]) -> None:
        since = self._unknown_since.setdefault(token, time.monotonic())
        if time.monotonic() - since >= UNKNOWN_SECONDS:
            _end(those, UNKNOWN)


def _end(those: Iterable[Subscription], ending: Ending) -> None:
    for one in those:
        one.end(ending, at_once=True)
