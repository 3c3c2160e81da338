"""CSV files of prices: structure and bounds first, then cells, then bars.

Imported on first use alone, as polars is.
"""

import csv
import re
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from waardhaven.adapters.outbound.market_data.file_prices.bars import Cells, read_bars
from waardhaven.adapters.outbound.market_data.file_prices.columns import FileColumns, check_size, find_columns
from waardhaven.adapters.outbound.market_data.file_prices.issues import Issues
from waardhaven.adapters.outbound.market_data.file_prices.records import (
    LONGEST_HEADER,
    QUOTE,
    Records,
    find_delimiter,
)
from waardhaven.adapters.outbound.market_data.file_prices.text import to_text
from waardhaven.application.ports.price_files import ParsedFile, UnreadableFile
from waardhaven.domain.market.imports import FileMapping

_SEPARATOR = re.compile(rb'^"?sep=(.)"?\n', re.IGNORECASE)


def read_csv(content: bytes, mapping: FileMapping, today: date) -> ParsedFile:
    """Return what the file says; raise UnreadableFile."""
    text, encoding = to_text(content, mapping.encoding)
    text, skipped, stated = _body(text)
    delimiter = mapping.delimiter or stated or find_delimiter(text)
    mapping = replace(mapping, encoding=encoding, delimiter=delimiter)
    records = Records.of(text, delimiter)
    columns = find_columns(_header(text[: records.end[0]], delimiter), mapping)
    check_size(len(records.end) - 1, columns)
    issues = Issues()
    frame = _cells(text, records, columns, delimiter).with_columns(
        line=pl.Series(records.line[1:] + skipped, dtype=pl.UInt32)
    )
    del text
    whole = _whole(frame, records, issues)
    cells = Cells(
        frame=whole,
        columns=columns,
        mapping=mapping,
        today=today,
        ragged=len(frame) - len(whole),
        issues=issues,
    )
    del frame, whole
    return read_bars(cells)


def _body(text: bytes) -> tuple[bytes, int, str | None]:
    """Return the text from its header on, the lines before it, and the delimiter that a workbook states."""
    body = text.lstrip(b"\n")
    stated = _SEPARATOR.match(body)
    if stated:
        body = body[stated.end() :]
    if not body or body.isspace():
        raise UnreadableFile("The file is empty.")
    end = body.find(b"\n")
    if (len(body) if end < 0 else end) > LONGEST_HEADER:
        raise UnreadableFile(f"The first line is longer than {LONGEST_HEADER >> 10} KiB: that is no header.")
    before = len(text) - len(text.lstrip(b"\n")) + (1 if stated else 0)
    return body, before, stated[1].decode() if stated else None


def _header(record: bytes, delimiter: str) -> list[str]:
    """Return the titles; a header of several lines is one whose quotation marks say so."""
    if len(record) > LONGEST_HEADER:
        raise UnreadableFile(f"The header is longer than {LONGEST_HEADER >> 10} KiB.")
    line = record.decode().removesuffix("\n")
    return next(csv.reader([line], delimiter=delimiter))


def _cells(text: bytes, records: Records, columns: FileColumns, delimiter: str) -> pl.DataFrame:
    """Read the columns that are used as text, under the names of their roles.

    Those of a long file one at a time: what the reader needs besides is as much as it returns.
    """
    names = [f"c{place}" for place in range(len(columns.titles))]
    body = b"".join([delimiter.join(names).encode(), b"\n", memoryview(text)[records.end[0] :]])
    quote = chr(QUOTE) if records.quoted else None
    frames = [_read(body, [names[place]], delimiter, quote) for place in columns.place.values()]
    if columns.symbols:
        frames.append(_read(body, [names[place] for place in columns.symbols], delimiter, quote))
    if {len(frame) for frame in frames} != {len(records.end) - 1}:
        raise UnreadableFile(_NO_FIELDS)
    roles = {names[place]: role for role, place in columns.place.items()}
    return pl.concat(frames, how="horizontal").rename(roles)


_NO_FIELDS = "The lines can not be split into fields. Save the file as CSV again."


def _read(body: bytes, wanted: list[str], delimiter: str, quote: str | None) -> pl.DataFrame:
    try:
        return pl.read_csv(
            body,
            columns=wanted,
            separator=delimiter,
            infer_schema=False,
            truncate_ragged_lines=True,
            quote_char=quote,
        ).rechunk()
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise UnreadableFile(_NO_FIELDS) from error


def _whole(frame: pl.DataFrame, records: Records, issues: Issues) -> pl.DataFrame:
    """Report and leave out lines with more or fewer fields than the header; blank lines are none."""
    width = int(records.fields[0])
    length = np.diff(records.end)
    ragged = (records.fields[1:] != width) & (length > 1)
    if not ragged.any():
        return frame
    wrong = pl.Series(ragged)
    counts = frame.with_columns(fields=pl.Series(records.fields[1:]))
    reason = pl.format("has {} fields, the header has {}", pl.col("fields"), pl.lit(width))
    issues.add_rows(counts, wrong, column=None, value=None, reason=reason)
    return frame.filter(~wrong)
