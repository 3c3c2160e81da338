"""What a refresh covers, and how far back it looks."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

CONFIGURED = "configured"
"""The universe that settings name: what a refresh covers."""
HISTORY_START = date(2007, 1, 2)
"""From here on 5,000 daily bars, the most a provider gives at once, still reach the present."""


class RefreshMode(StrEnum):
    """``full``: everything from the start of history. ``smart``: what is missing or may still be revised.

    ``minimal``: a few symbols, a few days. ``cached``: nothing is asked of anybody. ``auto``: as the plan
    of the first source says.
    """

    AUTO = "auto"
    FULL = "full"
    SMART = "smart"
    MINIMAL = "minimal"
    CACHED = "cached"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRules:
    """``universe``: symbols as SYM or SYM:MIC, the default list when empty.

    ``revisable_days``: calendar days before the last bar that are asked for again. ``deadline_seconds``:
    after which what is not there yet is left for the next refresh. ``batch_rows``: bars in one write.
    ``assets_at_once``: assets whose bars are asked for together.
    """

    universe: tuple[str, ...] = ()
    history_start: date = HISTORY_START
    revisable_days: int = 10
    minimal_symbols: int = 3
    minimal_days: int = 7
    deadline_seconds: float = 1500.0
    batch_rows: int = 200_000
    batch_parts: int = 50
    assets_at_once: int = 50
