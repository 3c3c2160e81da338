"""docs/methodology/metrics.md says what the registry says.

``WRITE_DOCUMENTS=1 python -m pytest`` on this file writes its tables anew.
"""

import ast
import inspect
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks.metric_peers import ROWS

from waardhaven.application.metrics.flow_question import MOST_FLOWS, MOST_SETS
from waardhaven.application.metrics.risk_question import MOST_DRAWN, MOST_REDRAWN, MOST_SERIES, MOST_VALUES
from waardhaven.domain import resampling
from waardhaven.domain.market.imports import LARGEST_FILE
from waardhaven.domain.metrics import (
    METRICS,
    cash_flows,
    contribution,
    internal_rate,
    root_search,
    time_weighted,
    uncertainty,
)
from waardhaven.domain.metrics.weights import WEIGHT_METRICS

DOCUMENT = Path(__file__).parents[4] / "docs" / "methodology" / "metrics.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; a bar within a cell is escaped."""
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(one.replace("|", "\\|") for one in row) + " |" for row in cells)


def definitions() -> str:
    rows = (
        (
            f"`{one.name}`",
            one.title,
            one.unit.value.replace("_", " "),
            one.direction.value,
            ", ".join(sorted(need.value.replace("_", "-") for need in one.needs)),
            f"{one.formula}",
            one.source,
        )
        for one in METRICS.values()
    )
    return table(["name", "title", "unit", "better", "needs", "formula", "source"], rows)


def weights() -> str:
    rows = (
        (f"`{one.name}`", one.title, one.unit.value, one.direction.value, one.formula, one.source)
        for one in WEIGHT_METRICS.values()
    )
    return table(["name", "title", "unit", "better", "formula", "source"], rows)


def peers() -> str:
    rows = ((f"`{row.metric}`", row.peer, f"`{row.call}`", row.why or "equal") for row in ROWS)
    return table(["ours", "library", "function", "there"], rows)


def words(*modules: ModuleType) -> str:
    """Return what modules say of themselves: method and sources."""
    return "\n\n".join(inspect.getdoc(one).replace("``", "`") for one in modules)


def reasons(kind: type[StrEnum]) -> str:
    return table(["reason", "in words"], ((f"`{one.name.lower()}`", one.value) for one in kind))


def remarks(kind: type[StrEnum]) -> Mapping[str, str]:
    """Return the texts that stand below members in the code, by the name of the member."""
    body = ast.parse(inspect.getsource(kind)).body[0].body
    found = {}
    for member, text in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(text, ast.Expr):
            found[member.targets[0].id] = text.value.value
    return found


def methods() -> str:
    told = remarks(uncertainty.IntervalMethod)
    return table(
        ["method", "interval"], ((f"`{one.value}`", told[one.name]) for one in uncertainty.IntervalMethod)
    )


def verdicts() -> str:
    told = {
        "above_zero": "the whole interval lies above zero",
        "below_zero": "the whole interval lies below zero",
        "cannot_be_told_from_zero": "zero lies in the interval",
        "unknown": (
            "there is no interval: the metric has no value, there are fewer than "
            f"{uncertainty.LEAST} known returns, or more than {100 * uncertainty.UNKNOWN_DRAWS:g} % of the "
            "draws have no value"
        ),
    }
    return table(["verdict", "meaning"], ((f"`{one.value}`", told[one.value]) for one in uncertainty.Verdict))


TABLES: Mapping[str, Callable[[], str]] = {
    "definitions": definitions,
    "weights": weights,
    "peers": peers,
    "money_weighted": lambda: words(cash_flows, internal_rate, root_search),
    "no_rate": lambda: reasons(cash_flows.NoRate),
    "time_weighted": lambda: words(time_weighted),
    "no_return": lambda: reasons(time_weighted.NoReturn),
    "contribution": lambda: words(contribution),
    "uncertainty": lambda: words(uncertainty, resampling),
    "methods": methods,
    "verdicts": verdicts,
}


def filled(text: str) -> str:
    for name, made in TABLES.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, count = block.subn(lambda found, made=made: f"{found[1]}{made()}\n{found[2]}", text)
        assert count == 1, name
    return text


def test_the_document_says_what_the_registry_says():
    text = DOCUMENT.read_text()
    if os.environ.get("WRITE_DOCUMENTS"):
        DOCUMENT.write_text(filled(text))
    assert DOCUMENT.read_text() == filled(text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.peer}-{row.metric}")
def test_a_figure_of_a_peer_differs_with_a_reason_or_not_at_all(row):
    assert row.metric in METRICS
    assert (row.restated is None) == (row.why == "")


@pytest.mark.parametrize(
    "bound",
    [
        f"{MOST_SETS:,} sets and {MOST_FLOWS:,} payments",
        f"up to {MOST_SERIES} series of 5,000 days ({MOST_VALUES:,} values, {LARGEST_FILE >> 20} MiB)",
        f"up to {MOST_DRAWN} series and {MOST_REDRAWN:,} values drawn",
    ],
)
def test_the_document_says_the_bounds_there_are(bound):
    assert bound in DOCUMENT.read_text()
