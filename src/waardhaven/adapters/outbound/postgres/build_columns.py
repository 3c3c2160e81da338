"""A build as named columns of little-endian bytes, and back, bit for bit."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from waardhaven.domain.index.build import IndexResult
from waardhaven.domain.index.build_record import BuildRecord
from waardhaven.domain.index.composition import CompositionColumns, FlagColumns, IndexState, LevelColumns

Array = np.ndarray[Any, np.dtype[Any]]

LEVEL = {"day": "<i4", "level": "<f8"}
COMPOSITION = {
    "selection": "<i4",
    "effective": "<i4",
    "reason": "|i1",
    "divisor": "<f8",
    "offset": "<i8",
    "weight": "<f8",
    "units": "<f8",
}
ASSETS = {"asset": "<i8"}
"""The names of all compositions one after the other: of earlier versions, and where that is shorter."""
HOLDINGS = {"name": "<i8", "holding": "|i1"}
"""Every name once, increasing, and a bit for each composition and name, each composition a whole byte."""
LATER_COMPOSITION = {"turnover": "<f8", "cost": "<f8"}
"""Columns that builds of earlier versions do not have."""
EVERY_COMPOSITION = COMPOSITION | ASSETS | HOLDINGS | LATER_COMPOSITION
VARIANTS = {"gross": "<f8", "net": "<f8"}
"""Levels that only builds over raw prices have."""
REVIEWED = {"reviewed": "<i8", "targets": "<f8"}
FLAG = {"day": "<i4", "asset": "<i8", "kind": "|i1"}
STATE = {"day": "<i4", "value": "<f8", "asset": "<i8", "units": "<f8"}
_VALUES = ("level", "divisor", "previous_level", "gross", "net")
_DAYS = {"day", "selection", "effective"}
DENSE = 1 << 20
"""Widest span of ids that are looked up through a table."""
Column = tuple[str, str, int, bytes]
"""Name, type, number of values and bytes."""


def to_rows(build: BuildRecord) -> list[Column]:
    """Return (name, dtype, n, bytes) of every column of a build."""
    result = build.result
    rows = [
        *_group("level", LEVEL, result.levels),
        *_group("level", _present(VARIANTS, result.levels), result.levels),
        *_group("composition", COMPOSITION | LATER_COMPOSITION, result.compositions),
        *_holdings(result.compositions),
        *_group("flag", FLAG, result.flags),
        *_state("closing", result.closing),
        _column("universe.asset", "<i8", build.universe),
        _column("forced.day", "<i4", build.forced),
    ]
    return rows if build.opening is None else [*rows, *_state("opening", build.opening)]


def _holdings(made: CompositionColumns) -> Iterable[Column]:
    """Yield the names of all compositions, as bits where that is shorter."""
    found = _bits(made)
    if found is None or sum(part.nbytes for part in found) >= made.asset.nbytes:
        yield _column("composition.asset", "<i8", made.asset)
    else:
        yield _column("composition.name", "<i8", found[0])
        yield _column("composition.holding", "|i1", found[1])


def _bits(made: CompositionColumns) -> tuple[Array, Array] | None:
    """Return every name once and the bits of who is held; None where they would not say the same."""
    if not len(made.asset) or (span := int(np.ptp(made.asset)) + 1) > DENSE:
        return None
    low = made.asset.min()
    present = np.zeros(span, dtype=np.bool_)
    present[made.asset - low] = True
    names = np.flatnonzero(present) + low
    held = np.zeros((len(made), len(names)), dtype=np.bool_)
    review = np.repeat(np.arange(len(made)), np.diff(made.offset))
    held[review, (np.cumsum(present) - 1)[made.asset - low]] = True
    if not np.array_equal(names[held.nonzero()[1]], made.asset):
        return None
    return names, np.packbits(held, axis=1).view(np.int8).ravel()


def _present(dtypes: Mapping[str, str], source: object) -> dict[str, str]:
    return {name: dtype for name, dtype in dtypes.items() if getattr(source, name) is not None}


def _group(group: str, dtypes: Mapping[str, str], source: object) -> Iterable[Column]:
    for name, dtype in dtypes.items():
        yield _column(f"{group}.{name}", dtype, getattr(source, name))


def _state(group: str, state: IndexState) -> Iterable[Column]:
    values: dict[str, Array] = {
        "day": np.array([state.day], dtype="datetime64[D]"),
        "value": np.array([getattr(state, name) for name in _VALUES]),
        "asset": state.assets,
        "units": state.units,
        "reviewed": state.reviewed,
        "targets": state.targets,
    }
    for name, dtype in (STATE | REVIEWED).items():
        yield _column(f"{group}.{name}", dtype, values[name])


def _column(name: str, dtype: str, values: Array) -> Column:
    plain = values.astype("datetime64[D]").astype(np.int64) if name.split(".")[1] in _DAYS else values
    return name, dtype, len(values), np.ascontiguousarray(plain, dtype=dtype).tobytes()


def from_bytes(columns: Mapping[str, bytes], group: str, dtypes: Mapping[str, str]) -> dict[str, Array]:
    """Return the native arrays of one group."""
    found: dict[str, Array] = {}
    for name, dtype in dtypes.items():
        values = np.frombuffer(columns[f"{group}.{name}"], dtype=dtype)
        native = values.astype(values.dtype.newbyteorder("="))
        found[name] = native.astype("datetime64[D]") if name in _DAYS else native
    return found


def levels(columns: Mapping[str, bytes]) -> LevelColumns:
    """Return the levels of a build."""
    return LevelColumns(**from_bytes(columns, "level", LEVEL | _stored(columns, "level", VARIANTS)))


def compositions(columns: Mapping[str, bytes]) -> CompositionColumns:
    """Return the compositions of a build."""
    dtypes = COMPOSITION | _stored(columns, "composition", EVERY_COMPOSITION)
    found = from_bytes(columns, "composition", dtypes)
    if "asset" not in found:
        held = found.pop("holding").view(np.uint8).reshape(len(found["effective"]), -1)
        names = found.pop("name")
        found["asset"] = names[np.unpackbits(held, axis=1, count=len(names)).nonzero()[1]]
    return CompositionColumns(**found)


def state(columns: Mapping[str, bytes], group: str) -> IndexState | None:
    """Return the opening or closing state of a build, None when it has none."""
    if f"{group}.day" not in columns:
        return None
    found = from_bytes(columns, group, STATE | _stored(columns, group, REVIEWED))
    values: dict[str, Any] = dict(zip(_VALUES, found["value"].tolist(), strict=False))
    reviewed: dict[str, Any] = {name: found[name] for name in REVIEWED if name in found}
    return IndexState(day=found["day"][0], assets=found["asset"], units=found["units"], **values, **reviewed)


def _stored(columns: Mapping[str, bytes], group: str, dtypes: Mapping[str, str]) -> dict[str, str]:
    """Return those of ``dtypes`` that a build has."""
    return {name: dtype for name, dtype in dtypes.items() if f"{group}.{name}" in columns}


def result(columns: Mapping[str, bytes]) -> IndexResult:
    """Return everything a build computed."""
    closing = state(columns, "closing")
    if closing is None:
        raise KeyError("closing.day")
    return IndexResult(
        levels=levels(columns),
        compositions=compositions(columns),
        flags=FlagColumns(**from_bytes(columns, "flag", FLAG)),
        closing=closing,
    )
