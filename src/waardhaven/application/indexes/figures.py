"""The figures that answers show, each with an id that leads to its formula, its inputs and its recomputation.

An id is ``build.figure.date`` or ``build.figure.date.asset``, e.g.
``1c301005-f096-58c3-bbe7-d17392e68542.weight.2022-12-28.7``.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Self
from uuid import UUID

from waardhaven.domain.errors import NotFound
from waardhaven.domain.types import AssetId, BuildId

PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z_]{1,40}\.\d{4}-\d{2}-\d{2}(\.\d{1,18})?$"
DOCUMENT = "docs/methodology/figures.md"


class UnknownFigure(NotFound):
    """An id that no figure of a published index has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A kind of figure: its formula in words and signs, and whether each name has one of its own."""

    name: str
    formula: str
    of_a_name: bool = False

    @property
    def anchor(self) -> str:
        """Where the documentation explains it."""
        return f"{DOCUMENT}#{self.name.replace('_', '-')}"


FIGURES: dict[str, Figure] = {
    one.name: one
    for one in (
        Figure(
            name="level",
            formula="sum over names of (units x close x rate) / divisor, less the cost of a review that day",
        ),
        Figure(name="level_change", formula="level - level of the session before"),
        Figure(name="divisor", formula="divisor before x value after / value before, at each action"),
        Figure(
            name="prices",
            formula="sum over names of units x (close - close before, net of actions) x rate then / divisor",
        ),
        Figure(
            name="currencies",
            formula="sum over names of units x close x (rate - rate before) / divisor",
        ),
        Figure(
            name="actions",
            formula="value / divisor after the actions of the day less the same before them: rounding alone",
        ),
        Figure(name="costs", formula="-level before costs x cost rate x sum of |weight changes|"),
        Figure(
            name="correction",
            formula="sum of (units x price of the session before, as known to this build) / divisor, less "
            "the level published for it",
        ),
        Figure(name="gross_points", formula="sum of (distribution x units) / divisor"),
        Figure(name="net_points", formula="sum of (distribution x (1 - withholding) x units) / divisor"),
        Figure(
            name="contribution",
            formula="units x (price - price before, net of actions) / divisor, in index points",
            of_a_name=True,
        ),
        Figure(
            name="weight",
            formula="units x close x rate / sum over names of the same, after the close",
            of_a_name=True,
        ),
        Figure(
            name="units",
            formula="weight at the review / price x (level x divisor), then as actions change them",
            of_a_name=True,
        ),
        Figure(
            name="target",
            formula="the weight that the strategy gives from facts up to the selection day",
            of_a_name=True,
        ),
        Figure(
            name="review_weight",
            formula="the target after every constraint, as it is held after the effective close",
            of_a_name=True,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRef:
    """One figure: of which build, of which day, of which name (None: of the whole index)."""

    build: BuildId
    figure: Figure
    day: date
    asset: AssetId | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id; raise UnknownFigure."""
        parts = text.split(".")
        figure = FIGURES.get(parts[1]) if re.fullmatch(PATTERN, text) else None
        if figure is None or figure.of_a_name != (len(parts) == 4):
            raise UnknownFigure("There is no figure of that id.", context={"id": text[:200]})
        try:
            day = date.fromisoformat(parts[2])
        except ValueError:
            raise UnknownFigure("There is no figure of that id.", context={"id": text[:200]}) from None
        asset = AssetId(int(parts[3])) if figure.of_a_name else None
        return cls(build=BuildId(UUID(parts[0])), figure=figure, day=day, asset=asset)


def figure_id(build: BuildId, figure: str, day: date, asset: int | None = None) -> str:
    """Return the id of a figure."""
    found = f"{build}.{FIGURES[figure].name}.{day}"
    return found if asset is None else f"{found}.{asset}"
