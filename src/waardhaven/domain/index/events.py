"""Corporate actions as columns on the axes of a build."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np

from waardhaven.domain.market.actions import ActionKind
from waardhaven.domain.types import Days, Floats, Ids, Rows

Kinds = np.ndarray[tuple[int], np.dtype[np.int8]]


class EventKind(IntEnum):
    """What happened, as int8; one for each ActionKind that an index can notice."""

    SPLIT = 0
    CASH_DIVIDEND = 1
    SPECIAL_DIVIDEND = 2
    RIGHTS = 3
    SPIN_OFF = 4
    MERGER = 5
    DELISTING = 6

    @classmethod
    def of(cls, kind: ActionKind) -> Self:
        """Return the code of a kind of action; KeyError for a change of name, which changes nothing here."""
        return cls[kind.name]


TERMINAL = (EventKind.MERGER, EventKind.DELISTING)
"""After these the name is not traded any more."""
DISTRIBUTIONS = (EventKind.CASH_DIVIDEND, EventKind.SPECIAL_DIVIDEND)
"""These pay cash on every share."""
IN_PRICES = (EventKind.SPLIT, EventKind.SPECIAL_DIVIDEND, EventKind.RIGHTS)
"""These move the price of the ex-date by an amount known beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventColumns:
    """Confirmed actions, ordered by ex-date, asset, kind: parallel arrays.

    ``ratio``: new shares for an old one, of the other asset where there is one; NaN where none is stated.
    ``cash``: per share in the quote unit of the asset's series; for rights the subscription price, for a
    delisting the terminal value; NaN where none is stated. ``other``: our id of the spun-off or acquiring
    asset, -1 where there is none.
    """

    asset: Ids
    ex_date: Days
    kind: Kinds
    ratio: Floats
    cash: Floats
    other: Ids

    def __len__(self) -> int:
        """Return the number of actions."""
        return len(self.ex_date)

    @classmethod
    def none(cls) -> Self:
        """Return no actions."""
        ids = np.empty(0, dtype=np.int64)
        return cls(
            asset=ids,
            ex_date=np.empty(0, dtype="datetime64[D]"),
            kind=np.empty(0, dtype=np.int8),
            ratio=np.empty(0),
            cash=np.empty(0),
            other=ids,
        )

    def ordered(self) -> Self:
        """Return the same actions in order."""
        return self.taken(np.lexsort((self.kind, self.asset, self.ex_date)))

    def taken(self, rows: Rows) -> Self:
        """Return the actions at ``rows``."""
        return type(self)(**{name: getattr(self, name)[rows] for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One action on the axes: from row ``row`` on the price of ``column`` reflects it.

    ``other``: column of the other asset, -1 where there is none on the axis. ``cash`` in the quote unit.
    """

    row: int
    column: int
    kind: EventKind
    ratio: float
    cash: float
    other: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRows:
    """Actions placed on the session axis, in order of row: those on or before the first row are left out.

    An action takes effect on the first session at or after its ex-date.
    """

    row: Rows
    column: Rows
    kind: Kinds
    ratio: Floats
    cash: Floats
    other: Rows

    def __len__(self) -> int:
        """Return the number of actions."""
        return len(self.row)

    @classmethod
    def placed(cls, events: EventColumns, days: Days, assets: Ids) -> Self:
        """Place the actions of ``assets`` (k,) on ``days`` (n,)."""
        row = np.searchsorted(days, events.ex_date)
        column = _columns(assets, events.asset)
        used = np.flatnonzero((row > 0) & (row < len(days)) & (column >= 0))
        other = np.where(events.other == events.asset, -1, events.other)
        return cls(
            row=row[used],
            column=column[used],
            kind=events.kind[used],
            ratio=events.ratio[used],
            cash=events.cash[used],
            other=_columns(assets, other[used]),
        )

    def on(self, row: int) -> range:
        """Return the places of the actions of a row."""
        first, last = np.searchsorted(self.row, [row, row + 1]).tolist()
        return range(first, last)

    def taken(self, places: Rows) -> Self:
        """Return the actions at ``places``."""
        return type(self)(**{name: getattr(self, name)[places] for name in self.__slots__})

    def at(self, place: int) -> Event:
        """Return one action."""
        return Event(
            row=int(self.row[place]),
            column=int(self.column[place]),
            kind=EventKind(int(self.kind[place])),
            ratio=float(self.ratio[place]),
            cash=float(self.cash[place]),
            other=int(self.other[place]),
        )


def gone_rows(events: EventColumns, days: Days, assets: Ids) -> Rows:
    """Return the first row on which each of ``assets`` (k,) is not traded any more, n while it is.

    What ended before the first day is gone from row 0 on.
    """
    gone = np.full(len(assets), len(days), dtype=np.intp)
    ends = events.taken(np.flatnonzero(np.isin(events.kind, TERMINAL)))
    column = _columns(assets, ends.asset)
    row = np.searchsorted(days, ends.ex_date)
    np.minimum.at(gone, column[column >= 0], row[column >= 0])
    return gone


def _columns(assets: Ids, wanted: Ids) -> Rows:
    """Return the column of each id, -1 where it has none."""
    found = np.minimum(np.searchsorted(assets, wanted), len(assets) - 1)
    return np.where(assets[found] == wanted, found, -1)
