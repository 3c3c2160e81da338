"""What the tests of files share: reading bytes as of a day, and looking at what came out."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from waardhaven.adapters.outbound.market_data.file_prices.reader import read_file
from waardhaven.application.ports.market_data import BarColumns
from waardhaven.application.ports.price_files import ParsedFile
from waardhaven.domain.market.imports import FileMapping

TODAY = date(2024, 6, 3)
VALUES = ("open", "high", "low", "close", "volume")


def read(content: str | bytes, **mapping: Any) -> ParsedFile:
    data = content.encode() if isinstance(content, str) else content
    return read_file(data, replace(FileMapping(mic="XNAS"), **mapping), TODAY)


def rows(bars: BarColumns) -> list[tuple[Any, ...]]:
    """Return bars as (day, open, high, low, close, volume), unknown as None."""
    columns = [getattr(bars, name) for name in VALUES]
    return [
        (str(day), *(None if np.isnan(value) else float(value) for value in values))
        for day, *values in zip(bars.day, *columns, strict=True)
    ]


def closes(parsed: ParsedFile) -> dict[str, dict[str, float]]:
    return {
        bars.listing.symbol: dict(zip(bars.day.astype(str).tolist(), bars.close.tolist(), strict=True))
        for bars in parsed.bars
    }


def told(parsed: ParsedFile) -> list[tuple[int, str | None, str | None, str]]:
    return [(one.line, one.column, one.value, one.reason) for one in parsed.issues]
