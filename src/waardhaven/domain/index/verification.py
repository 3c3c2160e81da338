"""Compare published figures with recomputed ones and name the first that differs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from waardhaven.domain.index.composition import CompositionColumns, LevelColumns
from waardhaven.domain.types import Days

Column = npt.NDArray[Any]
ROUNDING = 1e-12
"""How far figures of the same facts may lie apart, relative, by other code or on another processor."""


class History(Protocol):
    """Anything with levels and compositions: an IndexHistory, a stored result."""

    @property
    def levels(self) -> LevelColumns:
        """Levels by day."""

    @property
    def compositions(self) -> CompositionColumns:
        """Compositions by effective day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first figure that differs. ``asset`` is None for index figures.

    ``expected`` is the published value, ``found`` the recomputed one; None where it does not exist.
    """

    day: np.datetime64
    field: str
    asset: int | None
    expected: object
    found: object


def first_difference(published: History, recomputed: History, *, rtol: float = 0.0) -> Difference | None:
    """Return the earliest difference, None if there is none.

    Figures may differ by ``rtol`` relative to the published one (0: bit for bit, NaN equals NaN); days,
    names and reasons must be the same. On one day levels come before compositions, names before
    weights.
    """
    found = [*_levels(published.levels, recomputed.levels, rtol)]
    found += _reviews(published.compositions, recomputed.compositions, rtol)
    found += _names(published.compositions, recomputed.compositions, rtol)
    return min(found, key=lambda difference: difference.day, default=None)


def _levels(a: LevelColumns, b: LevelColumns, rtol: float) -> Iterator[Difference]:
    variants = {"level": (a.level, b.level), "gross": (a.gross, b.gross), "net": (a.net, b.net)}
    both = {name: (x, y) for name, (x, y) in variants.items() if x is not None and y is not None}
    yield from _compare("levels", a.day, b.day, both, rtol)


def _reviews(a: CompositionColumns, b: CompositionColumns, rtol: float) -> Iterator[Difference]:
    names = ["selection", "reason", "divisor"]
    if len(a.turnover) and len(b.turnover):  # older builds have no such columns
        names += ["turnover", "cost"]
    values = {name: (getattr(a, name), getattr(b, name)) for name in names}
    yield from _compare("compositions", a.effective, b.effective, values, rtol)


def _names(a: CompositionColumns, b: CompositionColumns, rtol: float) -> Iterator[Difference]:
    days = [np.repeat(one.effective, np.diff(one.offset)) for one in (a, b)]
    same = _first_unequal(days[0], days[1])
    other = _first_unequal(a.asset, b.asset)
    if other < same:
        yield _difference("compositions.asset", days[0][other], None, a.asset[other], b.asset[other])
    elif same < max(map(len, days)):
        day = min(one[same] for one in days if same < len(one))
        pair = [x.asset[same] if same < len(x.asset) else None for x in (a, b)]
        yield _difference("compositions.asset", day, None, *pair)
    upto = min(same, other)
    for name in ("weight", "units"):
        x, y = getattr(a, name)[:upto], getattr(b, name)[:upto]
        for i in _first_off(x, y, rtol):
            yield _difference(f"compositions.{name}", days[0][i], int(a.asset[i]), x[i], y[i])


def _compare(
    group: str, a: Days, b: Days, values: dict[str, tuple[Column, Column]], rtol: float
) -> Iterator[Difference]:
    same = _first_unequal(a, b)
    for name, (x, y) in values.items():
        for i in _first_off(x[:same], y[:same], rtol):
            yield _difference(f"{group}.{name}", a[i], None, x[i], y[i])
    if same < max(len(a), len(b)):
        pair = [one[same] if same < len(one) else None for one in (a, b)]
        day = min(one for one in pair if one is not None)
        yield _difference(f"{group}.day", day, None, *pair)


def _first_unequal(a: Column, b: Column) -> int:
    """Return the first position at which two columns differ; the shorter length if there is none."""
    shared = min(len(a), len(b))
    off = np.flatnonzero(a[:shared] != b[:shared])
    return int(off[0]) if len(off) else shared


def _first_off(a: Column, b: Column, rtol: float) -> list[int]:
    """Return the first position beyond tolerance as a list of at most one."""
    same = a == b
    if a.dtype.kind == "f":
        same |= (np.abs(a - b) <= rtol * np.abs(a)) | (np.isnan(a) & np.isnan(b))
    off: list[int] = np.flatnonzero(~same)[:1].tolist()
    return off


def _difference(field: str, day: np.datetime64, asset: int | None, expected: Any, found: Any) -> Difference:
    return Difference(day=day, field=field, asset=asset, expected=_plain(expected), found=_plain(found))


def _plain(value: Any) -> object:
    return value.item() if isinstance(value, np.generic) else value
