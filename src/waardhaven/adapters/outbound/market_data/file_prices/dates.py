"""Dates as people write them: day before month or after it is found out from all of them, never guessed.

Imported on first use alone, as polars is.
"""

from dataclasses import dataclass

import polars as pl

from waardhaven.application.ports.price_files import UnreadableFile
from waardhaven.domain.market.imports import DateForm

_TIME = r"(?:(?:[T ]|, )[0-9]{1,2}:[0-9:.]+(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?)?$"
_ISO = r"^([0-9]{4})(?:-([0-9]{1,2})-|/([0-9]{1,2})/)([0-9]{1,2})" + _TIME
_BASIC = r"^([0-9]{4})([0-9]{2})([0-9]{2})$"
_EITHER = r"^([0-9]{1,2})(?:/([0-9]{1,2})/|-([0-9]{1,2})-)([0-9]{4})" + _TIME
_DOTTED = r"^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})" + _TIME
_EPOCH = r"^-?[0-9]{1,5}$"
_LATER = r"[T ][0-9]{0,1}[0-9:.]*[1-9][0-9:.]*(?: ?(?:Z|UTC|[+-][0-9:]{4,6}))?$"
HAS_TIME = "has a time of day: daily bars have none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """``table``: a row for each distinct ``text``, with its ``day`` or the ``reason`` it has none."""

    table: pl.DataFrame
    form: DateForm
    notes: tuple[str, ...] = ()


def read_dates(text: pl.Series, lines: pl.Series, wanted: DateForm) -> Dates:
    """Read distinct texts (null: blank) in the form wanted, or found; raise UnreadableFile.

    Numbers of up to five digits, if all are such, are days since 1970-01-01.
    """
    frame = pl.DataFrame({"text": text, "line": lines}).drop_nulls("text")
    table = frame.group_by("text").agg(pl.col("line").min()).sort("line")
    if wanted in {DateForm.AUTO, DateForm.ISO} and len(table) and table["text"].str.contains(_EPOCH).all():
        return _counted(table)
    read = table.with_columns(**_readings())
    form = wanted if wanted is not DateForm.AUTO else _find_form(read)
    timed = pl.col("day").is_not_null() & pl.col("text").str.contains(_LATER)
    reason = (
        pl.when(timed)
        .then(pl.lit(HAS_TIME))
        .when(pl.col("day").is_null())
        .then(pl.lit(f"is no date as {form.value} writes them"))
    )
    found = read.select("text", day=form.value).with_columns(reason=reason)
    return Dates(table=found, form=form)


def _counted(table: pl.DataFrame) -> Dates:
    days = table.select(
        "text", day=pl.col("text").cast(pl.Int32).cast(pl.Date), reason=pl.lit(None, dtype=pl.String)
    )
    note = "The dates are numbers: they are read as days since 1970-01-01."
    return Dates(table=days, form=DateForm.ISO, notes=(note,))


def _readings() -> dict[str, pl.Expr]:
    """Read each text in each form: null where it is no date of that form."""
    iso = _day(_ISO, "$1-$2$3-$4")
    dotted = _day(_DOTTED, "$3-$2-$1")
    return {
        DateForm.ISO.value: pl.coalesce(iso, _day(_BASIC, "$1-$2-$3")),
        DateForm.DMY.value: pl.coalesce(_day(_EITHER, "$4-$2$3-$1"), dotted),
        DateForm.MDY.value: _day(_EITHER, "$4-$1-$2$3"),
    }


def _day(pattern: str, year_month_day: str) -> pl.Expr:
    text = pl.col("text")
    parts = "".join(f"${{{one[0]}}}{one[1:]}" for one in year_month_day.split("$")[1:])
    return (
        pl.when(text.str.contains(pattern))
        .then(text.str.replace(pattern, parts))
        .str.to_date("%Y-%m-%d", strict=False)
    )


def _find_form(read: pl.DataFrame) -> DateForm:
    """Return the one form that the dates allow; raise UnreadableFile when they allow two, or contradict."""
    if read[DateForm.ISO.value].is_not_null().any():
        return DateForm.ISO
    dmy, mdy = pl.col(DateForm.DMY.value), pl.col(DateForm.MDY.value)
    day_first = _first(read, dmy.is_not_null() & mdy.is_null())
    month_first = _first(read, mdy.is_not_null() & dmy.is_null())
    if day_first and month_first:
        raise UnreadableFile(
            f"Some dates have the day first ({day_first}), some the month ({month_first}). Set dates to one."
        )
    if day_first or month_first:
        return DateForm.DMY if day_first else DateForm.MDY
    if either := _first(read, dmy != mdy):
        raise UnreadableFile(
            f"The dates can be read in two ways, such as {either}. Set dates to dmy (day first) or mdy."
        )
    return DateForm.DMY if read[DateForm.DMY.value].is_not_null().any() else DateForm.ISO


def _first(read: pl.DataFrame, which: pl.Expr) -> str | None:
    found = read.filter(which).head(1)
    return f"{found['text'][0][:40]!r} on line {found['line'][0]}" if len(found) else None
