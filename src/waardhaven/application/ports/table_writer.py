"""Tables for programs to read."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol

from waardhaven.domain.types import Days, Floats, Ids


class TableWriter(Protocol):
    """Writes columns as files that other programs read without loss."""

    @abstractmethod
    async def arrow(self, columns: Mapping[str, Floats | Ids | Days]) -> bytes:
        """Return columns (n,) of equal length, in their order, as an Arrow IPC stream, beside the event loop.

        Numbers keep their bits; NaN stays NaN.
        """
