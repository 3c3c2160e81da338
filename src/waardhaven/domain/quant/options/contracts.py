"""Options as flat columns, what each column may hold, and why a figure of an option may be unknown."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final, Self, SupportsIndex

import numpy as np
import numpy.typing as npt

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.types import Flags, Floats

Codes = npt.NDArray[np.int8]
"""Positions in ``REASONS``; 0 beside what is known."""


class UnusableOptions(Invalid):
    """Columns that describe no options; every broken rule is named."""


class Reason(StrEnum):
    """Why a figure is unknown."""

    UNKNOWN_INPUT = "unknown_input"
    KINK = "at_the_kink"
    BELOW_INTRINSIC = "below_intrinsic_value"
    ABOVE_BOUND = "above_upper_bound"
    NO_TIME = "no_time"
    UNRESOLVED = "time_value_not_resolved"
    NEAR_BOUND = "too_near_upper_bound"
    DOUBLE_BOUNDARY = "double_exercise_boundary"
    OUTSIDE_METHOD = "outside_the_method"
    NOT_OF_MODEL = "not_of_the_model"
    NOT_AMERICAN = "not_for_american_exercise"
    OUT_OF_RANGE = "out_of_range"

    @property
    def code(self) -> int:
        """Where it stands in ``REASONS``."""
        return REASONS.index(self)


REASONS: Final[tuple[Reason | None, ...]] = (None, *Reason)

EXPLANATIONS: Final = {
    Reason.UNKNOWN_INPUT: "a number that the figure depends on is not known",
    Reason.KINK: "without time or volatility the payoff has no derivative where forward and strike meet",
    Reason.BELOW_INTRINSIC: "the price is below what the option is worth without any volatility",
    Reason.ABOVE_BOUND: "the price is not below what the option is worth with unlimited volatility",
    Reason.NO_TIME: "the option has expired: its price says nothing about volatility",
    Reason.UNRESOLVED: "what the price holds above its intrinsic value is below the rounding of a double",
    Reason.NEAR_BOUND: "what the price lacks of its upper bound is below the rounding of a double",
    Reason.DOUBLE_BOUNDARY: "early exercise pays between two boundaries, which the method does not cover",
    Reason.OUTSIDE_METHOD: "volatility, time or rates are outside what the error of the method is stated for",
    Reason.NOT_OF_MODEL: "the model has no such variable",
    Reason.NOT_AMERICAN: "the figure is computed for European exercise alone",
    Reason.OUT_OF_RANGE: "the value is too large for a number of double precision",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a column may hold: ``low`` to ``high``, or 0 where ``zero``; NaN is unknown and allowed."""

    low: float
    high: float
    zero: bool = False

    @property
    def rule(self) -> str:
        """The rule in words."""
        return f"must be {'0, or ' if self.zero else ''}from {self.low:g} to {self.high:g}"

    def broken(self, column: Floats) -> Flags:
        """Return where the column breaks the rule."""
        outside = (column < self.low) | (column > self.high)
        return outside & (column != 0.0) if self.zero else outside


