"""Series from Arrow streams, and figures of series to them. Imported on first use alone, as polars is."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from waardhaven.adapters.inbound.http.arrow_messages import UnusableStream, check_stream
from waardhaven.application.answers import Sent
from waardhaven.application.metrics.risk_question import MOST_VALUES, UnusableQuestion
from waardhaven.application.metrics.risk_views import IntervalsView, MeasureView, RiskView
from waardhaven.domain.errors import FieldError
from waardhaven.domain.types import Days, Floats

DATE, BENCHMARK, RISK_FREE = "date", "benchmark", "risk_free"
BESIDE: Final = (DATE, BENCHMARK, RISK_FREE)
"""Columns that are no series."""
MOST_COLUMNS: Final = 1_000
FIRST_DAY, LAST_DAY = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTable:
    """Series (day, series) of ``names`` with what stands beside them (day,), None where it was not sent."""

    names: tuple[str, ...]
    values: Floats
    dates: Days | None
    benchmark: Floats | None
    risk_free: Floats | None


def read_table(content: Sent) -> SentTable:
    """Return the series of a stream: numbers, null unknown; raise UnusableQuestion."""
    frame = frame_of(content, MOST_VALUES)
    names = [name for name in frame.columns if name not in BESIDE]
    size = len(frame) * len(names)
    if size > MOST_VALUES or frame.width > MOST_COLUMNS:
        rule = f"must be at most {MOST_VALUES} values in {MOST_COLUMNS} columns, not {size} in {frame.width}"
        raise _unusable(("body", rule))
    wrong = [
        (name, f"must be of numbers, not of {kind}")
        for name, kind in frame.schema.items()
        if name != DATE and not (kind.is_numeric() or kind == pl.Null)
    ]
    if wrong:
        raise _unusable(*wrong)
    values = np.empty((len(names), len(frame)))
    for row, name in enumerate(names):
        values[row] = numbers(frame[name])
    return SentTable(
        names=tuple(names),
        values=values.T,
        dates=_days(frame[DATE]) if DATE in frame.columns else None,
        benchmark=numbers(frame[BENCHMARK]) if BENCHMARK in frame.columns else None,
        risk_free=numbers(frame[RISK_FREE]) if RISK_FREE in frame.columns else None,
    )


def written_table(view: RiskView) -> bytes:
    """Return a row for each series: a column for each metric, null unknown, and structs beside them.

    ``reason`` has a text for each metric; ``low``, ``high`` and ``verdict``, with intervals alone, a member
    for each metric too. What is one for all series is the same in every row.
    """
    count, resampling = len(view.series), view.resampling
    columns: dict[str, pl.Series] = {
        "series": pl.Series(view.series, dtype=pl.String),
        "observations": pl.Series(view.observations, dtype=pl.Int64),
        "common": pl.Series(view.common or [None] * count, dtype=pl.Int64),
        "coverage": pl.Series(view.coverage, dtype=pl.Float64),
        "periods_per_year": pl.Series([view.periods_per_year] * count, dtype=pl.Float64),
        "periods_told_by": pl.Series([view.periods_told_by] * count, dtype=pl.String),
        "warnings": pl.Series([list(view.warnings)] * count, dtype=pl.List(pl.String)),
    }
    columns |= {name: pl.Series(one.values, dtype=pl.Float64) for name, one in view.metrics.items()}
    columns["reason"] = _members({name: (one.reasons, pl.String) for name, one in view.metrics.items()})
    if resampling is not None:
        columns |= _intervals({name: one for name, one in view.metrics.items() if one.intervals})
        columns["block_length"] = pl.Series(resampling.block_lengths, dtype=pl.Float64)
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def _intervals(measured: dict[str, MeasureView]) -> dict[str, pl.Series]:
    found: dict[str, IntervalsView] = {name: one.intervals for name, one in measured.items() if one.intervals}
    return {
        "low": _members({name: (one.low, pl.Float64) for name, one in found.items()}),
        "high": _members({name: (one.high, pl.Float64) for name, one in found.items()}),
        "verdict": _members({name: (one.verdict, pl.String) for name, one in found.items()}),
    }


def _members(columns: dict[str, tuple[tuple[object, ...], type[pl.DataType]]]) -> pl.Series:
    """Return a column of structs, with a member for each of the columns."""
    return pl.DataFrame(
        {name: pl.Series(values, dtype=kind) for name, (values, kind) in columns.items()}
    ).to_struct()


def frame_of(content: Sent, most_rows: int) -> pl.DataFrame:
    """Return the stream as polars reads it; whatever that raises, panics too, is no stream of ours."""
    try:
        check_stream(content, most_rows)
        return pl.read_ipc_stream(io.BytesIO(content))
    except UnusableStream as error:
        raise _unusable(("body", str(error))) from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        raise _unusable(("body", "must be an Arrow IPC stream that can be read")) from None


def numbers(column: pl.Series) -> Floats:
    """Return a column of numbers, null as NaN."""
    found: Floats = column.cast(pl.Float64).to_numpy()
    return found


def _days(column: pl.Series) -> Days:
    if column.dtype != pl.Date and not isinstance(column.dtype, pl.Datetime):
        raise _unusable((DATE, f"must be of dates, not of {column.dtype}"))
    if column.null_count():
        raise _unusable((DATE, "must be known in every row"))
    days: Days = column.cast(pl.Date).to_physical().to_numpy().astype("datetime64[D]")
    if len(days) and (days.min() < FIRST_DAY or days.max() > LAST_DAY):
        raise _unusable((DATE, "must be from the year 1 to the year 9999"))
    return days


def _unusable(*broken: tuple[str, str]) -> UnusableQuestion:
    errors = [FieldError(field=field, rule=rule) for field, rule in broken]
    return UnusableQuestion("The table can not be read.", errors=errors)
