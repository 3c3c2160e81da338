"""From long price rows to a day x asset panel."""

from itertools import pairwise

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import Days, Flags, Floats, Ids, Rows

DENSE = 1 << 20
"""Widest span of keys looked up through a table instead of by bisection."""


class OffSessionPrices(Invalid):
    """Bars on days on which the calendar has no session."""


class AmbiguousSeries(Invalid):
    """Series and assets do not map one to one, or a row belongs to no series asked for."""


def to_panel(
    *,
    series: Ids,
    day: Days,
    close: Floats,
    series_ids: Ids,
    asset_ids: Ids,
    sessions: Days,
    strict: bool = True,
) -> PricePanel:
    """Scatter long rows to a panel over ``sessions`` (increasing) and the sorted ``asset_ids``.

    ``series``, ``day``, ``close``: parallel rows in any order; if (series, day) repeats, the last row
    wins. ``series_ids[i]`` is the series of ``asset_ids[i]``. Rows before the first or after the last
    session are left out. Rows between sessions raise OffSessionPrices when ``strict``, otherwise they
    are left out too (assets of other exchanges have such bars). Missing bars are NaN.
    """
    if len(np.unique(series_ids)) != len(series_ids) or len(np.unique(asset_ids)) != len(asset_ids):
        raise AmbiguousSeries("Each asset must have exactly one series.")
    assets = np.sort(asset_ids)
    by_series = np.argsort(series_ids)
    place = _positions(series_ids[by_series], series)
    if (place < 0).any():
        raise AmbiguousSeries("A price row belongs to none of the series asked for.")
    column = np.searchsorted(assets, asset_ids[by_series])[place]
    row = _positions(sessions.view(np.int64), day.view(np.int64))
    if strict:
        _check_sessions(day, row, sessions)
    return _scatter(row, column, close, sessions, assets)


def as_of_panel(*, asset: Ids, day: Days, value: Floats, assets: Ids, sessions: Days) -> Floats:
    """Spread dated facts over ``sessions`` and the increasing ``assets``: (n, k), NaN before the first.

    A fact (e.g. shares outstanding) holds from its day until the asset's next one. Rows are ordered by
    asset, then day; facts of other assets are left out. Where nothing changes it is a view of one row.
    """
    column = _positions(assets, asset)
    row = np.searchsorted(sessions, day)
    used = np.flatnonzero((column >= 0) & (row < len(sessions)))
    steps = np.unique(row[used])
    fact = np.full((len(steps), len(assets)), -1, dtype=np.intp)
    fact[np.searchsorted(steps, row[used]), column[used]] = used
    np.maximum.accumulate(fact, axis=0, out=fact)
    table = np.append(value, np.nan)[fact]
    if steps.tolist() == [0]:
        return np.broadcast_to(table[0], (len(sessions), len(assets)))
    spread = np.full((len(sessions), len(assets)), np.nan)
    for (first, end), known in zip(pairwise([*steps.tolist(), len(sessions)]), table, strict=True):
        spread[first:end] = known
    return spread


def off_session(day: Days, sessions: Days) -> Flags:
    """Tell which of ``day`` lie between the first and last of ``sessions`` without being one."""
    return _off_session(day, _positions(sessions.view(np.int64), day.view(np.int64)), sessions)


def _off_session(day: Days, row: Rows, sessions: Days) -> Flags:
    if not len(sessions):
        return np.zeros(len(day), dtype=np.bool_)
    off: Flags = (row < 0) & (day > sessions[0]) & (day < sessions[-1])
    return off


def _check_sessions(day: Days, row: Rows, sessions: Days) -> None:
    off = _off_session(day, row, sessions)
    if off.any():
        days = [str(one) for one in np.unique(day[off])[:10]]
        raise OffSessionPrices(
            f"{int(off.sum())} bars lie on days without a session, first on {days[0]}.",
            context={"days": days, "rows": int(off.sum())},
        )


def _scatter(row: Rows, column: Rows, close: Floats, sessions: Days, assets: Ids) -> PricePanel:
    panel = np.full((len(sessions), len(assets)), np.nan)
    inside = row >= 0
    if inside.all():
        panel[row, column] = close
    else:
        panel[row[inside], column[inside]] = close[inside]
    return PricePanel(days=sessions, assets=assets, close=panel)


def _positions(keys: Ids, values: Ids) -> Rows:
    """Return the position of each value in the increasing ``keys``, -1 if it is not there."""
    if not len(keys):
        return np.full(len(values), -1, dtype=np.intp)
    low, span = int(keys[0]), int(keys[-1]) - int(keys[0])
    if span < DENSE:
        table = np.full(span + 2, -1, dtype=np.intp)
        table[keys - low] = np.arange(len(keys))
        return table[np.where((values < low) | (values > low + span), span + 1, values - low)]
    found = np.minimum(np.searchsorted(keys, values), len(keys) - 1)
    return np.where(keys[found] == values, found, -1)
