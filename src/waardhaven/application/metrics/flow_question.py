"""What a caller may ask about dated cash flows: flat columns of many sets, checked by name and place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError
from waardhaven.domain.metrics.cash_flows import CashFlows, UnusableFlows
from waardhaven.domain.metrics.time_weighted import Values
from waardhaven.domain.types import Days, Floats, Ids

MOST_SETS: Final = 10_000
MOST_FLOWS: Final = 200_000
"""Payments of one call, and values of one call."""
Rule = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowQuestion:
    """Dated payments of many sets, as ``CashFlows`` has them.

    ``amounts`` (n,), NaN unknown; ``dates`` (n,) in any order within a set; ``offsets`` (s + 1,) where sets
    begin, and the end; None: one set.
    """

    amounts: Floats
    dates: Days
    offsets: Ids | None = None

    @property
    def starts(self) -> Ids:
        """Where each set begins, and the end of the last."""
        return self.offsets if self.offsets is not None else np.array([0, len(self.amounts)], dtype=np.int64)

    def flows(self) -> CashFlows:
        """Return the payments; raise UnusableFlows naming every broken rule."""
        _check(self.broken())
        return CashFlows(amount=self.amounts, day=self.dates, offset=self.starts)

    def broken(self) -> Iterator[Rule]:
        """Yield the rules that the columns break."""
        yield from columns_broken(("amounts", "dates", "offsets"), self.amounts, self.dates, self.starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedQuestion:
    """What portfolios were worth on days, beside their payments: as many sets of one as of the other.

    ``values`` (n,), payments of the day included, NaN unknown; ``value_dates`` (n,) increase within a set;
    ``value_offsets`` (s + 1,); None: one set. ``flows``: below zero paid in, above zero paid out.
    """

    values: Floats
    value_dates: Days
    flows: FlowQuestion
    value_offsets: Ids | None = None

    @property
    def starts(self) -> Ids:
        """Where each set of values begins, and the end of the last."""
        given = self.value_offsets
        return given if given is not None else np.array([0, len(self.values)], dtype=np.int64)

    def valued(self) -> Values:
        """Return the values; raise UnusableFlows naming every broken rule, those of the payments too."""
        _check((*self._broken(), *self.flows.broken()))
        return Values(value=self.values, day=self.value_dates, offset=self.starts)

    def _broken(self) -> Iterator[Rule]:
        names = ("values", "value_dates", "value_offsets")
        broken = [*columns_broken(names, self.values, self.value_dates, self.starts)]
        yield from broken
        sets, others = len(self.starts) - 1, len(self.flows.starts) - 1
        if sets != others:
            yield "offsets", f"must be {sets + 1}, for as many sets as value_offsets has, not {others + 1}"
        if not broken:
            yield from _days_broken(self.value_dates, self.starts)


def _days_broken(days: Days, starts: Ids) -> Iterator[Rule]:
    """Yield the first day that does not come after the one before in its set."""
    falls = np.ones(len(days), dtype=np.bool_)
    falls[1:] = days[1:] <= days[:-1]
    falls[starts[:-1][np.diff(starts) > 0]] = False
    place = np.flatnonzero(falls)
    if len(place):
        first = int(place[0])
        least = days[first - 1] + 1
        yield f"value_dates.{first}", f"must increase within a set: {least} or later, not {days[first]}"


def columns_broken(names: tuple[str, str, str], numbers: Floats, days: Days, starts: Ids) -> Iterator[Rule]:
    """Yield the rules that parallel columns of sets break, by the names they were sent under."""
    ours, dates, offsets = names
    count, sets = len(numbers), len(starts) - 1
    falls = np.flatnonzero(np.diff(starts) < 0)
    rules = (
        (ours, f"must be at most {MOST_FLOWS}, not {count}", count > MOST_FLOWS),
        (dates, f"must be {count}, one for each of {ours}, not {len(days)}", len(days) != count),
        (offsets, f"must be of at most {MOST_SETS} sets, not {sets}", sets > MOST_SETS),
        (f"{offsets}.0", f"must be 0, not {starts[0]}", starts[0] != 0),
        (
            f"{offsets}.{sets}",
            f"must be {count}, the number of {ours}, not {starts[-1]}",
            starts[-1] != count,
        ),
    )
    yield from ((field, rule) for field, rule, is_broken in rules if is_broken)
    if len(falls):
        place = int(falls[0])
        rule = f"must not decrease: {starts[place]} or more, not {starts[place + 1]}"
        yield f"{offsets}.{place + 1}", rule


def _check(broken: Iterator[Rule] | tuple[Rule, ...]) -> None:
    errors = [FieldError(field=field, rule=rule) for field, rule in broken]
    if errors:
        raise UnusableFlows("The cash flows can not be read.", errors=errors)
