"""The European Central Bank's files of euro reference rates: CSV, XML, and either in a ZIP archive.

Imported on first use alone, as polars is. Which of them a file is, its content decides. All state how
much of a currency one euro is worth, on one fixing of each TARGET day.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from xml.parsers import expat

import numpy as np
import polars as pl

from waardhaven.application.ports.market_data import CorruptSource
from waardhaven.domain.types import Days, Floats

MOST_UNPACKED = 64 << 20
_CODE = re.compile(r"[A-Z]{3}")
_UNKNOWN = ("", "N/A", "-")
Quoted = Mapping[str, tuple[Days, Floats]]


def read_rates(content: bytes) -> Quoted:
    """Return days (increasing) and rates (positive) of each currency; raise CorruptSource."""
    if content.startswith(b"PK"):
        content = _unpacked(content)
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    found = _of_xml(text) if text.startswith(b"<") else _of_csv(text)
    if not found:
        raise CorruptSource("The file of euro rates holds no rates.")
    return {code: _ordered(code, day, rate) for code, (day, rate) in found.items()}


def _unpacked(content: bytes) -> bytes:
    """Return the one table of an archive, unless it is too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            tables = [one for one in archive.infolist() if one.filename.lower().endswith((".csv", ".xml"))]
            if len(tables) != 1:
                raise CorruptSource(f"The archive of euro rates holds {len(tables)} tables, not one.")
            if tables[0].file_size > MOST_UNPACKED:
                raise CorruptSource("The archive of euro rates unpacks to too much.")
            return archive.read(tables[0])  # no more than it says, and damaged when there is more
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise CorruptSource("The archive of euro rates is damaged.") from error


def _of_csv(text: bytes) -> Quoted:
    """Read a row for each day, a column for each currency; the column behind the last comma is none."""
    try:
        table = pl.read_csv(text, infer_schema=False, truncate_ragged_lines=True)
    except pl.exceptions.PolarsError as error:
        raise CorruptSource("The file of euro rates is no table.") from error
    titles = [title.strip() for title in table.columns]
    if titles[0] != "Date":
        raise CorruptSource("The file of euro rates does not begin with a column Date.")
    day = _days(table.to_series(0))
    found = {}
    for title, column in zip(titles[1:], table.get_columns()[1:], strict=True):
        text_ = column.str.strip_chars()
        if _CODE.fullmatch(title):
            known = ~text_.is_in(_UNKNOWN).fill_null(value=True)
            found[title] = (day[known.to_numpy()], _floats(title, text_.filter(known)))
        elif text_.is_in(_UNKNOWN).not_().any():
            raise CorruptSource(f"The file of euro rates has a column {title[:20]!r}.")
    return {code: columns for code, columns in found.items() if len(columns[0])}


def _days(text: pl.Series) -> Days:
    """Read dates as the history writes them, 2024-05-31, or as a single day's file, 31 May 2024."""
    text = text.str.strip_chars()
    day = text.str.to_date("%Y-%m-%d", strict=False)
    if day.has_nulls():
        day = text.str.to_date("%d %B %Y", strict=False)
    if day.has_nulls():
        raise CorruptSource("The file of euro rates has a date that is none.")
    days: Days = day.to_numpy().astype("datetime64[D]")
    return days


def _floats(code: str, text: pl.Series) -> Floats:
    rate = text.cast(pl.Float64, strict=False)
    if rate.has_nulls():
        raise CorruptSource(f"The file of euro rates has a rate of {code} that is no number.")
    rates: Floats = rate.to_numpy()
    return rates


def _of_xml(text: bytes) -> Quoted:
    """Read elements with a ``time`` that hold elements with ``currency`` and ``rate``."""
    reader = _Elements()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    try:
        parser.Parse(text, True)  # noqa: FBT003 (its second argument has no name)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise CorruptSource("The file of euro rates is no XML.") from error
    found = {}
    for code, (days, rates) in reader.found.items():
        if not _CODE.fullmatch(code):
            raise CorruptSource(f"The file of euro rates has a currency {code[:20]!r}.")
        found[code] = (_days(pl.Series(days)), _floats(code, pl.Series(rates)))
    return found


def _refuse(*_: object) -> None:
    raise CorruptSource("The file of euro rates declares entities or a document type: it is not the ECB's.")


class _Elements:
    """Collects dates and rates as text."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[list[str], list[str]]] = {}
        self._day: str | None = None

    def start(self, _name: str, given: dict[str, str]) -> None:
        self._day = given.get("time", self._day)
        code, rate = given.get("currency"), given.get("rate")
        if code is None or rate is None:
            return
        if self._day is None:
            raise CorruptSource("The file of euro rates has a rate without a day.")
        if rate.strip() not in _UNKNOWN:
            days, rates = self.found.setdefault(code, ([], []))
            days.append(self._day)
            rates.append(rate)


def _ordered(code: str, day: Days, rate: Floats) -> tuple[Days, Floats]:
    order = np.argsort(day, kind="stable")
    day, rate = day[order], rate[order]
    if not (np.isfinite(rate) & (rate > 0)).all():
        raise CorruptSource(f"The file of euro rates has a rate of {code} that is not above zero.")
    if (np.diff(day).astype(np.int64) == 0).any():
        raise CorruptSource(f"The file of euro rates has a day twice for {code}.")
    return day, rate
