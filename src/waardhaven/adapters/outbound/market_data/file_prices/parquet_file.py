"""Parquet files of prices: sizes first, from the footer and the pages; then the columns that are used.

Imported on first use alone, as polars is.
"""

import io
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

import polars as pl

from waardhaven.adapters.outbound.market_data.file_prices.bars import Cells, read_bars
from waardhaven.adapters.outbound.market_data.file_prices.columns import (
    NUMBERS,
    FileColumns,
    check_size,
    find_columns,
)
from waardhaven.adapters.outbound.market_data.file_prices.parquet_size import read_size
from waardhaven.adapters.outbound.market_data.file_prices.thrift_compact import MalformedThrift
from waardhaven.application.ports.price_files import ParsedFile, UnreadableFile
from waardhaven.domain.market.imports import MOST_COLUMNS, FileMapping, Layout

T = TypeVar("T")
MOST_UNPACKED = 256 << 20
LONGEST_CELL = 1_000
_FIRST_DAY, _LAST_DAY = ((one - date(1970, 1, 1)).days for one in (date.min, date.max))
_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_BROKEN = "The file can not be read as Parquet: it is damaged, cut off, or uses what is not supported."


def read_parquet(content: bytes, mapping: FileMapping, today: date) -> ParsedFile:
    """Return what the file says; raise UnreadableFile. A row's line is its number + 1, as under a header."""
    try:
        schema = _opened(content)
        columns = find_columns(list(schema), mapping)
        wanted = [*columns.place.values(), *columns.symbols]
        frame = _read(content, [columns.titles[place] for place in wanted], columns)
    except MalformedThrift as error:
        raise UnreadableFile(_BROKEN) from error
    frame.columns = [*columns.place, *(f"c{place}" for place in columns.symbols)]
    frame = _plain(frame, columns).with_columns(line=pl.int_range(2, pl.len() + 2, dtype=pl.UInt32))
    return read_bars(Cells(frame=frame, columns=columns, mapping=mapping, today=today))


def _opened(content: bytes) -> Mapping[str, pl.DataType]:
    """Return names and kinds of columns, if there are not too many to look at."""
    found = len(read_size(content).chunks)
    if found > MOST_COLUMNS:
        raise UnreadableFile(f"The file has {found:,} columns; at most {MOST_COLUMNS:,} are read.")
    return _guarded(lambda: pl.read_parquet_schema(io.BytesIO(content)))


def _read(content: bytes, titles: list[str], columns: FileColumns) -> pl.DataFrame:
    """Read columns whose size was found to be bearable."""
    size = read_size(content)
    check_size(size.rows, columns)
    unpacked = size.unpacked(content, titles)
    if unpacked > MOST_UNPACKED:
        raise UnreadableFile(
            f"The file unpacks to {unpacked >> 20:,} MiB; at most {MOST_UNPACKED >> 20} are read."
        )
    frame = _guarded(lambda: pl.read_parquet(io.BytesIO(content), columns=titles, use_statistics=False))
    return frame.select(titles)


def _guarded(read: Callable[[], T]) -> T:
    """Return what polars reads; whatever it raises, panics too, is a file that can not be read."""
    try:
        return read()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise UnreadableFile(_BROKEN) from error


def _plain(frame: pl.DataFrame, columns: FileColumns) -> pl.DataFrame:
    """Bring every column to text, Date or Float64; refuse kinds that hold neither."""
    plain = frame.with_columns(
        _plain_date(one) if one.name == "date" else _plain_cell(one, columns) for one in frame.iter_columns()
    )
    if columns.layout is Layout.WIDE and pl.String in plain.drop("date").dtypes:
        plain = plain.with_columns(pl.exclude("date").cast(pl.String))
    for one in plain.iter_columns():
        if one.dtype == pl.String and (one.str.len_bytes() > LONGEST_CELL).any():
            raise UnreadableFile(f"A cell of the file has more than {LONGEST_CELL:,} bytes.")
    return plain


def _plain_date(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Date:
        return _of_calendar(values, 1)
    if isinstance(values.dtype, pl.Datetime):
        wall = _of_calendar(values, _PER_DAY[values.dtype.time_unit]).dt.replace_time_zone(None)
        if (wall.dt.date().cast(wall.dtype) == wall).all():
            return wall.dt.date()
        return wall.dt.to_string("%Y-%m-%d %H:%M:%S%.f")
    if values.dtype.is_integer() or _is_text(values):
        return values.cast(pl.String)
    raise UnreadableFile(f"The column of dates holds {values.dtype}, not dates.")


def _of_calendar(values: pl.Series, per_day: int) -> pl.Series:
    """Return dates or instants that have a year of four digits, as text of them needs; refuse others."""
    days = values.to_physical().cast(pl.Int64) // per_day
    wrong = ((days < _FIRST_DAY) | (days > _LAST_DAY)).fill_null(value=False).arg_true()
    if len(wrong):
        raise UnreadableFile(f"Line {wrong[0] + 2:,} has a date outside the years 1 to 9999.")
    return values


def _plain_cell(values: pl.Series, columns: FileColumns) -> pl.Series:
    if _is_text(values):
        return values.cast(pl.String)
    is_number = values.name in NUMBERS or columns.layout is Layout.WIDE
    if is_number and (values.dtype.is_numeric() or values.dtype == pl.Null):
        return values.cast(pl.Float64).fill_nan(None)
    if not is_number and (values.dtype.is_integer() or values.dtype == pl.Null):
        return values.cast(pl.String)
    raise UnreadableFile(f"The column of {values.name} holds {values.dtype}.")


def _is_text(values: pl.Series) -> bool:
    return isinstance(values.dtype, pl.String | pl.Categorical | pl.Enum)
