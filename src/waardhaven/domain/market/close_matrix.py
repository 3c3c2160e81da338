"""Closes of some series as one matrix: what a build reads instead of millions of rows."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from waardhaven.domain.market.panel import to_panel
from waardhaven.domain.types import Days, Flags, Floats, Ids, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseMatrix:
    """Closes on the days on which any of some series has one.

    ``day`` (n,) ``datetime64[D]``, increasing; ``close`` (n, k) in the quote unit of each series, a column
    for each series in the order asked for. NaN: no bar; every row has at least one.
    """

    day: Days
    close: Floats

    def __len__(self) -> int:
        """Return the number of days."""
        return len(self.day)

    @classmethod
    def of(cls, *, series: Ids, day: Days, close: Floats, columns: Ids) -> Self:
        """Put together parallel rows in any order; ``columns`` (k,): the series asked for, each once.

        Raises AmbiguousSeries for a row of another series.
        """
        days = np.unique(day)
        panel = to_panel(
            series=series,
            day=day,
            close=close,
            series_ids=columns,
            asset_ids=np.arange(len(columns)),
            sessions=days,
        )
        return cls(day=days, close=panel.close)

    def on(self, sessions: Days) -> Floats:
        """Return the closes on each of ``sessions`` (m,), increasing: (m, k), perhaps a view.

        NaN where there is no bar; bars on other days are left out.
        """
        row = np.searchsorted(self.day, sessions)
        if len(row):
            following = slice(int(row[0]), int(row[0]) + len(row))
            if np.array_equal(self.day[following], sessions):
                return self.close[following]
        known = self._holds(row, sessions)
        found = np.full((len(sessions), self.close.shape[1]), np.nan)
        found[known] = self.close[row[known]]
        return found

    def without(self, *, day: Days, column: Rows) -> Self:
        """Return the matrix without the bars of ``column`` (b,) on ``day`` (b,), where there are such."""
        row = np.searchsorted(self.day, day)
        known = self._holds(row, day)
        if not known.any():
            return self
        close = self.close.copy()
        close[row[known], column[known]] = np.nan
        kept = ~np.isnan(close).all(axis=1)
        return type(self)(day=self.day[kept], close=close[kept])

    def last_days(self, through: np.datetime64) -> Days:
        """Return the day of the last bar of each series on or before ``through``, (k,); NaT: none."""
        known = ~np.isnan(self.close[: np.searchsorted(self.day, through, side="right")])
        last = np.where(known, np.arange(len(known))[:, None], -1).max(axis=0, initial=-1)
        found = np.full(len(last), np.datetime64("NaT"), dtype="datetime64[D]")
        found[last >= 0] = self.day[last[last >= 0]]
        return found

    def _holds(self, row: Rows, day: Days) -> Flags:
        """Tell for which of ``day`` the position ``row`` that was looked up for it is the day itself."""
        known = row < len(self.day)
        known[known] = self.day[row[known]] == day[known]
        return known
