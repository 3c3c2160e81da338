"""The generation of the data: a number that grows with every commit that can change an answer."""

from abc import abstractmethod
from typing import Protocol


class Generation(Protocol):
    """Answers cached under a generation are right as long as it is the current one."""

    @abstractmethod
    def known(self) -> int | None:
        """Return the generation without I/O, None while notifications may be missed."""

    @abstractmethod
    async def read(self) -> int:
        """Return the generation from the database."""

    @abstractmethod
    async def advance(self) -> int:
        """Begin another generation, which ends every cached answer everywhere, and return it."""
