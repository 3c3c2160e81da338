"""Which column of a file is what: by the words of its header, or as the mapping says."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from waardhaven.application.ports.price_files import UnreadableFile
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.imports import MOST_COLUMNS, MOST_ROWS, FileMapping, Layout

PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume")
ROLES = ("date", "symbol", *NUMBERS, "mic", "currency")
_ADJUSTED = "adjusted close"
_WORDS = {
    "date": "date datum day time timestamp datetime tag dag jour session tijd zeit trade_date trading_day"
    " handelstag handelsdatum handelsdag business_date price_date index_level_0",
    "symbol": "symbol ticker symbole symbool kurzel tickersymbol ticker_symbol instrument",
    "open": "open open_price opening opening_price eroffnung eroffnungskurs erster openingskoers ouverture o",
    "high": "high high_price hoch tageshoch hochstkurs hoog hoogste haut plus_haut max maximum h",
    "low": "low low_price tief tagestief tiefstkurs laag laagste bas plus_bas min minimum l",
    "close": "close close_price closing_price close_last last last_price price schluss schlusskurs kurs slot"
    " slotkoers koers cloture cours cours_de_cloture dernier c",
    _ADJUSTED: "adj_close adjclose adjusted_close adjusted_closing_price adj_closing_price"
    " bereinigter_schlusskurs gecorrigeerde_slotkoers aangepaste_slotkoers cloture_ajustee close_adjusted",
    "volume": "volume vol volumen umsatz stuck handelsvolumen omzet volumes v",
    "mic": "mic mic_code exchange_mic",
    "currency": "currency ccy wahrung valuta munt devise monnaie currency_code",
}
_ROLE_OF = {word: role for role, words in _WORDS.items() for word in words.split()}
LONG_ONLY = frozenset({"symbol", "close", _ADJUSTED})
"""Words of which one in the header means a row for each bar; a ticker may well be LOW or OPEN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumns:
    """``place`` of each role found (0: the first column); ``symbols`` of a wide file: place -> title."""

    layout: Layout
    titles: tuple[str, ...]
    place: Mapping[str, int]
    symbols: Mapping[int, str]
    notes: tuple[str, ...] = ()

    def title(self, role: str) -> str:
        """Return the file's own name of a column."""
        return self.titles[self.place[role]]

    def mapped(self) -> dict[str, str]:
        """Return role -> the file's name, as a mapping may state it."""
        return {role: self.title(role) for role in ROLES if role in self.place}


def find_columns(header: Sequence[str], mapping: FileMapping) -> FileColumns:
    """Decide what each column is; raise UnreadableFile naming what is missing or said twice."""
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile(f"The file has {len(header):,} columns; at most {MOST_COLUMNS:,} are read.")
    titles = tuple(title.strip() for title in header)
    named = _stated(titles, mapping.columns) if mapping.columns else _found(titles)
    if _is_long(named, mapping):
        return _long(titles, named, mapping)
    return _wide(titles, named)


def check_size(rows: int, columns: FileColumns) -> None:
    """Refuse more bars than one file may have, before any is read."""
    cells = rows * max(len(columns.symbols), 1)
    if cells > MOST_ROWS:
        what = "cells" if columns.layout is Layout.WIDE else "rows"
        raise UnreadableFile(
            f"The file has {cells:,} {what}; at most {MOST_ROWS:,} are read. Cut it in parts."
        )


def _word(title: str) -> str:
    """Bring a title to one spelling: no accents, no case, words joined by ``_``."""
    plain = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    return "_".join("".join(one if one.isalnum() else " " for one in plain).split())


def _found(titles: Sequence[str]) -> dict[str, list[int]]:
    named: dict[str, list[int]] = {}
    for place, title in enumerate(titles):
        role = _ROLE_OF.get(_word(title))
        if role:
            named.setdefault(role, []).append(place)
    if "date" not in named and titles and not titles[0]:
        named["date"] = [0]  # an index of dates that was saved without a name
    return named


