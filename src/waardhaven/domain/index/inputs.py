"""What a build reads, and the rules it must keep."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.constraints.traits import Traits
from waardhaven.domain.index.events import EventColumns
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import CASH, Flags, Floats


class MalformedInputs(Invalid):
    """Index inputs whose shapes, axes or values can not be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexInputs:
    """Everything a build reads, on one session axis.

    ``panel``: closes (n, k) in each asset's own currency, NaN where no bar exists; its first rows are
    warm-up before the base date (or opening day). ``fx`` (n, k): units of the index currency for one
    unit of the asset's currency, 1.0 where equal, NaN unknown. ``shares`` (n, k): shares outstanding
    known that day, NaN unknown. ``member`` (n, k): whether the asset belongs to the universe that day.
    Days and assets increase strictly: sums run in order of asset id. Values beyond any market (see
    ``checked``) are refused, so that nothing overflows. ``events``: confirmed actions that the prices do
    not hold already. ``traits``: what names are grouped by, None where no rule asks.
    """

    panel: PricePanel
    fx: Floats
    shares: Floats
    member: Flags
    events: EventColumns = field(default_factory=EventColumns.none)
    traits: Traits | None = None

    def since(self, row: int) -> Self:
        """Return the same inputs with the session axis from ``row`` on; arrays are views."""
        panel = self.panel
        return replace(
            self,
            panel=PricePanel(days=panel.days[row:], assets=panel.assets, close=panel.close[row:]),
            fx=self.fx[row:],
            shares=self.shares[row:],
            member=self.member[row:],
        )

    def with_cash(self) -> Self:
        """Return the same inputs with cash as the first column: worth 1, never a member."""
        days, assets = self.panel.days, self.panel.assets
        one = np.ones((len(days), 1))
        traits = self.traits
        if traits is not None:
            traits = Traits(**{name: (None, *getattr(traits, name)) for name in traits.__slots__})
        return type(self)(
            panel=PricePanel(
                days=days,
                assets=np.concatenate([np.array([CASH], dtype=np.int64), assets]),
                close=np.hstack([one, self.panel.close]),
            ),
            fx=np.hstack([one, self.fx]),
            shares=np.hstack([one * np.nan, self.shares]),
            member=np.hstack([one < 0.0, self.member]),
            events=self.events,
            traits=traits,
        )

    def checked(self) -> Self:
        """Return self, or raise MalformedInputs naming each broken rule (nothing is repaired)."""
        shape = (len(self.panel.days), len(self.panel.assets))
        matrices = {
            "panel.close": self.panel.close,
            "fx": self.fx,
            "shares": self.shares,
            "member": self.member,
        }
        wrong = [name for name, matrix in matrices.items() if matrix.shape != shape]
        if wrong or 0 in shape:
            raise MalformedInputs(
                f"Index inputs must be {shape[0]} x {shape[1]} and not empty.",
                errors=[FieldError(field=name, rule=f"must have shape {shape}") for name in wrong],
            )
        errors = [*_axis_errors(self.panel), *_value_errors(self), *_event_errors(self.events)]
        if errors:
            raise MalformedInputs("The index inputs break their rules.", errors=errors)
        return self


def _axis_errors(panel: PricePanel) -> list[FieldError]:
    rising = {
        "panel.days": bool((panel.days[1:] > panel.days[:-1]).all() and not np.isnat(panel.days).any()),
        "panel.assets": bool((panel.assets[1:] > panel.assets[:-1]).all()),
    }
    return [FieldError(field=name, rule="must increase strictly") for name, ok in rising.items() if not ok]


def _value_errors(inputs: IndexInputs) -> list[FieldError]:
    rules = {
        "panel.close": (inputs.panel.close, 1e-12, 1e15),
        "fx": (inputs.fx, 1e-9, 1e9),
        "shares": (inputs.shares, 0.0, 1e18),
    }
    return [
        FieldError(field=name, rule=f"must lie between {low:g} and {high:g}, or be NaN (unknown)")
        for name, (values, low, high) in rules.items()
        if np.fmin.reduce(values, axis=None) < low or np.fmax.reduce(values, axis=None) > high
    ]


def _event_errors(events: EventColumns) -> list[FieldError]:
    rules = {"events.ratio": (events.ratio, 1e-9, 1e9), "events.cash": (events.cash, 0.0, 1e15)}
    return [
        FieldError(field=name, rule=f"must lie between {low:g} and {high:g}, or be NaN (not stated)")
        for name, (values, low, high) in rules.items()
        if len(values) and (np.fmin.reduce(values) < low or np.fmax.reduce(values) > high)
    ]
