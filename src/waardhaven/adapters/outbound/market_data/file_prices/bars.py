"""From the cells of a file to bars: every cell is judged, by columns, and what is odd names its line.

Imported on first use alone, as polars is.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce
from operator import and_

import polars as pl

from waardhaven.adapters.outbound.market_data.file_prices.columns import NUMBERS, PRICES, FileColumns
from waardhaven.adapters.outbound.market_data.file_prices.dates import read_dates
from waardhaven.adapters.outbound.market_data.file_prices.issues import Issues
from waardhaven.adapters.outbound.market_data.file_prices.names import Names, read_names
from waardhaven.adapters.outbound.market_data.file_prices.numbers import (
    TextColumn,
    cleaned,
    find_form,
    to_floats,
    why_no_number,
)
from waardhaven.adapters.outbound.market_data.file_prices.series import split_bars
from waardhaven.application.ports.price_files import ParsedFile, UnreadableFile
from waardhaven.domain.market.imports import DateForm, FileMapping, Layout, NumberForm

EARLIEST = date(1900, 1, 1)


@dataclass(slots=True, kw_only=True)
class Cells:
    """A file as it came: ``frame`` has ``line`` and a column for each role, or ``cN`` for column N if wide.

    Text where the file has text; null where nothing stands. ``ragged``: lines that are not in it, as they
    have more or fewer fields than the header.
    """

    frame: pl.DataFrame
    columns: FileColumns
    mapping: FileMapping
    today: date
    ragged: int = 0
    issues: Issues = field(default_factory=Issues)
    notes: list[str] = field(default_factory=list)


def read_bars(cells: Cells) -> ParsedFile:
    """Judge every cell and return the bars of the lines without an issue; raise UnreadableFile."""
    cells.notes[:0] = cells.columns.notes
    _clean(cells)
    rows = len(cells.frame) + cells.ragged
    if not rows:
        raise UnreadableFile("The file has a header and no rows.")
    dates = _read_dates(cells)
    if cells.columns.layout is Layout.WIDE:
        _unpivot(cells)
    numbers, bad = _read_numbers(cells)
    bad |= cells.frame["day"].is_null() | _break_rules(cells)
    cells.frame, names, unnamed = read_names(
        cells.frame, cells.mapping, cells.issues, lambda role: _title(cells, role)
    )
    if (bad | unnamed).any():
        cells.frame = cells.frame.filter(~(bad | unnamed))
    mapping = replace(
        cells.mapping,
        layout=cells.columns.layout,
        numbers=numbers,
        dates=dates,
        columns=cells.columns.mapped(),
    )
    return _parsed(cells, names, mapping, rows)


def _parsed(cells: Cells, names: Names, mapping: FileMapping, rows: int) -> ParsedFile:
    bars = split_bars(
        cells.frame, names, mapping, cells.issues, cells.notes, title=cells.columns.title("date")
    )
    return ParsedFile(
        rows=rows,
        mapping=mapping,
        bars=bars,
        issues=cells.issues.kept(),
        issue_count=cells.issues.count,
        notes=tuple(cells.notes),
    )


def _clean(cells: Cells) -> None:
    """Turn what stands for unknown into null, and leave out lines on which nothing stands."""
    for before in cells.frame.iter_columns():
        if before.dtype == pl.String and (after := cleaned(before)) is not before:
            cells.frame = cells.frame.with_columns(after)
    nothing = reduce(and_, (one.is_null() for one in cells.frame.drop("line").iter_columns()))
    if nothing.any():
        cells.notes.append(f"{int(nothing.sum()):,} empty lines are left out.")
        cells.frame = cells.frame.filter(~nothing)


def _read_dates(cells: Cells) -> DateForm:
    """Put ``day`` in the place of ``date``: null, with an issue, where it is no day to have a bar."""
    frame, form = cells.frame, cells.mapping.dates
    if frame["date"].dtype == pl.String:
        dates = read_dates(frame["date"], frame["line"], form)
        form = dates.form
        cells.notes += dates.notes
        place = frame["date"].replace_strict(
            dates.table["text"], range(len(dates.table)), default=None, return_dtype=pl.UInt32
        )
        frame = frame.with_columns(dates.table[name].gather(place) for name in ("day", "reason"))
    else:
        form = DateForm.ISO
        frame = frame.with_columns(day=pl.col("date"), reason=pl.lit(None, dtype=pl.String))
    reason = (
        pl.when(pl.col("date").is_null())
        .then(pl.lit("has no date"))
        .when(pl.col("day") > cells.today)
        .then(pl.lit("is in the future"))
        .when(pl.col("day") < EARLIEST)
        .then(pl.lit("is before 1900"))
        .otherwise(pl.col("reason"))
    )
    frame = frame.with_columns(reason=reason)
    wrong = frame["reason"].is_not_null()
    title = cells.columns.title("date")
    cells.issues.add_rows(frame, wrong, column=title, value=pl.col("date"), reason=pl.col("reason"))
    cells.frame = frame.with_columns(day=pl.when(pl.col("reason").is_null()).then("day")).drop(
        "date", "reason"
    )
    return form


def _unpivot(cells: Cells) -> None:
    """Turn a column for each symbol into rows: lines without a day are reported, blank cells are no bars."""
    titles = {f"c{place}": title for place, title in cells.columns.symbols.items()}
    long = (
        cells.frame.drop_nulls("day")
        .unpivot(on=list(titles), index=["line", "day"], variable_name="symbol", value_name="close")
        .with_columns(pl.col("symbol").replace_strict(titles, return_dtype=pl.String))
    )
    cells.frame = long.drop_nulls("close")


def _title(cells: Cells, role: str) -> pl.Expr | str:
    """Name the column of a role: in a wide file that of the symbol."""
    return pl.col("symbol") if cells.columns.layout is Layout.WIDE else cells.columns.title(role)


def _read_numbers(cells: Cells) -> tuple[NumberForm, pl.Series]:
    """Turn text into numbers; return the form found, and which rows have something else."""
    frame, cells.frame = cells.frame, cells.frame.clear()
    bad = pl.repeat(value=False, n=len(frame), dtype=pl.Boolean, eager=True)
    text = [role for role in NUMBERS if role in frame.columns and frame[role].dtype == pl.String]
    form = find_form(
        [TextColumn(title=role, values=frame[role], lines=frame["line"]) for role in text],
        cells.mapping.numbers,
    )
    for role in text:
        values = to_floats(frame[role], form)
        wrong = frame[role].is_not_null() & values.is_null()
        reason = why_no_number(pl.col(role), form)
        cells.issues.add_rows(frame, wrong, column=_title(cells, role), value=pl.col(role), reason=reason)
        frame = frame.with_columns(values.alias(role))
        bad |= wrong
    missing = frame["close"].is_null() & ~bad
    cells.issues.add_rows(frame, missing, column=_title(cells, "close"), value=None, reason="has no close")
    cells.frame = frame.with_columns(
        pl.lit(None, dtype=pl.Float64).alias(role) for role in NUMBERS if role not in frame.columns
    )
    return form, bad | missing


def _break_rules(cells: Cells) -> pl.Series:
    """Report figures that no market prints; return which rows have one."""
    frame = cells.frame
    rules = [(role, pl.col(role).le(0), "is not above zero") for role in PRICES]
    rules += [(role, pl.col(role).is_infinite(), "is not finite") for role in NUMBERS]
    rules.append(("volume", pl.col("volume").lt(0), "is below zero"))
    below = pl.col("high") < pl.max_horizontal("open", "low", "close")
    above = pl.col("low") > pl.min_horizontal("open", "close")
    rules += [("high", below, "is below open, low or close"), ("low", above, "is above open or close")]
    bad = pl.repeat(value=False, n=len(frame), dtype=pl.Boolean, eager=True)
    for role, rule, reason in rules:
        wrong = frame.select(rule.fill_null(value=False)).to_series()
        if wrong.any():
            column = _title(cells, role)
            cells.issues.add_rows(frame, wrong, column=column, value=pl.col(role), reason=reason)
            bad |= wrong
    return bad
