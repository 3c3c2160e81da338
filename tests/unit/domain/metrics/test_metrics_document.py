"""docs/methodology/metrics.md says what the registry says.

``WRITE_DOCUMENTS=1 python -m pytest`` on this file writes its tables anew.
"""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from benchmarks.metric_peers import ROWS

from waardhaven.domain.metrics import METRICS
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


TABLES = {"definitions": definitions, "weights": weights, "peers": peers}


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
