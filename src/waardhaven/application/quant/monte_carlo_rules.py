"""What can be told of a question about a simulation before anything is read: its rules and its cost."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.domain.errors import FieldError
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation

DIRECT: Final = 100_000_000
"""Cost up to which a caller can wait: 1 to 6 seconds of one core."""
MOST: Final = 100_000_000_000
"""Cost beyond which nothing is simulated, whoever waits: about an hour of one core."""
REFUSED: Final = "The simulation can not be run like this."
INDEX: Final = re.compile(r"\[(\d+)\]")
Rule = tuple[str, str, bool]
"""A field, its rule in words, and whether it is broken."""


def refuse_broken(rules: Iterator[Rule]) -> None:
    """Raise UnusableSimulation with every rule that is broken."""
    errors = [FieldError(field=field, rule=rule) for field, rule, broken in rules if broken]
    if errors:
        raise UnusableSimulation(REFUSED, errors=errors)


@contextmanager
def told_as_sent(names: Mapping[str, str]) -> Iterator[None]:
    """Raise what is refused within the block under the names that the fields were sent by."""
    try:
        yield
    except UnusableSimulation as error:
        errors = [
            FieldError(field=INDEX.sub(r".\1", names.get(one.field, one.field)), rule=one.rule)
            for one in error.errors
        ]
        raise UnusableSimulation(REFUSED, errors=errors) from None


def costly(question: MonteCarloQuestion, cost: float, most: int) -> Rule:
    """Return the rule of what a run may cost, with how many paths that leaves."""
    paths = int(question.simulations * most / cost)
    rule = f"must be about {paths} at most here: a cost of {most:.0e} numbers, not {cost:.3g}"
    return "simulations", rule, cost > most


def foreign(question: MonteCarloQuestion) -> Iterator[Rule]:
    """Yield the fields of the other kind that are set."""
    for name in question.foreign:
        yield name, f"must be left out: a {question.kind} has none", True


def left_out(question: object, names: Sequence[str], why: str) -> Iterator[Rule]:
    """Yield the fields that must not be set."""
    for name in names:
        yield name, f"must be left out: {why}", getattr(question, name) is not None


def square(question: MonteCarloQuestion, name: str, count: int) -> Iterator[Rule]:
    """Yield the rule of a matrix: as many rows and columns as there are assets."""
    matrix = getattr(question, name)
    if matrix is not None:
        is_right = len(matrix) == count and all(len(row) == count for row in matrix)
        yield name, f"must be {count} × {count}, a row and a column for each asset", not is_right


def correlated(question: MonteCarloQuestion, count: int) -> Iterator[Rule]:
    """Yield the rules of the correlation."""
    yield from square(question, "correlation", count)
    matrix: Any = question.correlation or ()
    ones = all(row[at] == 1.0 for at, row in enumerate(matrix) if at < len(row))
    within = all(-1.0 <= one <= 1.0 for row in matrix for one in row)
    yield "correlation", "must be from -1 to 1, with ones on its diagonal", not (ones and within)


def array(values: float | Sequence[Any] | None, count: int) -> np.ndarray:
    """Return a number for each asset, of one for all or of one for each."""
    if isinstance(values, float):
        return np.full(count, values)
    return np.array(values, dtype=np.float64)
