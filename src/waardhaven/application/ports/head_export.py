"""Heads of the audit chain where whoever can change the database can not reach them."""

from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from waardhaven.domain.errors import Invalid, Unavailable
from waardhaven.domain.identity.audit import ChainHead


class HeadsUnwritable(Unavailable):
    """The heads can not be written at present."""


class MalformedHeads(Invalid):
    """The exported heads can not be read as what they should be."""


class HeadExport(Protocol):
    """Keeps heads of the chain, oldest first, outside the database."""

    @abstractmethod
    async def offer(self, head: ChainHead, *, at: datetime) -> bool:
        """Keep ``head`` durably unless it is the one kept last, or one was kept less than a minute ago.

        Tells whether it was kept; raises HeadsUnwritable. GENESIS is never kept.
        """

    @abstractmethod
    def heads(self, source: Path | None = None) -> Iterator[ChainHead]:
        """Give the heads kept until now, oldest first; none when nothing was ever kept.

        ``source`` reads a copy in place of our own; raises MalformedHeads, also when it does not exist.
        """
