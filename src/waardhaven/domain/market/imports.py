"""Files of prices that people bring: how they are read and what becomes of them."""

from dataclasses import dataclass, field
from enum import StrEnum

LARGEST_FILE = 64 << 20
"""Bytes of a file, as uploaded."""
MOST_ROWS = 2_600_000
"""Bars in one file."""
MOST_COLUMNS = 2_000
MOST_SYMBOLS = 2_000


class FileFormat(StrEnum):
    """How a file is written; ``auto`` looks at its first bytes."""

    AUTO = "auto"
    CSV = "csv"
    PARQUET = "parquet"


class Layout(StrEnum):
    """``long``: a row for each bar. ``wide``: a row for each day, a column of closes for each symbol."""

    AUTO = "auto"
    LONG = "long"
    WIDE = "wide"


class NumberForm(StrEnum):
    """``us``: 1,234.56. ``european``: 1.234,56. ``auto``: found out from all values together."""

    AUTO = "auto"
    US = "us"
    EUROPEAN = "european"


class DateForm(StrEnum):
    """``iso``: 2024-05-31. ``dmy``: 31/05/2024 or 31.05.2024. ``mdy``: 05/31/2024. ``auto``: found out."""

    AUTO = "auto"
    ISO = "iso"
    DMY = "dmy"
    MDY = "mdy"


class ImportState(StrEnum):
    """A file is uploaded, checked (or refused), committed, and may be undone."""

    UPLOADED = "uploaded"
    CHECKED = "checked"
    REFUSED = "refused"
    COMMITTED = "committed"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """How to read a file. ``columns`` maps ours (date, symbol, open …) to the file's; empty: by their names.

    ``symbol``: of a long file without a column of symbols. ``mic``, ``currency``, ``quote_unit``,
    ``adjustment`` and ``asset_type`` are those of every row. ``source`` names the series: ``file`` unless
    said otherwise. ``delimiter`` and ``encoding`` None: found out.
    """

    format: FileFormat = FileFormat.AUTO
    layout: Layout = Layout.AUTO
    numbers: NumberForm = NumberForm.AUTO
    dates: DateForm = DateForm.AUTO
    delimiter: str | None = None
    encoding: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    symbol: str | None = None
    mic: str | None = None
    currency: str = "USD"
    quote_unit: str | None = None
    adjustment: str = "raw"
    asset_type: str = "equity"
    source: str = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineIssue:
    """What is wrong with a line of a file (1: the first line, the header of a CSV file)."""

    line: int
    column: str | None
    value: str | None
    reason: str
