"""Ranges of numbers in definitions: one wording, with the nearest legal value."""

from collections.abc import Iterator
from math import isfinite
from typing import TypeGuard

from waardhaven.domain.errors import FieldError


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether ``value`` is a finite number; flags are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def out_of_range(field: str, value: object, low: float, high: float) -> Iterator[FieldError]:
    """Yield an error unless ``value`` is a finite number in [low, high]."""
    if not is_number(value) or not low <= value <= high:
        rule = f"must be a number from {low:g} to {high:g}"
        if is_number(value):
            rule += f"; the nearest legal value is {min(max(value, low), high):g}"
        yield FieldError(field=field, rule=rule)


def not_whole(field: str, value: object, low: int, high: int) -> Iterator[FieldError]:
    """Yield an error unless ``value`` is a whole number in [low, high]."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        rule = f"must be a whole number from {low} to {high}"
        if is_number(value):
            rule += f"; the nearest legal value is {min(max(round(value), low), high)}"
        yield FieldError(field=field, rule=rule)