AMOUNT: Final = Bound(low=1e-12, high=1e15)
RATE: Final = Bound(low=-1.0, high=1.0)
BOUNDS: Final = {
    "spot": AMOUNT,
    "strike": AMOUNT,
    "time": Bound(low=1e-8, high=100.0, zero=True),
    "volatility": Bound(low=1e-6, high=10.0, zero=True),
    "rate": RATE,
    "dividend_yield": RATE,
    "cash": AMOUNT,
}
"""Of each column; rates and volatility are fractions a year, so a rate in per cent is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options, row by row: (n,) each, one column a variable. Made by ``of``, which checks and broadcasts.

    ``spot``: price of the underlying, or its forward price where the model says so. ``time``: years to
    expiry. ``volatility``: a year, of log returns. ``rate`` and ``dividend_yield``: a year, continuously
    compounded. ``cash``: what a cash-or-nothing option pays. NaN is unknown and makes figures unknown.
    """

    spot: Floats
    strike: Floats
    time: Floats
    volatility: Floats
    rate: Floats
    dividend_yield: Floats
    is_call: Flags
    cash: Floats

    @classmethod
    def of(
        cls,
        *,
        spot: npt.ArrayLike,
        strike: npt.ArrayLike,
        time: npt.ArrayLike,
        volatility: npt.ArrayLike,
        rate: npt.ArrayLike = 0.0,
        dividend_yield: npt.ArrayLike = 0.0,
        is_call: npt.ArrayLike = True,
        cash: npt.ArrayLike = 1.0,
    ) -> Self:
        """Return the options of numbers and columns, each number repeated without being copied.

        Raise UnusableOptions, naming the first broken row of each column (``strike.3``; ``strike`` of a
        number) and its rule.
        """
        given = {
            "spot": spot,
            "strike": strike,
            "time": time,
            "volatility": volatility,
            "rate": rate,
            "dividend_yield": dividend_yield,
            "cash": cash,
        }
        columns = {name: np.asarray(one, dtype=np.float64) for name, one in given.items()}
        calls = np.asarray(is_call, dtype=np.bool_)
        size = _size({**columns, "is_call": calls})
        errors = [
            FieldError(field=field, rule=rule)
            for name, column in columns.items()
            for field, rule in _broken(name, column)
        ]
        if errors:
            raise UnusableOptions("The options can not be valued.", errors=errors)
        wide = {name: np.broadcast_to(column, (size,)) for name, column in columns.items()}
        return cls(is_call=np.broadcast_to(calls, (size,)), **wide)

    def __len__(self) -> int:
        """How many options there are."""
        return len(self.spot)

    def rows(self, chosen: slice | Flags | npt.NDArray[np.intp]) -> Self:
        """Return some of the options."""
        return replace(self, **{one.name: getattr(self, one.name)[chosen] for one in fields(self)})

    @property
    def known(self) -> Flags:
        """Which options have every number but volatility (n,)."""
        return np.isfinite(self.spot + self.strike + self.time + self.rate + self.dividend_yield + self.cash)


def _size(columns: dict[str, npt.NDArray[np.float64] | Flags]) -> int:
    """Return the common length; a single number has that of the others."""
    nested = [name for name, one in columns.items() if one.ndim > 1]
    if nested:
        raise _unusable((name, "must be a number or a list of numbers") for name in nested)
    lengths = {name: len(one) for name, one in columns.items() if one.ndim}
    size = next(iter(lengths.values()), 1)
    first = next(iter(lengths), "")
    uneven = [name for name, length in lengths.items() if length != size]
    if uneven:
        raise _unusable(
            (name, f"must be one value, or {size} as {first} has, not {lengths[name]}") for name in uneven
        )
    return size


def _broken(name: str, column: Floats) -> Iterator[tuple[str, str]]:
    bound = BOUNDS[name]
    if column.size and (_within(column, bound) or not (broken := bound.broken(column)).any()):
        return
    if column.size:
        field = f"{name}.{int(np.argmax(broken))}" if column.ndim else name
        yield field, bound.rule


def _within(column: Floats, bound: Bound) -> bool:
    """Return whether a look at the extremes is enough; NaN is passed over."""
    return bool(np.fmin.reduce(column, axis=None) >= bound.low) and bool(
        np.fmax.reduce(column, axis=None) <= bound.high
    )


def _unusable(broken: Iterator[tuple[str, str]]) -> UnusableOptions:
    errors = [FieldError(field=field, rule=rule) for field, rule in broken]
    return UnusableOptions("The options can not be valued.", errors=errors)


def row_of(reasons: Codes, place: SupportsIndex) -> Reason | None:
    """Return the reason of one row."""
    return REASONS[int(reasons[place])]
