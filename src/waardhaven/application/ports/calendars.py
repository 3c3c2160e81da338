"""When exchanges trade."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from waardhaven.application.ports.market_facts import SessionColumns


class Calendars(Protocol):
    """Sessions of exchanges by operating or segment MIC, past and announced."""

    @abstractmethod
    async def sessions(self, mics: Sequence[str]) -> Sequence[SessionColumns]:
        """Return the sessions of those exchanges that are known, in the order given, increasing by day.

        Sessions of round-the-clock markets are UTC days. An exchange without a calendar is left out.
        """