def _stated(titles: Sequence[str], columns: Mapping[str, str]) -> dict[str, list[int]]:
    unknown = sorted(set(columns) - set(ROLES))
    if unknown:
        raise UnreadableFile(f"columns names {', '.join(unknown)[:80]}; there are {', '.join(ROLES)}.")
    folded = [title.casefold() for title in titles]
    named = {}
    for role, title in columns.items():
        wanted = title.strip()
        exact = [place for place, one in enumerate(titles) if one == wanted]
        named[role] = exact or [place for place, one in enumerate(folded) if one == wanted.casefold()]
        if not named[role]:
            raise UnreadableFile(f"The file has no column {title[:40]!r} for {role}; {_listed(titles)}.")
    return named


def _listed(titles: Sequence[str]) -> str:
    shown = ", ".join(repr(title[:40]) for title in titles[:12])
    return f"it has {shown}{' …' if len(titles) > 12 else ''}"


def _is_long(named: Mapping[str, object], mapping: FileMapping) -> bool:
    if mapping.layout is not Layout.AUTO:
        return mapping.layout is Layout.LONG
    return bool(LONG_ONLY & set(named)) or mapping.symbol is not None


def _long(titles: tuple[str, ...], named: dict[str, list[int]], mapping: FileMapping) -> FileColumns:
    notes = _choose_close(named, mapping)
    for role in ("date", "close"):
        if role not in named:
            raise UnreadableFile(
                f"The file has no column for {role}; {_listed(titles)}. Name it with columns, or the layout."
            )
    place = {role: _one(role, places, titles) for role, places in named.items()}
    if "symbol" not in place and mapping.symbol is None:
        raise UnreadableFile("The file has no column of symbols. Say which symbol it is about, with symbol.")
    if "symbol" in place and mapping.symbol is not None:
        raise UnreadableFile("The file has a column of symbols, and symbol is given too. Leave one out.")
    unused = [title for at, title in enumerate(titles) if at not in place.values() and title]
    if unused:
        notes.append(f"Columns that are not used: {', '.join(one[:40] for one in unused[:12])}.")
    return FileColumns(layout=Layout.LONG, titles=titles, place=place, symbols={}, notes=tuple(notes))


def _choose_close(named: dict[str, list[int]], mapping: FileMapping) -> list[str]:
    """Take the closes the adjustment speaks of; adjusted ones fit no unadjusted open, high or low."""
    adjusted = named.pop(_ADJUSTED, None)
    if adjusted is None:
        return []
    if mapping.adjustment == Adjustment.ALL:
        for role in PRICES:
            named.pop(role, None)
        named["close"] = adjusted
        return ["The adjusted closes are read, and no open, high and low: those are not adjusted."]
    if "close" not in named:
        raise UnreadableFile(
            "The file has adjusted closes alone. Set adjustment to all, or name the column of close."
        )
    return ["The adjusted closes are not read: adjustment says that these prices are not."]


def _one(role: str, places: Sequence[int], titles: Sequence[str]) -> int:
    if len(places) > 1:
        names = " and ".join(repr(titles[place][:40]) for place in places[:4])
        raise UnreadableFile(f"Several columns may be {role}: {names}. Name one with columns.")
    return places[0]


def _wide(titles: tuple[str, ...], named: Mapping[str, Sequence[int]]) -> FileColumns:
    if "date" not in named:
        raise UnreadableFile(f"The file has no column for date; {_listed(titles)}. Name it with columns.")
    date = _one("date", named["date"], titles)
    symbols = {place: title for place, title in enumerate(titles) if place != date and title}
    if not symbols:
        raise UnreadableFile("The file has dates and nothing else.")
    twice = [title for title, count in Counter(one.upper() for one in symbols.values()).items() if count > 1]
    if twice:
        raise UnreadableFile(f"Several columns are named {twice[0][:40]!r}: each symbol may have one.")
    return FileColumns(layout=Layout.WIDE, titles=titles, place={"date": date}, symbols=symbols)
