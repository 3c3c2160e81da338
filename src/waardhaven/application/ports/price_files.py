"""Prices in files people have."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Protocol

from waardhaven.application.ports.market_data import BarColumns
from waardhaven.domain.errors import Invalid
from waardhaven.domain.market.imports import FileMapping, LineIssue


class UnreadableFile(Invalid):
    """The file as a whole can not be read: encoding, delimiter, format, or beyond the bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """What a file says. ``issues`` name a line and a reason; at most 1,000 are kept, ``issue_count`` counts.

    ``bars`` hold the rows without an issue, one entry for each symbol, in the order of the file's symbols;
    their listings have the mapping's exchange, type and currency. ``mapping`` is complete: what was given
    and what was found out.
    """

    rows: int
    mapping: FileMapping
    bars: tuple[BarColumns, ...]
    issues: tuple[LineIssue, ...] = ()
    issue_count: int = 0
    notes: tuple[str, ...] = field(default=())


class PriceFiles(Protocol):
    """Reads CSV and Parquet, long or wide, off the event loop and within bounds of memory and time."""

    @abstractmethod
    async def read(self, content: bytes, mapping: FileMapping) -> ParsedFile:
        """Return what the file says; raise UnreadableFile, or a ComputePool error when it asks too much."""
