"""Two versions of the rules over the same facts, side by side."""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np

from waardhaven.domain.index.build import compute
from waardhaven.domain.index.composition import CompositionColumns
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.treatments import drifted
from waardhaven.domain.index.windows import row_sums
from waardhaven.domain.types import Days, Floats, Ids

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Figures of a series of levels; fractions, NaN where the series is too short for them.

    ``annual_return``: geometric, by calendar days over 365, NaN under a year. ``volatility``: sample
    deviation (ddof 1) of session returns times the root of the sessions of a year. ``max_drawdown``: zero or
    negative, from the highest level before.
    """

    total_return: float
    annual_return: float
    volatility: float
    max_drawdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What rules lead to: levels (n,), the weights (m,) at the last close, turnover (y,) of each year."""

    day: Days
    level: Floats
    assets: Ids
    weight: Floats
    years: Ids
    turnover: Floats
    reviews: int
    performance: Performance


def outcome(definition: IndexDefinition, inputs: IndexInputs, sessions_per_year: int) -> Outcome:
    """Build an index from its base date; raise what ``build_index`` raises."""
    computed = compute(definition, inputs)
    history, chain = computed.history, computed.chain
    weight = drifted(chain.position.units, chain.reviewer.prices.price[-1])
    names = np.flatnonzero(weight)
    years, turnover = _yearly(history.compositions)
    return Outcome(
        day=history.levels.day,
        level=history.levels.level,
        assets=chain.reviewer.inputs.panel.assets[names],
        weight=weight[names],
        years=years,
        turnover=turnover,
        reviews=len(history.compositions),
        performance=performance(history.levels.day, history.levels.level, sessions_per_year),
    )


def performance(day: Days, level: Floats, sessions_per_year: int) -> Performance:
    """Return the figures of levels (n,) on increasing days (n,), n >= 1."""
    growth = float(level[-1] / level[0])
    span = float((day[-1] - day[0]).astype(np.int64))
    moves = level[1:] / level[:-1] - 1.0
    peak = np.maximum.accumulate(level)
    return Performance(
        total_return=growth - 1.0,
        annual_return=growth ** (DAYS_PER_YEAR / span) - 1.0 if span >= DAYS_PER_YEAR else nan,
        volatility=float(np.std(moves, ddof=1)) * sqrt(sessions_per_year) if len(moves) > 1 else nan,
        max_drawdown=float((level / peak - 1.0).min()),
    )


def first_difference_day(own: Outcome, live: Outcome) -> np.datetime64 | None:
    """Return the first day on which only one has a level, or both another one; None if there is none."""
    days = np.union1d(own.day, live.day)
    a, b = levels_on(days, own), levels_on(days, live)
    off = np.flatnonzero(~(a == b))
    return days[off[0]] if len(off) else None


def levels_on(days: Days, one: Outcome) -> Floats:
    """Return the levels on increasing ``days`` (n,), NaN where there is none."""
    found = np.full(len(days), np.nan)
    found[np.searchsorted(days, one.day)] = one.level
    return found


def _yearly(compositions: CompositionColumns) -> tuple[Ids, Floats]:
    """Return the calendar years with a composition (y,) and the turnover of each."""
    year = compositions.effective.astype("datetime64[Y]").astype(np.int64) + 1970
    years, place = np.unique(year, return_inverse=True)
    traded = np.zeros((len(years), len(year)))
    traded[place, np.arange(len(year))] = compositions.turnover
    return years, row_sums(traded)
