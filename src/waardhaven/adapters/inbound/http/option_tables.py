"""Options from Arrow streams, and their figures to them. Imported on first use alone, as polars is."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from waardhaven.adapters.inbound.http.arrow_tables import frame_of, numbers
from waardhaven.application.answers import Sent
from waardhaven.application.quant.option_question import MOST_OPTIONS, REFUSED
from waardhaven.application.quant.price_options import Priced
from waardhaven.domain.errors import FieldError
from waardhaven.domain.quant.options.contracts import REASONS, Codes, UnusableOptions
from waardhaven.domain.types import Flags, Floats

OPTION_TYPE: Final = "option_type"
KINDS: Final = ("call", "put")
ESTIMATED: Final = ("estimator", "window", "bars", "left_out", "first", "last")
"""What is told of a volatility from stored prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTable:
    """Columns (n,) of a table by the names they were sent under; ``is_call`` None without a column of it."""

    numbers: Mapping[str, Floats]
    is_call: Flags | None


def read_options(content: Sent, names: tuple[str, ...]) -> OptionTable:
    """Return the columns of a stream, ``names`` and option_type; raise an Invalid."""
    frame = frame_of(content, MOST_OPTIONS)
    foreign = [one for one in frame.columns if one not in {*names, OPTION_TYPE}]
    wrong = [(one, f"is no column of options: {', '.join((*names, OPTION_TYPE))}") for one in foreign[:10]]
    wrong += [
        (name, f"must be of numbers, not of {kind}")
        for name, kind in frame.schema.items()
        if name in names and not (kind.is_numeric() or kind == pl.Null)
    ]
    if wrong:
        raise _unusable(*wrong)
    return OptionTable(
        numbers={name: numbers(frame[name]) for name in frame.columns if name != OPTION_TYPE},
        is_call=_calls(frame[OPTION_TYPE]) if OPTION_TYPE in frame.columns else None,
    )


def written_options(found: Priced) -> bytes:
    """Return a row for each option: a column for each figure, null unknown, and the reasons.

    ``reason``: why figures of the option are null; ``lacking``: figures that are null for every option, with
    why, in a struct that is the same in every row. What was read from stored prices is the same in every row
    too: ``spot_price``, ``spot_day``, ``volatility``, and of that ``volatility_estimator``, ``_window``,
    ``_bars``, ``_left_out``, ``_first`` and ``_last``.
    """
    size = len(found.reasons)
    columns = {name: pl.Series(one).fill_nan(None) for name, one in found.figures.items()}
    columns["reason"] = _reasons(found.reasons)
    fixed: dict[str, pl.Series] = {}
    if found.lacking:
        fixed["lacking"] = pl.Series([{name: str(one) for name, one in found.lacking.items()}])
    if found.inputs.spot is not None:
        fixed["spot_price"] = pl.Series([found.inputs.spot.close])
        fixed["spot_day"] = pl.Series([found.inputs.spot.day])
    if found.inputs.volatility is not None:
        fixed["volatility"] = pl.Series([found.inputs.volatility.volatility])
        fixed |= {
            f"volatility_{name}": pl.Series([getattr(found.inputs.volatility, name)]) for name in ESTIMATED
        }
    columns |= {name: one.new_from_index(0, size) for name, one in fixed.items()}
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def _reasons(codes: Codes) -> pl.Series:
    if not codes.any():
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(codes))
    names = [None if one is None else str(one) for one in REASONS]
    return pl.Series(names, dtype=pl.String).gather(codes.astype(np.uint32))


def _calls(column: pl.Series) -> Flags:
    if column.dtype == pl.Boolean and not column.null_count():
        return column.to_numpy()
    if column.dtype != pl.String or not column.is_in(KINDS).fill_null(value=False).all():
        raise _unusable((OPTION_TYPE, "must be call or put in every row, or true for a call"))
    return (column == KINDS[0]).to_numpy()


def _unusable(*broken: tuple[str, str]) -> UnusableOptions:
    return UnusableOptions(REFUSED, errors=[FieldError(field=field, rule=rule) for field, rule in broken])
