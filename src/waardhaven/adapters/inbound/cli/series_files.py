"""Series from a CSV or Parquet file: a column of dates, and a column for each series."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from waardhaven.domain.types import Days, Floats

DATES = ("date", "dates", "day", "time", "datetime")
LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFile:
    """Dates (n,), increasing, and values (n, k) of the series ``names``; NaN where a cell is empty."""

    names: tuple[str, ...]
    dates: Days
    values: Floats

    def taken(self, name: str) -> tuple["SeriesFile", Floats]:
        """Return the file without one series, and that series (n,)."""
        if name not in self.names:
            raise _unreadable(f"there is no column {name!r} but {', '.join(self.names)}")
        place = self.names.index(name)
        others = tuple(one for one in self.names if one != name)
        rest = SeriesFile(names=others, dates=self.dates, values=np.delete(self.values, place, axis=1))
        return rest, self.values[:, place]


def read_series(path: Path) -> SeriesFile:
    """Read a file whose column of dates is called date, or is the first; raise click.BadParameter."""
    if path.stat().st_size > LARGEST:
        raise _unreadable(f"{path} is larger than {LARGEST // 1024 // 1024} MiB")
    frame = _frame(path)
    if frame.width < 2 or not frame.height:
        raise _unreadable(f"{path} needs a column of dates, a column of values and a row")
    when = next((one for one in frame.columns if one.strip().lower() in DATES), frame.columns[0])
    names = tuple(one for one in frame.columns if one != when)
    dates = _dates(frame[when])
    if not (dates[1:] > dates[:-1]).all():
        raise _unreadable(f"the dates in column {when!r} of {path} do not increase")
    return SeriesFile(names=names, dates=dates, values=_values(frame.select(names)))


def _frame(path: Path) -> Any:
    import polars as pl

    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            return pl.read_parquet(path)
        return pl.read_csv(path, try_parse_dates=True)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise _unreadable(f"{path} can not be read: {str(error).splitlines()[0]}") from error


def _dates(column: Any) -> Days:
    import polars as pl

    if not column.dtype.is_temporal():
        raise _unreadable(f"column {column.name!r} holds no dates (YYYY-MM-DD)")
    if column.null_count():
        raise _unreadable(f"column {column.name!r} has rows without a date")
    days: Days = column.cast(pl.Date).to_numpy().astype("datetime64[D]")
    return days


def _values(frame: Any) -> Floats:
    import polars as pl

    texts = [name for name, kind in frame.schema.items() if not kind.is_numeric() and kind != pl.Null]
    if texts:
        raise _unreadable(f"column {texts[0]!r} holds something that is no number")
    values: Floats = frame.select(pl.all().cast(pl.Float64)).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _unreadable(message: str) -> click.BadParameter:
    return click.BadParameter(f"{message}.", param_hint="SOURCE")
