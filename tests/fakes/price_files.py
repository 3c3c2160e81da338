import asyncio
import csv
import io
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from waardhaven.application.ports.market_data import BarColumns
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.ports.price_files import ParsedFile, PriceFiles, UnreadableFile
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.imports import (
    DateForm,
    FileFormat,
    FileMapping,
    Layout,
    LineIssue,
    NumberForm,
)


@dataclass
class FakePriceFiles(PriceFiles):
    """Reads CSV with the columns date, symbol and close, row by row; ``read_so_far`` counts files."""

    read_so_far: int = 0
    refuses: list[bytes] = field(default_factory=list)

    async def read(self, content: bytes, mapping: FileMapping) -> ParsedFile:
        await asyncio.sleep(0)
        self.read_so_far += 1
        if not content.strip() or content in self.refuses:
            raise UnreadableFile("The file is empty.")
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        if not rows:
            raise UnreadableFile("The file has a header and no rows.")
        found: dict[str, dict[date, float]] = {}
        issues = [
            issue for line, row in enumerate(rows, start=2) if (issue := _take(found, line, row)) is not None
        ]
        return ParsedFile(
            rows=len(rows),
            mapping=replace(
                mapping,
                format=FileFormat.CSV,
                layout=Layout.LONG,
                numbers=NumberForm.US,
                dates=DateForm.ISO,
                delimiter=",",
                encoding="utf-8",
                columns={"date": "date", "symbol": "symbol", "close": "close"},
            ),
            bars=tuple(_bars(symbol, closes, mapping) for symbol, closes in found.items()),
            issues=tuple(issues[:1_000]),
            issue_count=len(issues),
        )


def _take(found: dict[str, dict[date, float]], line: int, row: dict[str, str]) -> LineIssue | None:
    try:
        day = date.fromisoformat(row["date"])
    except ValueError:
        return LineIssue(line=line, column="date", value=row["date"], reason="is no date")
    try:
        close = float(row["close"])
    except ValueError:
        return LineIssue(line=line, column="close", value=row["close"], reason="is no number")
    if close <= 0:
        return LineIssue(line=line, column="close", value=row["close"], reason="is not above zero")
    closes = found.setdefault(row["symbol"], {})
    if day in closes:
        return LineIssue(line=line, column="date", value=row["date"], reason="repeats a line")
    closes[day] = close
    return None


def _bars(symbol: str, closes: dict[date, float], mapping: FileMapping) -> BarColumns:
    days = sorted(closes)
    unknown = np.full(len(days), np.nan)
    return BarColumns(
        listing=Listing(
            symbol=symbol,
            mic=mapping.mic or "",
            name=symbol,
            asset_type=mapping.asset_type,
            currency=mapping.currency,
        ),
        source=mapping.source,
        adjustment=Adjustment(mapping.adjustment),
        quote_unit=mapping.quote_unit or mapping.currency,
        day=np.array(days, dtype="datetime64[D]"),
        open=unknown,
        high=unknown,
        low=unknown,
        close=np.array([closes[day] for day in days]),
        volume=unknown,
    )
