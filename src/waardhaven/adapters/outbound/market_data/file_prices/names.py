"""Whose bars the rows of a file are: symbols, exchanges and currencies.

Imported on first use alone, as polars is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from waardhaven.adapters.outbound.market_data.file_prices.issues import Issues
from waardhaven.application.ports.price_files import UnreadableFile
from waardhaven.domain.market.asset import MIC, SYMBOL
from waardhaven.domain.market.currency import major
from waardhaven.domain.market.imports import MOST_SYMBOLS, FileMapping

UNIT = re.compile(r"[A-Z]{3}")
Title = Callable[[str], pl.Expr | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The distinct names in a file, in its order; ``symbol``, ``mic`` and ``unit`` of a row point here."""

    symbols: tuple[str, ...]
    mics: tuple[str, ...]
    units: tuple[str, ...]


def own_unit(mapping: FileMapping) -> str:
    """Return the quote unit of rows that name none; raise UnreadableFile for a mapping that contradicts."""
    unit = mapping.quote_unit or mapping.currency
    if not UNIT.fullmatch(mapping.currency) or not UNIT.fullmatch(unit):
        raise UnreadableFile("currency and quote_unit are codes of three capital letters, such as USD.")
    if major(unit)[0] != mapping.currency:
        raise UnreadableFile(f"{unit} is no unit of {mapping.currency}. Set currency or quote_unit.")
    return unit


def read_names(
    frame: pl.DataFrame, mapping: FileMapping, issues: Issues, title: Title
) -> tuple[pl.DataFrame, Names, pl.Series]:
    """Replace names by codes; return the rows, the names, and which rows have none that can be used."""
    symbols, symbol, bad = _coded(frame, "symbol", _symbol, mapping.symbol, issues, title)
    mics, mic, bad_mic = _coded(frame, "mic", _mic, mapping.mic or "", issues, title)
    own = own_unit(mapping)
    same = {mapping.currency: own}
    units, unit, bad_unit = _coded(
        frame, "currency", lambda text: _unit(same.get(text, text)), own, issues, title
    )
    coded = frame.drop("symbol", "mic", "currency", strict=False).with_columns(
        symbol, mic, unit.alias("unit")
    )
    bad |= bad_mic | bad_unit
    names = Names(symbols=tuple(symbols), mics=tuple(mics), units=tuple(units))
    if len(units) > 1:
        bad |= _mixed(coded, bad, names, issues, title)
    return coded, names, bad


def _coded(
    frame: pl.DataFrame,
    role: str,
    read: Callable[[str], str | None],
    otherwise: str | None,
    issues: Issues,
    title: Title,
) -> tuple[list[str], pl.Series, pl.Series]:
    """Return the distinct names of a column, the code of each row, and which rows have a bad name.

    A blank cell, or a column that is not there, is ``otherwise``; None: each row must have a name.
    """
    if role not in frame.columns:
        return _constant(frame, role, read, otherwise)
    raw = frame[role].cast(pl.String)
    distinct = raw.drop_nulls().unique(maintain_order=True).to_list()
    if len(distinct) > MOST_SYMBOLS:
        raise UnreadableFile(f"The file has more than {MOST_SYMBOLS:,} values of {role}.")
    read_as = {text: read(text) for text in distinct}
    names = list(dict.fromkeys(name for name in [otherwise, *read_as.values()] if name is not None))
    codes = [names.index(name) if name is not None else -1 for name in read_as.values()]
    blank = -1 if otherwise is None else names.index(otherwise)
    code = (
        raw.replace_strict(distinct, codes, default=None, return_dtype=pl.Int32).fill_null(blank).alias(role)
    )
    bad = code < 0
    reason = pl.when(pl.col(role).is_null()).then(pl.lit(f"has no {role}")).otherwise(pl.lit(_RULES[role]))
    issues.add_rows(frame, bad, column=title(role), value=pl.col(role), reason=reason)
    return names, code, bad


_RULES = {
    "symbol": "is no symbol: up to 40 letters, digits and . _ ^ / = -",
    "mic": "is no MIC: four letters or digits, such as XNAS",
    "currency": "is no currency: three capital letters, such as USD",
}


def _constant(
    frame: pl.DataFrame, role: str, read: Callable[[str], str | None], text: str | None
) -> tuple[list[str], pl.Series, pl.Series]:
    name = read(text) if text else ""
    if name is None:
        raise UnreadableFile(f"{role}: {(text or '')[:40]!r} {_RULES[role]}.")
    return (
        [name],
        pl.repeat(0, len(frame), dtype=pl.Int32, eager=True).alias(role),
        pl.repeat(value=False, n=len(frame), dtype=pl.Boolean, eager=True),
    )


def _symbol(text: str) -> str | None:
    return text.upper() if SYMBOL.fullmatch(text.upper()) else None


def _mic(text: str) -> str | None:
    return text.upper() if MIC.fullmatch(text.upper()) else None


def _unit(text: str) -> str | None:
    """Keep the case: GBp is a hundredth of what GBP is."""
    return text if UNIT.fullmatch(text) else None


def _mixed(coded: pl.DataFrame, bad: pl.Series, names: Names, issues: Issues, title: Title) -> pl.Series:
    """Report rows of a symbol whose currency is not that of its first row."""
    rows = coded.select("symbol", "mic", "unit", known=pl.lit(~bad))
    first = pl.col("unit").filter("known").first().over("symbol", "mic")
    wrong = rows.select((pl.col("unit") != first).fill_null(value=False)).to_series() & ~bad
    spelled = pl.col("unit").replace_strict(
        range(len(names.units)), list(names.units), return_dtype=pl.String
    )
    issues.add_rows(
        coded, wrong, column=title("currency"), value=spelled, reason="is another currency than before"
    )
    return wrong
