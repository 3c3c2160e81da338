"""Numbers as people write them: which mark is the decimal one is found out, never guessed.

Imported on first use alone, as polars is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from waardhaven.application.ports.price_files import UnreadableFile
from waardhaven.domain.market.imports import NumberForm

_BLANK = r"^(?i:|-|--|\.|na|#?n/a|nan|null|none)$"
"""What stands for an unknown figure."""
_MARKS = ("'", "\u2019", " ", "\u00a0", "\u202f")
"""Marks of thousands in either form: apostrophes and kinds of space."""


def _pattern(thousands: str, decimal: str) -> str:
    grouped = "|".join(f"(?:{mark}[0-9]{{3}})+" for mark in (thousands, *_MARKS))
    whole = f"(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{grouped}))"
    return f"^[+-]?(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?$"


_PATTERNS = {NumberForm.US: _pattern(",", r"\."), NumberForm.EUROPEAN: _pattern(r"\.", ",")}
_THOUSANDS = {NumberForm.US: ",", NumberForm.EUROPEAN: "."}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """A column of text that should hold numbers: blank is null; ``lines`` are those of the file."""

    title: str
    values: pl.Series
    lines: pl.Series


def cleaned(values: pl.Series) -> pl.Series:
    """Return text without blanks around it, and null where it stands for an unknown figure."""
    if values.str.contains(r"^\s|\s$").any():
        values = values.str.strip_chars()
    unknown = values.str.contains(_BLANK)
    return values.set(unknown, None) if unknown.any() else values


def find_form(columns: Sequence[TextColumn], wanted: NumberForm) -> NumberForm:
    """Return how all the numbers are written; raise UnreadableFile when they do not tell, or contradict."""
    if wanted is not NumberForm.AUTO:
        return wanted
    seen: dict[NumberForm | None, str] = {}
    for column in columns:
        for form, mask in _evidence(column.values).items():
            if form not in seen and mask.any():
                at = mask.arg_max() or 0
                seen[form] = f"{column.values[at][:40]!r} on line {column.lines[at]}"
    us, european = seen.get(NumberForm.US), seen.get(NumberForm.EUROPEAN)
    if us and european:
        raise UnreadableFile(f"The numbers are written in two ways: {us}, {european}. Set numbers to one.")
    if seen.get(None) and not us and not european:
        raise UnreadableFile(
            f"The numbers can be read in two ways, such as {seen[None]}. Set numbers to us (1,234.56) or "
            "european (1.234,56)."
        )
    return NumberForm.EUROPEAN if european else NumberForm.US


def _evidence(values: pl.Series) -> dict[NumberForm | None, pl.Series]:
    """Tell which values are numbers in one form alone, and which (None) in both with another meaning."""
    us, european = (values.str.contains(_PATTERNS[form]).fill_null(value=False) for form in _PATTERNS)
    both = us & european
    marked = both & values.str.contains(r"[.,]") if both.any() else both
    return {NumberForm.US: us & ~european, NumberForm.EUROPEAN: european & ~us, None: marked}


def to_floats(values: pl.Series, form: NumberForm) -> pl.Series:
    """Return float64, null where the text is null or no finite number in that form."""
    good = values.set(~values.str.contains(_PATTERNS[form]).fill_null(value=False), None)
    marks = "".join((*_MARKS, _THOUSANDS[form]))
    if good.str.contains_any(list(marks)).any():
        good = good.str.replace_all(f"[{marks}]", "")
    if form is NumberForm.EUROPEAN:
        good = good.str.replace(",", ".", literal=True)
    numbers = good.cast(pl.Float64, strict=False)
    return numbers.set(~numbers.is_finite().fill_null(value=False), None)


def why_no_number(text: pl.Expr, form: NumberForm) -> pl.Expr:
    """Say for each text that is no number what it is instead."""
    return (
        pl.when(text.str.contains("%", literal=True))
        .then(pl.lit("has a percent sign"))
        .when(text.str.contains(r"\p{Sc}|^[A-Z]{3}\s|\s[A-Z]{3}$"))
        .then(pl.lit("has a currency sign"))
        .otherwise(pl.lit(f"is no number as {form.value} writes them"))
    )
