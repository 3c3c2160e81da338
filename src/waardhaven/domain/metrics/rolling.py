"""Any metric over windows of days: each window is measured as a series of its own.

So a value equals that of ``measure`` on the rows of the window alone, bit for bit for rolling windows and to
rounding for expanding ones, and no metric needs a second formula. Windows are built in blocks of bounded
memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from waardhaven.domain.errors import FieldError
from waardhaven.domain.metrics.measured import BLOCK, Measured, calendar_of, evaluated_block, rows_of
from waardhaven.domain.metrics.metric import Metric, finite
from waardhaven.domain.metrics.rows import SeriesRows
from waardhaven.domain.metrics.sample import Sample, UnusableSample
from waardhaven.domain.types import Floats, Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Metrics over windows: ``values`` (metric, window, series), NaN where unknown."""

    metrics: tuple[Metric, ...]
    rows: Ids
    """(window,) the last row of each window."""
    values: Floats


def rolling(sample: Sample, metrics: Sequence[Metric], window: int, *, step: int = 1) -> Windows:
    """Return metrics over ``window`` rows that end on every ``step``-th row, the last row being one.

    None where the sample has fewer rows than that. Raise UnusableSample for a window or step below 1.
    """
    _at_least_one(window=window, step=step)
    days = len(sample.returns)
    last = np.arange((days - window) % step + window - 1, days, step) if days >= window else np.zeros(0, int)
    return _over(sample, metrics, last, window)


def expanding(sample: Sample, metrics: Sequence[Metric], least: int, *, step: int = 1) -> Windows:
    """Return metrics over all rows up to each ``step``-th row; ``least`` rows at least, all of them last."""
    _at_least_one(least=least, step=step)
    days = len(sample.returns)
    last = np.arange((days - least) % step + least - 1, days, step) if days >= least else np.zeros(0, int)
    return _over(sample, metrics, last, None)


def _over(sample: Sample, metrics: Sequence[Metric], last: Ids, window: int | None) -> Windows:
    values = np.full((len(metrics), len(last), sample.returns.shape[1]), np.nan)
    present = [row for row, one in enumerate(metrics) if one.missing(sample) is None]
    functions = [metrics[row].on for row in present]
    for chosen, columns in _tiles(values.shape[1:], window or len(sample.returns)):
        block = _tile(sample, last[chosen], columns, window)
        found = evaluated_block(block, functions)
        shape = (len(functions), columns.stop - columns.start, chosen.stop - chosen.start)
        values[present, chosen, columns] = found.reshape(shape).swapaxes(1, 2)
    return Windows(metrics=tuple(metrics), rows=last, values=finite(values))


def _tiles(shape: tuple[int, ...], width: int) -> Iterator[tuple[slice, slice]]:
    """Yield windows and series that make blocks of about ``BLOCK`` values."""
    windows, series = shape
    together = max(1, min(series, 32))
    ends = max(1, BLOCK // (together * max(1, width)))
    for first in range(0, series, together):
        columns = slice(first, min(first + together, series))
        for begin in range(0, windows, ends):
            yield slice(begin, min(begin + ends, windows)), columns


def _tile(sample: Sample, last: Ids, columns: slice, window: int | None) -> Measured:
    """Return one row for each series of ``columns`` and window, windows of a series side by side."""
    series = columns.stop - columns.start
    whole = int(last[-1]) + 1  # rows that any of these windows sees
    first = last - window + 1 if window else np.zeros_like(last)

    def cut(values: Floats) -> Floats:
        chosen = values[:whole] if values.shape[1] == 1 else values[:whole, columns]
        wide = np.broadcast_to(chosen, (whole, series)).T
        if window is None:
            return np.repeat(wide, len(last), axis=0)
        windows = sliding_window_view(wide, window, axis=1)[:, first]
        return np.ascontiguousarray(windows.reshape(-1, window))

    def seen(values: Floats) -> SeriesRows:
        rows = cut(values)
        if window is None:
            rows[np.tile(last, series)[:, None] < np.arange(whole)] = np.nan
        return rows_of(rows)

    length = window or whole
    calendar = sliding_window_view(calendar_of(sample)[: whole + 1], length + 1)[first]
    nothing = SeriesRows(values=np.zeros((1, length)), known=np.zeros((1, length)))
    rate = cut(sample.risk_free)
    return Measured(
        sample=sample,
        own=seen(sample.returns),
        benchmark=nothing if sample.benchmark is None else seen(sample.benchmark),
        risk_free=rate if rate.any() else None,
        calendar=np.tile(calendar, (series, 1)),
    )


def _at_least_one(**values: int) -> None:
    broken = [
        FieldError(field=name, rule="must be at least 1") for name, value in values.items() if value < 1
    ]
    if broken:
        raise UnusableSample(f"{broken[0].field} must be at least 1.", errors=broken)
