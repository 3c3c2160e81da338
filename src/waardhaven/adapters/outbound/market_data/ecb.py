"""Euro foreign exchange reference rates of the European Central Bank, from its web site or from a file."""

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession, RequestFailed
from waardhaven.application.ports.fx_rates import FxRates, QuotedRates, SpotRate
from waardhaven.application.ports.market_data import CorruptSource, SourceUnavailable

LARGEST = 16 << 20
"""Bytes of a file, packed or not; the whole history has 8 MB as XML."""
TIMEOUT_SECONDS = 60.0


class EcbRates(FxRates):
    """Reads one file as the ECB publishes them: the history, 90 days or a day, as ZIP, CSV or XML.

    ``place`` is a path, or an address with https://; it is read anew each time.
    """

    name = "ecb"
    fixing = "ECB"

    def __init__(self, place: str, http: HttpSession, *, reach: Reach = Reach.PUBLIC) -> None:
        self._place = place
        self._http = http
        self._reach = reach

    async def rates(self, *, start: date | None = None, end: date | None = None) -> Sequence[QuotedRates]:
        """See FxRates. Currencies by name; those without a rate within the days are not there."""
        content = await self._content()
        return await asyncio.to_thread(_quoted, content, start or date.min, end or date.max)

    async def spot(self, base: str, quote: str) -> SpotRate | None:  # noqa: ARG002 (the port's)
        """See FxRates: reference rates are of days, not of instants."""
        return None

    async def _content(self) -> bytes:
        if "://" not in self._place:
            return await asyncio.to_thread(_local, Path(self._place))
        try:
            answer = await self._http.get(
                self._place, reach=self._reach, limit=LARGEST, timeout_seconds=TIMEOUT_SECONDS
            )
        except RequestFailed as error:
            raise SourceUnavailable(f"The euro reference rates can not be fetched: {error}") from error
        if answer.status != 200:
            raise SourceUnavailable(f"The euro reference rates can not be fetched: status {answer.status}.")
        return answer.body


def _local(path: Path) -> bytes:
    """Return a file's bytes; raise SourceUnavailable, or CorruptSource for one that is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise SourceUnavailable("The file of euro reference rates can not be read.") from error
    if len(content) > LARGEST:
        raise CorruptSource(f"The file of euro reference rates has more than {LARGEST >> 20} MiB.")
    return content


def _quoted(content: bytes, start: date, end: date) -> list[QuotedRates]:
    from waardhaven.adapters.outbound.market_data.ecb_files import read_rates

    quoted = []
    for code, (day, rate) in sorted(read_rates(content).items()):
        within = (day >= np.datetime64(start)) & (day <= np.datetime64(end))
        if within.any():
            quoted.append(
                QuotedRates(
                    base="EUR",
                    quote=code,
                    source=EcbRates.name,
                    fixing=EcbRates.fixing,
                    day=day[within],
                    rate=rate[within],
                )
            )
    return quoted
