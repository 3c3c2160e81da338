"""Sessions of the world's exchanges, packaged with the wheel; see ``scripts/materialise_sessions.py``."""

import asyncio
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from waardhaven.adapters.outbound.market_data.packaged import PackagedFiles
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.domain.market.asset import ROUND_THE_CLOCK

DATA = Path(__file__).parent / "calendar_data"
NEVER_CLOSED = (np.datetime64("2009-01-03"), np.datetime64("2027-12-31"))
"""Crypto trades since the first block of Bitcoin; the last day is that of the packaged sessions' year."""
DAY = np.timedelta64(1, "D")


class PackagedCalendars(Calendars):
    """Forty-odd exchange calendars by operating MIC, and round-the-clock days for crypto."""

    def __init__(self, folder: Path = DATA) -> None:
        """Read nothing yet."""
        self._files = PackagedFiles(folder)

    async def sessions(self, mics: Sequence[str]) -> Sequence[SessionColumns]:
        """See Calendars."""
        return await asyncio.to_thread(self._sessions, tuple(dict.fromkeys(mics)))

    @cached_property
    def _calendar_of(self) -> dict[str, str]:
        table = self._files.table("exchanges.csv")
        return dict(zip(table["mic"], table["calendar"], strict=True))

    def _sessions(self, mics: Sequence[str]) -> list[SessionColumns]:
        known = [one for one in mics if one in self._calendar_of]
        parts = self._files.table("sessions.parquet").partition_by("calendar", as_dict=True) if known else {}
        found = {one: _columns(one, parts[self._calendar_of[one],]) for one in known}
        if ROUND_THE_CLOCK in mics:
            found[ROUND_THE_CLOCK] = _every_day()
        return [found[one] for one in mics if one in found]


def _columns(mic: str, part: Any) -> SessionColumns:
    day = part["day"].to_numpy().astype("datetime64[D]")
    midnight = day.astype("datetime64[s]")
    minutes = {
        name: part[name].to_numpy().astype("timedelta64[m]") for name in ("open_minute", "close_minute")
    }
    return SessionColumns(
        mic=mic,
        day=day,
        open_at=midnight + minutes["open_minute"],
        close_at=midnight + minutes["close_minute"],
    )


def _every_day() -> SessionColumns:
    first, last = NEVER_CLOSED
    day = np.arange(first, last + DAY, dtype="datetime64[D]")
    midnight = day.astype("datetime64[s]")
    tomorrow = (day + DAY).astype("datetime64[s]")
    return SessionColumns(mic=ROUND_THE_CLOCK, day=day, open_at=midnight, close_at=tomorrow)
